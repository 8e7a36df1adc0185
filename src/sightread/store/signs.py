"""One bit for each number of a vector: which of many vectors may have a large product with a query.

Method: Gao and Long, "RaBitQ", SIGMOD 2024. Vectors are turned at random and only the signs of
their numbers are kept. The product of a vector with a query is estimated from the product of its
signs, and how far off such an estimate is depends on nothing but how well the signs stand for the
vector, which is known for each. What may pass is scored exactly by whoever asks.

Eight hundred thousand vectors of 128 numbers are 13 MB of signs; as float32 they are 410 MB, which
takes a processor longer to fetch from memory than to multiply.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SURE = 4.0
"""Standard errors that are allowed for. Of the vectors that just reach what is asked for, one in
about 20,000 is taken for less; of those that are better by a tenth, none."""

_QUERY_BITS = 4
_ROWS_AT_ONCE = 32_768
_TURNED_AT_ONCE = 16_384
_WORD = 64
_SMALL = 2048  # dimensions whose weighted counts fit into 16 bits


class Signs:
    """The signs of n vectors of D numbers.

    Args:
        codes: (n, D) small integers, `scales` (n,) what one of them stands for.
    """

    def __init__(self, codes: NDArray[np.int8], scales: NDArray[np.float32]) -> None:
        count, dim = codes.shape
        self._dim = dim
        self._turn = _random_turn(dim)
        words = -(-dim // _WORD)
        # Word by word, so that each pass runs through memory in one go.
        self._words = np.zeros((words, count), dtype=np.uint64)
        self._factor = np.zeros(count, dtype=np.float32)
        self._doubt = np.zeros(count, dtype=np.float32)
        self._query_doubt = np.zeros(count, dtype=np.float32)
        for start in range(0, count, _TURNED_AT_ONCE):
            part = slice(start, start + _TURNED_AT_ONCE)
            self._fill(part, codes[part].astype(np.float32) * scales[part, None])

    def _fill(self, part: slice, vectors: NDArray[np.float32]) -> None:
        turned = vectors @ self._turn
        length = np.maximum(np.linalg.norm(turned, axis=1), 1e-12)
        self._words[:, part] = _packed(turned > 0).T
        # The cosine between a vector and its signs: about 0.8, whatever the vector.
        kept = np.abs(turned).sum(axis=1) / (length * np.sqrt(self._dim))
        kept = np.clip(kept, 1e-6, 1.0)
        self._factor[part] = length / (kept * np.sqrt(self._dim))
        free = max(self._dim - 1, 1)
        self._doubt[part] = SURE * length * np.sqrt((1 - kept**2) / free) / kept
        self._query_doubt[part] = SURE * length / (kept * np.sqrt(self._dim))

    def most(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,): what the product of each vector with a query (D,) may be at most."""
        turned = query @ self._turn
        slices, step = _sliced(turned)
        top = (1 << _QUERY_BITS) - 1
        # The query stands for itself as odd multiples of a step, so that a bit of it is a sign.
        number = np.zeros(self._dim)
        for bits in slices:
            number = 2 * number + (2.0 * bits - 1)
        lost = float(np.linalg.norm(turned - step * number))
        packed = [_packed(bits[None])[0] for bits in slices]
        most = np.empty(self._words.shape[1], dtype=np.float32)
        for start in range(0, len(most), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            out = most[part]
            unlike = self._unlike(part, packed)
            np.multiply(unlike, np.float32(-2 * step), out=out, casting="unsafe")
            out += np.float32(step * top * self._dim)
            out *= self._factor[part]
            # Both errors are independent, hence less than this sum.
            out += self._doubt[part]
            out += np.float32(lost / np.sqrt(self._dim)) * self._query_doubt[part]
        return most

    def _unlike(self, part: slice, packed: list[NDArray[np.uint64]]) -> NDArray[Any]:
        """How many signs differ from those of the query, each bit of it weighted by its worth."""
        words = self._words[:, part]
        kind: Any = np.int16 if self._dim <= _SMALL else np.int32
        total = np.zeros(words.shape[1], dtype=kind)
        differ = np.empty(words.shape[1], dtype=np.uint64)
        count = np.empty(words.shape[1], dtype=np.uint8)
        for bits in packed:
            np.add(total, total, out=total)
            for word, own in zip(words, bits, strict=True):
                np.bitwise_xor(word, own, out=differ)
                np.bitwise_count(differ, out=count)
                np.add(total, count, out=total)
        return total


def _sliced(turned: NDArray[np.float32]) -> tuple[list[NDArray[np.bool_]], float]:
    """The bits of the numbers, the most worth first, and the step that they are multiples of."""
    top = (1 << _QUERY_BITS) - 1
    step = max(float(np.abs(turned).max(initial=0.0)) / top, 1e-12)
    whole = np.clip(np.rint((turned / step + top) / 2), 0, top).astype(np.int64)
    return [(whole >> bit & 1).astype(bool) for bit in range(_QUERY_BITS - 1, -1, -1)], step


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """(n, D) -> (n, words), the rest of the last word empty."""
    missing = -bits.shape[1] % _WORD
    filled = np.pad(bits, ((0, 0), (0, missing)))
    return np.packbits(filled, axis=1).view(np.uint64)


def _random_turn(dim: int) -> NDArray[np.float32]:
    """(D, D) orthogonal, always the same."""
    drawn = np.random.default_rng(dim).standard_normal((dim, dim))
    turn: NDArray[np.float32] = np.linalg.qr(drawn)[0].astype(np.float32)
    return turn
