"""Golden vectors: pictures and texts that travel with a model, and the vectors that they gave when
it was made. Another machine, runtime or version that computes something else is found out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sightread.errors import ModelError
from sightread.protocols import DualEncoder, ReadingEncoder
from sightread.types import Quad, Vectors, WordRegion

MAX_UNPACKED_BYTES = 256 * 1024**2
_NAMES = ("pictures", "texts", "image_vectors", "text_vectors", "min_cosine")
_WORD_NAMES = ("words", "word_boxes", "word_confidences", "words_vector")


@dataclass(frozen=True, slots=True)
class GoldenWords:
    """Words read in the first of the golden pictures, `boxes` (n, 4, 2) in pixels of it and
    `confidences` (n,), and the vector (D,) that it has with them."""

    texts: tuple[str, ...]
    boxes: NDArray[np.float32]
    confidences: NDArray[np.float32]
    vector: NDArray[np.float32]

    def regions(self) -> list[WordRegion]:
        """As a reader gives them."""
        quads = [tuple((float(x), float(y)) for x, y in box) for box in self.boxes]
        rows = zip(quads, self.confidences.tolist(), self.texts, strict=True)
        return [WordRegion(cast(Quad, quad), sure, text) for quad, sure, text in rows]


@dataclass(frozen=True, slots=True)
class Golden:
    """`pictures` (n, H, W, 3) uint8 with `image_vectors` (n, D), and `texts` with `text_vectors`
    (m, D), unit rows. A vector is right if its cosine to ours is at least `min_cosine`. `words`:
    of a model that takes words."""

    pictures: NDArray[np.uint8]
    texts: tuple[str, ...]
    image_vectors: Vectors
    text_vectors: Vectors
    min_cosine: float = 0.9999
    words: GoldenWords | None = None


def pack(golden: Golden) -> bytes:
    """As the contents of `golden.npz`."""
    arrays: dict[str, Any] = {
        "pictures": golden.pictures,
        "texts": np.asarray(golden.texts, np.str_),
        "image_vectors": golden.image_vectors,
        "text_vectors": golden.text_vectors,
        "min_cosine": np.float64(golden.min_cosine),
    }
    if (words := golden.words) is not None:
        texts = np.asarray(words.texts, np.str_)
        parts = (texts, words.boxes, words.confidences, words.vector)
        arrays |= zip(_WORD_NAMES, parts, strict=True)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def _unpacked_words(parts: Sequence[NDArray[Any]]) -> GoldenWords | None:
    """None where there are none; raises ValueError if they have another form."""
    if not parts:
        return None
    texts, boxes, confidences, vector = parts
    sound = (
        texts.dtype.kind == "U"
        and texts.ndim == vector.ndim == 1
        and boxes.dtype == confidences.dtype == vector.dtype == np.float32
        and boxes.shape == (len(texts), 4, 2)
        and confidences.shape == (len(texts),)
    )
    if not sound:
        raise ValueError("its words have another form")
    return GoldenWords(tuple(str(text) for text in texts), boxes, confidences, vector)


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
            some = [arrays[name] for name in _WORD_NAMES if _WORD_NAMES[0] in arrays]
            words = _unpacked_words(some)
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
        and (words is None or words.vector.shape == image_vectors.shape[1:])
    )
    if not sound:
        raise ModelError(f"{source} is damaged: its arrays have another form.")
    listed = tuple(str(text) for text in texts)
    return Golden(pictures, listed, image_vectors, text_vectors, float(min_cosine), words)


def _with_words(golden: Golden, words: GoldenWords, encoder: DualEncoder) -> Vectors:
    if not isinstance(encoder, ReadingEncoder):
        raise ModelError(
            "The model has a golden picture with words, but does not take any; export it again."
        )
    [one] = encoder.encode_read([golden.pictures[0]], [words.regions()])
    return one.vector[None]


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
    if golden.words is not None:
        named.append("picture 1 with its words")
        expected = np.concatenate([expected, golden.words.vector[None]])
        found = np.concatenate([found, _with_words(golden, golden.words, encoder)])
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
