"""The tokenisers: hand-spelled pieces, and the tokeniser of transformers over the same files."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import CLIPTokenizer

from sightread.clip.config import CONFIGS
from sightread.clip.tokens import (
    END,
    START,
    clip_tokenizer,
    spelling_tokenizer,
    tiny_tokenizer,
    tokenise,
    word_tokenizer,
)
from sightread.errors import ModelError

# A byte-pair encoding of our own: two words, a piece of a word, an accent in two bytes.
MERGES = ["t h", "th e</w>", "s t", "st r", "e e", "str ee", "stree t</w>", "Ã ©</w>", "' s</w>"]
TINY = tiny_tokenizer()


def letters() -> list[str]:
    """The letters of the bytes in the order of the public vocabulary, by its own description:
    first those that print in Latin-1, then letters from U+0100 on for the others."""
    prints = [c for c in map(chr, range(256)) if c.isprintable() and not c.isspace()]
    prints = [c for c in prints if c != "\xad"]
    return prints + [chr(256 + n) for n in range(256 - len(prints))]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same encoding in every published form."""
    folder = tmp_path_factory.mktemp("bpe")
    units = [*letters(), *(letter + "</w>" for letter in letters())]
    units += [merge.replace(" ", "") for merge in MERGES] + [START, END]
    vocabulary = {unit: at for at, unit in enumerate(units)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    lines = "\n".join(["#version: 0.2", *MERGES, ""])
    (folder / "merges.txt").write_text(lines, encoding="utf-8")
    with gzip.open(folder / "bpe_simple_vocab_16e6.txt.gz", "wt", encoding="utf-8") as packed:
        packed.write(lines)
    (folder / "bpe_simple_vocab_16e6.txt").write_text(lines, encoding="utf-8")
    public(folder).save_pretrained(folder / "saved")
    return folder


def public(folder: Path) -> CLIPTokenizer:
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    return CLIPTokenizer(vocab=vocabulary, merges=[tuple(merge.split(" ")) for merge in MERGES])


@pytest.mark.parametrize(
    "name",
    [
        "vocab.json",
        "merges.txt",
        "bpe_simple_vocab_16e6.txt.gz",
        "bpe_simple_vocab_16e6.txt",
        "saved/tokenizer.json",
        ".",
        "saved",
    ],
)
def test_every_published_form_gives_the_ids_of_transformers(files: Path, name: str) -> None:
    ours, theirs = clip_tokenizer(files / name), public(files)
    texts = ["the street", "The STREET's  café\n№ 2024!!", "", "étage naïve 東京 ß", "a" * 90]
    texts += ["it's we'll DON'T o'clock", "<b>x</b>_y", "İı ﬁ", "e\u0301 é", "\x00\x7f\u200b\ufffd"]
    got = tokenise(ours, texts, 12)
    expected = theirs(texts, padding="max_length", max_length=12, truncation=True)["input_ids"]
    end = ours.token_to_id(END)
    for row, other in zip(got.tolist(), expected, strict=True):
        assert row[: row.index(end) + 1] == other[: other.index(end) + 1]
        # They pad with [EOT], OpenAI with 0.
        assert set(row[row.index(end) + 1 :]) <= {0}
        assert len(row) == 12


WORDS = st.sampled_from(["the", "Street", "é", "e\u0301", "'s", "'", " ", "!", "7", "\x1f", "_"])


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=20) | st.lists(WORDS).map("".join))
def test_any_text_has_the_pieces_of_transformers(files: Path, text: str) -> None:
    assume("<|" not in text)  # marks within a text are the one deviation, tested below
    ours, theirs = clip_tokenizer(files / "vocab.json"), public(files)
    assert ours.encode(text).ids == theirs(text, add_special_tokens=False)["input_ids"]


def test_known_ids(files: Path) -> None:
    # 256 bytes, 256 ends, then the merges: the</w> is the second of them, street</w> the seventh.
    ids = clip_tokenizer(files).encode("the street").ids
    assert ids == [512 + 1, 512 + 6]


def test_marks_within_a_text_are_spelled_out(files: Path) -> None:
    for tokenizer in (TINY, clip_tokenizer(files / "saved"), clip_tokenizer(files / "vocab.json")):
        ids = tokenizer.encode(f"x {END} {START}").ids
        assert not {tokenizer.token_to_id(END), tokenizer.token_to_id(START)} & set(ids)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("ab", ["a", "b</w>"]),
        ("A1b", ["a</w>", "1</w>", "b</w>"]),
        ("24!?", ["2</w>", "4</w>", "!", "?</w>"]),
        ("Café", ["c", "a", "f", "e</w>"]),
        ("cafe\u0301", ["c", "a", "f", "e</w>"]),
        # U+00F8 has no accent to fold: its two bytes C3 B8.
        ("ø", ["Ã", "¸</w>"]),
        # Voicing marks are not accents: U+30AC stays, bytes E3 82 AC.
        ("ガ", ["ã", "Ĥ", "¬</w>"]),
        ("", []),
        (" \t\n", []),
    ],
)
def test_tiny_pieces(text: str, pieces: list[str]) -> None:
    assert TINY.encode(text).tokens == pieces


@given(st.text(max_size=30))
def test_tiny_writes_any_text_without_loss(text: str) -> None:
    pieces = TINY.encode(text).tokens
    assert START not in pieces
    assert END not in pieces
    spelled = "".join(piece.removesuffix("</w>") for piece in pieces)
    assert set(spelled) <= set(letters())
    if text.isascii():
        # Printable letters stand for themselves: 33 codes before "!", then DEL, are U+0100 and on.
        codes = [*range(33), 127]
        letter = {chr(code): chr(256 + at) for at, code in enumerate(codes)}
        kept = [c for c in text.lower() if c not in " \t\n\v\f\r"]
        assert spelled == "".join(letter.get(c, c) for c in kept)


def test_the_tables_of_the_tiny_family_are_as_big_as_its_vocabulary() -> None:
    # 256 bytes less 26 capitals, C0, C1 and F5..FF; each inside and at the end of a word; 2 marks.
    assert TINY.get_vocab_size() == 2 * (256 - 26 - 2 - 11) + 2 == 436
    for name in ("tiny-RN", "tiny-ViT"):
        assert CONFIGS[name].text.vocab_size == 436
    assert TINY.token_to_id(START) == 434
    assert TINY.token_to_id(END) == 435


def test_layout_and_truncation() -> None:
    start, end, a, b = (TINY.token_to_id(unit) for unit in (START, END, "a", "b</w>"))
    rows = tokenise(TINY, ["ab", "", "a" * 9 + "b"], 6)
    assert rows.tolist() == [
        [start, a, b, end, 0, 0],
        [start, end, 0, 0, 0, 0],
        [start, a, a, a, a, end],
    ]
    assert tokenise(TINY, [], 6).shape == (0, 6)


def test_the_json_travels(files: Path) -> None:
    for tokenizer in (TINY, clip_tokenizer(files / "saved"), clip_tokenizer(files)):
        data = json.loads(tokenizer.to_str())
        assert data["post_processor"] is data["padding"] is data["truncation"] is None
        again = Tokenizer.from_str(tokenizer.to_str())
        assert tokenise(again, ["The Street 7é"], 20).equal(
            tokenise(tokenizer, ["The Street 7é"], 20)
        )


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        clip_tokenizer(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_refusals(tmp_path: Path, files: Path) -> None:
    assert "has no tokeniser: put tokenizer.json" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "tokenizer.json")
    broken = tmp_path / "vocab.json"
    broken.write_text("{")
    assert "is not a tokeniser of CLIP" in refusal(broken)
    broken.write_bytes((files / "vocab.json").read_bytes())
    assert "merges.txt cannot be read: No such file" in refusal(broken)
    (tmp_path / "merges.txt").write_text("#version\na b\nabc\n")
    assert "merges.txt, line 3: expected two units" in refusal(broken)
    other = tmp_path / "tokenizer.json"
    other.write_text('{"model": {"type": "WordPiece"}}')
    assert "its model is WordPiece, not BPE" in refusal(other)
    packed = tmp_path / "bpe_simple_vocab_16e6.txt.gz"
    packed.write_bytes(b"not gzip")
    assert "cannot be read: Not a gzipped file" in refusal(packed)


def test_a_vocabulary_whose_last_token_is_not_the_end_is_refused(
    tmp_path: Path, files: Path
) -> None:
    vocabulary = json.loads((files / "vocab.json").read_text(encoding="utf-8"))
    last = vocabulary[END]
    vocabulary[START], vocabulary[END] = last, last - 1
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "merges.txt").write_bytes((files / "merges.txt").read_bytes())
    assert f"{END} as the last of its tokens" in refusal(tmp_path)


def test_whole_words_have_the_ids_of_their_order() -> None:
    pieces = word_tokenizer(["red", "star", "red", "a"])
    # 0 pads, 1 is unknown; then red 2, star 3, a 4, and the marks.
    assert (pieces.token_to_id(START), pieces.token_to_id(END)) == (5, 6)
    rows = tokenise(pieces, ["A RED star.", "reds", ""], 7).tolist()
    assert rows == [[5, 4, 2, 3, 1, 6, 0], [5, 1, 6, 0, 0, 0, 0], [5, 6, 0, 0, 0, 0, 0]]
    again = Tokenizer.from_str(pieces.to_str())
    assert tokenise(again, ["a red star"], 5).tolist() == [[5, 4, 2, 3, 6]]


def test_known_words_stay_whole_and_others_are_spelled() -> None:
    pieces = spelling_tokenizer(["a", "bus", "that", "says", ":"])
    assert pieces.encode("A bus that says: Busy bus63").tokens == [
        *("a", "bus", "that", "says", ":"),
        *("bus", "##y", "bus", "6", "3"),  # digits are words of their own, as in CLIP
    ]
    assert pieces.encode("Café §").tokens == ["c", "##a", "##f", "##e", "<|unknown|>"]
    # Padding, unknown, five words, 36 letters and digits less the known "a", within, two marks.
    assert pieces.get_vocab_size() == 2 + 5 + 35 + 36 + 2
    ids = tokenise(pieces, ["a bus"], 5)[0].tolist()
    assert ids == [78, 2, 3, 79, 0]
    again = Tokenizer.from_str(pieces.to_str())
    assert again.encode("zulu bus").ids == pieces.encode("zulu bus").ids
