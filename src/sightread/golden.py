"""Golden vectors: pictures and texts that travel with a model, and the vectors that they gave when
it was made. Another machine, runtime or version that computes something else is found out."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.errors import ModelError
from sightread.protocols import DualEncoder
from sightread.types import Vectors

MAX_UNPACKED_BYTES = 256 * 1024**2
_NAMES = ("pictures", "texts", "image_vectors", "text_vectors", "min_cosine")


@dataclass(frozen=True, slots=True)
class Golden:
    """`pictures` (n, H, W, 3) uint8 with `image_vectors` (n, D), and `texts` with `text_vectors`
    (m, D), unit rows. A vector is right if its cosine to ours is at least `min_cosine`."""

    pictures: NDArray[np.uint8]
    texts: tuple[str, ...]
    image_vectors: Vectors
    text_vectors: Vectors
    min_cosine: float = 0.9999


def pack(golden: Golden) -> bytes:
    """As the contents of `golden.npz`."""
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        pictures=golden.pictures,
        texts=np.asarray(golden.texts, np.str_),
        image_vectors=golden.image_vectors,
        text_vectors=golden.text_vectors,
        min_cosine=np.float64(golden.min_cosine),
    )
    return packed.getvalue()


def unpack(content: bytes, source: str) -> Golden:
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
            parts = [arrays[name] for name in _NAMES]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"{source} is damaged: {error}.") from error
    pictures, texts, image_vectors, text_vectors, min_cosine = parts
    sound = (
        pictures.dtype == np.uint8
        and pictures.ndim == 4
        and pictures.shape[3] == 3
        and texts.dtype.kind == "U"
        and image_vectors.dtype == text_vectors.dtype == np.float32
        and image_vectors.ndim == text_vectors.ndim == 2
        and len(pictures) == len(image_vectors) > 0
        and len(texts) == len(text_vectors) > 0
        and min_cosine.shape == ()
    )
    if not sound:
        raise ModelError(f"{source} is damaged: its arrays have another form.")
    listed = tuple(str(text) for text in texts)
    return Golden(pictures, listed, image_vectors, text_vectors, float(min_cosine))


def check(golden: Golden, encoder: DualEncoder) -> float:
    """Encode the golden pictures and texts again.

    Returns:
        The smallest cosine to the vectors that they gave when the model was made.

    Raises:
        ModelError: one differs by more than allowed; the sentence says which, and how much.
    """
    images = np.stack([one.vector for one in encoder.encode_images(list(golden.pictures))])
    texts = encoder.encode_texts(golden.texts)
    named = [f"picture {number}" for number in range(1, len(images) + 1)]
    named += [f"text {text!r}" for text in golden.texts]
    expected = np.concatenate([golden.image_vectors, golden.text_vectors])
    found = np.concatenate([images, texts])
    if found.shape != expected.shape:
        raise ModelError(
            f"The model gives vectors of {found.shape[1]} dimensions, but its golden ones have "
            f"{expected.shape[1]}."
        )
    cosines = (found.astype(np.float64) * expected).sum(axis=1)
    worst = int(cosines.argmin())
    if not cosines[worst] >= golden.min_cosine:
        raise ModelError(
            f"The model computes something else here than where it was made: the vector of "
            f"{named[worst]} has cosine {cosines[worst]:.6f} to the golden one, at least "
            f"{golden.min_cosine} is needed; update onnxruntime, or export the model again."
        )
    return float(cosines[worst])
