"""Golden numbers of a spotter: a picture, strips and words that travel with the model, and what
they gave when it was made. See `golden` for the same of encoders."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sightread.errors import ModelError
from sightread.types import RGBImage, Vectors

MAX_UNPACKED_BYTES = 64 * 1024**2
LEAST_COSINE = 0.999
MOST_DEVIATION = 0.01
"""Of the probabilities of the kernel map, on the average: in eight bits another processor may round
another way now and then."""


class SpotterGraphs(Protocol):
    """The three graphs of a spotter, ready to run."""

    def maps(self, picture: RGBImage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(H, W, 3) -> kernels (H/2, W/2) and geometry (3, H/4, W/4)."""
        ...

    def read_strips(self, strips: Sequence[RGBImage]) -> tuple[Vectors, list[NDArray[np.float32]]]:
        """Unit vectors (n, D), and per strip logarithms of probabilities (columns, classes)."""
        ...

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """Unit vectors (n, D)."""
        ...


@dataclass(frozen=True, slots=True)
class SpotterGolden:
    """`picture` (H, W, 3) uint8 with its `kernel` map, `strips` (n, 32, W, 3) uint8 with their
    `strip_vectors` (n, D), `words` with their `word_vectors` (m, D)."""

    picture: RGBImage
    kernel: NDArray[np.float32]
    strips: NDArray[np.uint8]
    strip_vectors: Vectors
    words: NDArray[np.str_]
    word_vectors: Vectors


def pack(golden: SpotterGolden) -> bytes:
    """As the contents of `golden.npz`."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **{one.name: getattr(golden, one.name) for one in fields(golden)})
    return packed.getvalue()


def unpack(content: bytes, source: str) -> SpotterGolden:
    """The contents of `golden.npz`; `source` begins each sentence of complaint.

    Raises:
        ModelError: damaged, too large, or of another form.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            size = sum(member.file_size for member in members.infolist())
        if size > MAX_UNPACKED_BYTES:
            raise ModelError(
                f"{source} would unpack to {size:,} bytes, the limit is {MAX_UNPACKED_BYTES:,}."
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            golden = SpotterGolden(*(arrays[one.name] for one in fields(SpotterGolden)))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"{source} is damaged: {error}.") from error
    sound = (
        golden.picture.dtype == golden.strips.dtype == np.uint8
        and golden.picture.ndim == 3
        and golden.strips.ndim == 4
        and golden.kernel.ndim == golden.strip_vectors.ndim == golden.word_vectors.ndim == 2
        and golden.words.dtype.kind == "U"
        and len(golden.strips) == len(golden.strip_vectors) > 0
        and len(golden.words) == len(golden.word_vectors) > 0
    )
    if not sound:
        raise ModelError(f"{source} is damaged: its arrays have another form.")
    return golden


def check(golden: SpotterGolden, graphs: SpotterGraphs) -> float:
    """Compute everything again.

    Returns:
        The smallest cosine to a vector of the time when the model was made.

    Raises:
        ModelError: a vector or the map differs by more than allowed; the sentence says which.
    """
    kernel, _ = graphs.maps(golden.picture)
    vectors, _ = graphs.read_strips(list(golden.strips))
    words = graphs.encode_words([str(word) for word in golden.words])
    found = np.concatenate([vectors, words])
    expected = np.concatenate([golden.strip_vectors, golden.word_vectors])
    if found.shape != expected.shape or kernel.shape != golden.kernel.shape:
        raise ModelError(
            f"The model gives vectors of {found.shape[1]} dimensions and a map of {kernel.shape}; "
            f"its golden ones have {expected.shape[1]} and {golden.kernel.shape}."
        )
    deviation = float(np.abs(kernel - golden.kernel).mean())
    cosines = (found.astype(np.float64) * expected).sum(axis=1)
    worst = int(cosines.argmin())
    if not (cosines[worst] >= LEAST_COSINE and deviation <= MOST_DEVIATION):
        named = [f"strip {number}" for number in range(1, len(vectors) + 1)]
        named += [f"the word {word!r}" for word in golden.words]
        raise ModelError(
            f"The model computes something else here than where it was made: the vector of "
            f"{named[worst]} has cosine {cosines[worst]:.6f} to the golden one (at least "
            f"{LEAST_COSINE} is needed), its map differs by {deviation:.3g} in the mean (at most "
            f"{MOST_DEVIATION}); update onnxruntime, or export the model again."
        )
    return float(cosines[worst])
