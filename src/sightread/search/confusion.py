"""How easily a reader takes one character for another, and the edit distance weighted by it.

Equal letters cost 0, an arbitrary change, loss or addition of a character costs 1, and a change
that readers are known to make costs less: `0` for `o`, `1` for `l` or `i`, `rn` for `m`. The
classes come from the shapes of Latin letters, not from any one engine's mistakes, and compare
normalised keys (`text.key`), so that letter case and accents play no part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.3
"""Cost of a change between shapes that differ by a detail, or not at all in some faces."""
CLOSE = 0.6
"""Cost of a change between shapes that are mixed up when small, blurred or decorated."""
INITIAL = 0.3
"""Cost of losing the first letter of a word: initials are large, decorated, set apart or covered,
so that readers miss them more often than any other letter."""

# Capitals look alike in other ways than small letters do; keys do not tell them apart, so a pair
# is listed when either form is easily confused (O/Q, U/V as capitals; a/o, h/n as small ones).
_ALIKE = "0o 1i 1l il ij 5s 8b 2z oq 0q 0d 6g 9g 9q uv 6b vy gq"
_CLOSE = (
    "od ce co eo ae ao as it lt 1t 1j 7t jl hn hb kx ft fi fl fr pr rn mn nu uw vw xy yz bh ec ef "
    "gs kh 4a 7z 71 3b 3e 3s 38 58 68 96 dq cg eg tr pf bd gy ij 5g 7y nm wm li vr sz ku"
)
_DIGRAPHS: tuple[tuple[str, str, float], ...] = (
    ("rn", "m", ALIKE),
    ("nn", "m", CLOSE),
    ("in", "m", CLOSE),
    ("cl", "d", ALIKE),
    ("ci", "a", CLOSE),
    ("vv", "w", ALIKE),
    ("ii", "u", ALIKE),
    ("li", "u", CLOSE),
    ("li", "h", CLOSE),
    ("lo", "b", CLOSE),
    ("ri", "n", CLOSE),
    ("ic", "k", CLOSE),
    ("lc", "k", CLOSE),
    ("ti", "n", CLOSE),
)


def _substitution_table() -> NDArray[np.float32]:
    table = np.ones((128, 128), dtype=np.float32)
    for cost, pairs in ((CLOSE, _CLOSE), (ALIKE, _ALIKE)):
        for pair in pairs.split():
            a, b = ord(pair[0]), ord(pair[1])
            table[a, b] = table[b, a] = cost
    return table


_TABLE = _substitution_table()


def codes(words: Sequence[str]) -> NDArray[np.uint32]:
    """(n, L) code points, L the longest word's length, 0 beyond each word's end."""
    if not words:
        return np.zeros((0, 0), dtype=np.uint32)
    fixed = np.array(words)
    return fixed.view(np.uint32).reshape(len(words), -1)


def weighted_distances(word: str, others: Sequence[str]) -> NDArray[np.float32]:
    """(n,) weighted edit distance from `word`, as it is written, to each of `others`, as read.

    The usual dynamic programme over prefixes, done for all `others` at once, with additional
    steps that take two characters for one.
    """
    grid = codes(others)
    n, width = grid.shape
    lengths = np.count_nonzero(grid, axis=1)
    previous = np.repeat(np.arange(width + 1, dtype=np.float32)[:, None], n, axis=1)
    before: NDArray[np.float32] | None = None
    for i, char in enumerate(word, 1):
        change = _change_costs(char, grid)
        current = np.empty_like(previous)
        current[0] = i - 1 + INITIAL
        for j in range(1, width + 1):
            best = np.minimum(previous[j - 1] + change[:, j - 1], previous[j] + 1)
            np.minimum(best, current[j - 1] + 1, out=current[j])
            _two_for_one(word[:i], grid[:, :j], current[j], previous, before)
        before, previous = previous, current
    result: NDArray[np.float32] = previous[lengths, np.arange(n)]
    return result


def _change_costs(char: str, grid: NDArray[np.uint32]) -> NDArray[np.float32]:
    code = ord(char)
    row = _TABLE[code] if code < 128 else np.ones(128, dtype=np.float32)
    costs = row[np.minimum(grid, 127)]
    costs[grid == code] = 0.0
    return costs


def _two_for_one(
    word: str,
    seen: NDArray[np.uint32],
    best: NDArray[np.float32],
    previous: NDArray[np.float32],
    before: NDArray[np.float32] | None,
) -> None:
    """Lower `best`, the costs at (len(word), j), where a pair of letters was read as one letter
    or one as a pair; `seen` is (n, j), `previous` and `before` the rows for shorter prefixes."""
    j = seen.shape[1]
    for pair, single, cost in _DIGRAPHS:
        if before is not None and word.endswith(pair):
            hit = seen[:, j - 1] == ord(single)
            np.minimum(best, np.where(hit, before[j - 1] + cost, np.inf), out=best)
        if j >= 2 and word[-1] == single:
            hit = (seen[:, j - 2] == ord(pair[0])) & (seen[:, j - 1] == ord(pair[1]))
            np.minimum(best, np.where(hit, previous[j - 2] + cost, np.inf), out=best)
