"""Texts as token ids, by the rules of CLIP's byte-pair encoding.

A text is put in lower case, cut into words (letters together, digits one by one, the rest
together), and each word is spelled in bytes, the last one marked with `</w>`; merges, if there are
any, then join pieces. Bytes make that every text can be written.

A `tokenizers.Tokenizer` of this module does the pieces only. `[SOT] pieces [EOT] 0 0 ...` is put
round them by `tokenise`, and when serving by the layout in `model.json`, so that the file
`tokenizer.json` is the same for both. Two deviations from OpenAI's code, both without influence on
ordinary text: mojibake and HTML entities are not repaired (as in the tokenisers of `transformers`),
and `<|endoftext|>` within a text is spelled like any other text instead of ending it.
"""

from __future__ import annotations

import gzip
import json
import os
import string
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, WordLevel, WordPiece
from torch import Tensor

from sightread.errors import ModelError

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # it warns about forks of the lab

START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"
PAD_ID = 0
_PADDING, _UNKNOWN = "<|padding|>", "<|unknown|>"
_WITHIN = "##"

_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_LATIN_ACCENTS = r"[\u0300-\u036f]"
_PUBLISHED_MERGES = 49152 - 256 - 2
"""OpenAI's file lists more merges than the models know."""
_MAX_FILE_BYTES = 64 * 2**20


def tiny_tokenizer() -> Tokenizer:
    """Character by character, for the tiny family: no merges, nothing of anybody's vocabulary.

    Accents are folded ("Café" is "cafe"), as the search does with readings. The vocabulary is
    every byte of lower-case UTF-8, inside of a word and at its end, and the two marks.
    """
    letters = _byte_letters()
    # Capitals are gone; the others never occur in UTF-8.
    unused = {*range(0x41, 0x5B), 0xC0, 0xC1, *range(0xF5, 0x100)}
    units = [letter for byte, letter in letters.items() if byte not in unused]
    return _assemble(_vocabulary(units, []), [], _folding())


def _folding() -> list[normalizers.Normalizer]:
    """Small letters without accents."""
    return [
        normalizers.NFD(),
        normalizers.Replace(Regex(_LATIN_ACCENTS), ""),
        normalizers.NFC(),
        normalizers.Lowercase(),
    ]


def word_tokenizer(words: Sequence[str]) -> Tokenizer:
    """Word by word, for small worlds of which every word is known; case does not count.

    Ids: padding, the word that is not known, the words in their order, the two marks.
    """
    units = [_PADDING, _UNKNOWN, *dict.fromkeys(words), START, END]
    model = WordLevel({unit: at for at, unit in enumerate(units)}, unk_token=_UNKNOWN)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True)
    return tokenizer


def spelling_tokenizer(words: Sequence[str]) -> Tokenizer:
    """Known words whole, all others letter by letter, without case and accents.

    For small worlds with names in them: what is said of a picture is a short list of words, but
    any word may be written in it.

    Ids: padding, what is neither word nor letter, the words in their order, letters and digits at
    the start of a word and within it, the two marks.
    """
    letters = string.ascii_lowercase + string.digits
    within = [_WITHIN + letter for letter in letters]
    units = dict.fromkeys([_PADDING, _UNKNOWN, *words, *letters, *within, START, END])
    # The longest piece that fits comes first, so that no known word is spelled.
    model = WordPiece(
        {unit: at for at, unit in enumerate(units)},
        unk_token=_UNKNOWN,
        continuing_subword_prefix=_WITHIN,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(_folding())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True)
    return tokenizer


def clip_tokenizer(path: Path) -> Tokenizer:
    """The tokeniser of a published CLIP, from files that the user has.

    Args:
        path: `tokenizer.json`; or `vocab.json` with `merges.txt` beside it; or
            `bpe_simple_vocab_16e6.txt`, packed with gzip or not; or a folder with one of them.

    Raises:
        ModelError: there is no such file, or it is not a tokeniser of CLIP.
    """
    path = _choose(path) if path.is_dir() else path
    try:
        if path.name.endswith((".txt", ".txt.gz")) and path.name != "merges.txt":
            tokenizer = _from_merges(path)
        elif path.name in ("vocab.json", "merges.txt"):
            tokenizer = _from_vocabulary(path.with_name("vocab.json"))
        else:
            tokenizer = _from_tokenizer_json(path)
    except OSError as error:
        reason = error.strerror or error
        raise ModelError(f"{error.filename or path} cannot be read: {reason}.") from error
    except ModelError:
        raise
    except Exception as error:  # the library raises nothing narrower
        raise ModelError(f"{path} is not a tokeniser of CLIP: {error}.") from error
    start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
    if start is None or end is None or end != tokenizer.get_vocab_size() - 1:
        raise ModelError(
            f"{path} is not a tokeniser of CLIP: it must know {START} and {END}, "
            f"{END} as the last of its tokens."
        )
    return tokenizer


def tokenise(tokenizer: Tokenizer, texts: Sequence[str], context_length: int) -> Tensor:
    """[SOT] pieces [EOT], then 0; what is too long is cut before [EOT].

    Args:
        tokenizer: of this module, or read back with `Tokenizer.from_str`.
        context_length: T, at least 2.

    Returns:
        (B, T) int64. The highest id of a row is [EOT], which `CLIP.encode_text` looks for.
    """
    start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
    ids = torch.full((len(texts), context_length), PAD_ID, dtype=torch.int64)
    for row, pieces in zip(ids, tokenizer.encode_batch(list(texts)), strict=True):
        kept = [start, *pieces.ids[: context_length - 2], end]
        row[: len(kept)] = torch.tensor(kept)
    return ids


def _byte_letters() -> dict[int, str]:
    """The letter that stands for each byte: itself if it prints, else one from U+0100 on."""
    prints = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in prints]
    letters = {byte: chr(byte) for byte in prints}
    return letters | {byte: chr(256 + at) for at, byte in enumerate(rest)}


def _vocabulary(letters: Sequence[str], merges: Sequence[tuple[str, str]]) -> dict[str, int]:
    ends = [letter + WORD_END for letter in letters]
    joined = [first + second for first, second in merges]
    units = [*letters, *ends, *joined, START, END]
    return {unit: at for at, unit in enumerate(units)}


def _assemble(
    vocabulary: dict[str, int],
    merges: Sequence[tuple[str, str]],
    cleaning: Sequence[normalizers.Normalizer] | None = None,
) -> Tokenizer:
    model = BPE(vocab=vocabulary, merges=list(merges), end_of_word_suffix=WORD_END, unk_token=END)
    tokenizer = Tokenizer(model)
    # Whitespace needs no cleaning: no word has any.
    tokenizer.normalizer = normalizers.Sequence(
        list(cleaning or [normalizers.NFC(), normalizers.Lowercase()])
    )
    words = pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True)
    spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, spelled])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _choose(folder: Path) -> Path:
    names = ("tokenizer.json", "vocab.json", "bpe_simple_vocab_16e6.txt.gz")
    for name in (*names, "bpe_simple_vocab_16e6.txt"):
        if (folder / name).is_file():
            return folder / name
    raise ModelError(
        f"{folder} has no tokeniser: put {names[0]}, or {names[1]} with merges.txt, or {names[2]} "
        "there."
    )


def _from_merges(path: Path) -> Tokenizer:
    with path.open("rb") as packed, gzip.GzipFile(fileobj=packed) as unpacked:
        data = unpacked if path.name.endswith(".gz") else packed
        text = data.read(_MAX_FILE_BYTES).decode("utf-8")
    merges = _merges(text, path)[:_PUBLISHED_MERGES]
    letters = list(_byte_letters().values())
    return _assemble(_vocabulary(letters, merges), merges)


def _from_vocabulary(path: Path) -> Tokenizer:
    vocabulary = json.loads(_read(path))
    other = path.with_name("merges.txt")
    return _assemble(vocabulary, _merges(_read(other), other))


def _from_tokenizer_json(path: Path) -> Tokenizer:
    data = json.loads(_read(path))
    if data["model"]["type"] != "BPE":
        raise ModelError(
            f"{path} is not a tokeniser of CLIP: its model is {data['model']['type']}, not BPE."
        )
    vocabulary = data["model"]["vocab"]
    added = [token for token in data["added_tokens"] if token["content"] not in vocabulary]
    # `model.json` says how pieces are wrapped; here nothing may do it a second time.
    data |= {"added_tokens": added, "post_processor": None, "padding": None, "truncation": None}
    return Tokenizer.from_str(json.dumps(data))


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_FILE_BYTES).decode("utf-8")


def _merges(text: str, path: Path) -> list[tuple[str, str]]:
    """One merge a line, two units with a space between; the first line is a header."""
    merges = []
    for number, line in enumerate(text.split("\n")[1:], 2):
        units = line.split(" ")
        if line and len(units) != 2:
            raise ModelError(
                f"{path}, line {number}: expected two units with a space between, got {line!r}."
            )
        if line:
            merges.append((units[0], units[1]))
    return merges
