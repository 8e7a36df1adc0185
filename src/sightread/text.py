"""One normaliser and tokeniser for index and query, so that every engine gives the same answer.

`key` turns a reading into the form in which words are compared: NFKC, case folded, accents
folded, and only letters and digits kept ("Café!" -> "cafe", "RE-16A" -> "re16a"). `tokens` gives
the forms under which a reading can be found: first the whole word with its inner punctuation
("re-16a", "1.44"), then the key if it differs, then its pieces: between punctuation, letters and
digits apart for codes (re, 16a, 16), and character pairs for scripts written without spaces
("東京駅" -> 東京駅, 東京, 京駅).
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose, as people type them without the right keyboard.
_FOLD = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
    | dict.fromkeys("‘’ʼ`´", "'")
    | dict.fromkeys("‐–—−", "-")
)
# NFKC would spell these out and glue "TM" to a brand's name.
_MARKS = str.maketrans(dict.fromkeys("™®©℠", "·"))
_PIECE = re.compile(r"[^\W_]+")
_RUN = re.compile(r"\d+|[^\W\d_]+")
# Han, kana, Hangul, Thai, Lao, Khmer, Burmese: written without spaces between words, or (Hangul)
# with endings glued on, so that pairs of characters serve as parts.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3040-\u30ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)


def fold(text: str) -> str:
    """NFKC, case folded, accents folded; punctuation and spaces stay."""
    if text.isascii():
        return text.lower()
    marked = text.translate(_MARKS)
    folded = unicodedata.normalize("NFKC", marked).casefold().translate(_FOLD)
    decomposed = unicodedata.normalize("NFD", folded)
    kept = "".join(c for c in decomposed if not _is_latin_accent(c))
    return unicodedata.normalize("NFKC", kept)


def _is_latin_accent(char: str) -> bool:
    # Combining marks outside this block (kana voicing, Indic vowels) change the letter itself.
    return "\u0300" <= char <= "\u036f"


@lru_cache(maxsize=65536)
def key(text: str) -> str:
    """The letters and digits of `text`, folded, in one piece; "" if it has none."""
    return "".join(_PIECE.findall(fold(text)))


@lru_cache(maxsize=65536)
def tokens(text: str) -> tuple[str, ...]:
    """The whole word first, then its key and pieces, each once; () if there is nothing to find."""
    folded = fold(text)
    spans = [match.span() for match in _PIECE.finditer(folded)]
    if not spans:
        return ()
    pieces = [folded[start:end] for start, end in spans]
    found = dict.fromkeys([folded[spans[0][0] : spans[-1][1]], "".join(pieces), *pieces])
    for piece in pieces:
        runs: list[str] = _RUN.findall(piece)
        if len(runs) > 1:
            found.update(dict.fromkeys(run for run in runs if len(run) > 1))
        for stretch in _UNSPACED.findall(piece):
            found.update(dict.fromkeys(a + b for a, b in itertools.pairwise(stretch)))
    return tuple(found)


def letters(text: str) -> int:
    """How much a folded word says, in letters: a character of a script written without spaces
    says about as much as three letters."""
    return len(text) + 2 * sum(map(len, _UNSPACED.findall(text)))


def words(text: str) -> list[str]:
    """The space-separated words of `text` that hold at least one letter or digit."""
    return [word for word in text.split() if key(word)]
