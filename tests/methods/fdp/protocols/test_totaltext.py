"""TotalText in both of its forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from sightread.errors import PictureError, UsageError
from sightread.methods.fdp.protocols.totaltext import read_mat, read_txt, totaltext
from sightread.methods.fdp.protocols.words import plain_word, word_task
from tests.methods.fdp.protocols.layouts import picture, polygt_mat, write
from tests.pictures import assert_corners

# "cafe" has four instances in three pictures; "open" three; "the" is there four times but once
# with punctuation; "to" is too short; "#" is nothing.
WORDS = {
    "img1": ["Cafe", "CAFE", "the", "#", "to"],
    "img2": ["cafe!", "The", "open", "to"],
    "img3": ["'the'", "Open", "to", ""],
    "img4": ["caf-e", "THE", "OPEN", "to"],
    "img5": [],
}


def entry(text: str, mark: str = "'") -> str:
    return (
        f"x: [[ 10  60  60  10]], y: [[ 5  5 30 30]], ornt: [u'c'], "
        f"transcriptions: [u{mark}{text}{mark}]"
    )


def check(root: Path) -> None:
    task = totaltext(root)
    assert task.queries == {"cafe": "cafe", "the": "the"}
    assert task.gallery[:4] == ("img1.jpg", "img2.jpg", "img3.jpg", "img5.jpg")
    assert task.gallery[4:] == ("img4.jpg",)  # annotated, but its file is not there
    assert task.qrels == {
        "cafe": frozenset({"img1.jpg", "img2.jpg", "img4.jpg"}),
        "the": frozenset({"img1.jpg", "img2.jpg", "img3.jpg", "img4.jpg"}),
    }
    assert_corners(task.load("img2.jpg"))
    with pytest.raises(PictureError, match=r"there is no img4\.jpg"):
        task.load("img4.jpg")


def test_mat_form(tmp_path: Path) -> None:
    home = tmp_path / "TotalText"
    for name in ("img1.jpg", "img2.JPG", "img3.jpg", "img5.jpg"):
        picture(home / "Dataset" / "Images" / "Test" / name)
    for stem, texts in WORDS.items():
        words = [(text if text else np.empty((0,)), "#" if text == "#" else "h") for text in texts]
        polygt_mat(home / "Groundtruth2" / "Polygon" / "Test" / f"poly_gt_{stem}.mat", words)
    check(tmp_path)
    check(home)


def test_txt_form(tmp_path: Path) -> None:
    for name in ("img1.jpg", "img2.JPG", "img3.jpg", "img5.jpg"):
        picture(tmp_path / "Images" / "Test" / name)
    for stem, texts in WORDS.items():
        lines = [entry(text, '"' if "'" in text else "'") for text in texts]
        write(tmp_path / "txt_format" / "Test" / f"poly_gt_{stem}.txt", "\r\n".join(lines))
    check(tmp_path)


def test_txt_entries_as_numpy_and_python_2_print_them(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.txt",
        "\ufeffx: [[115 503\n 494 115]], y: [[322 346\r\n  426 404]], ornt: [u'm'], "
        "transcriptions: [u'nau, GHTY]']\n"
        "x: [[1 2 3]], y: [[4 5 6]], ornt: [u'c'], transcriptions: [u\"Joe's\"]\n\n"
        r"x: [[1 2 3]], y: [[4 5 6]], ornt: [u'h'], transcriptions: [u'caf\xe9 \u20ac\\ \'']" + "\n"
        "x: [[1 2 3]], y: [[4 5 6]], ornt: ['#'], transcriptions: ['#']\n"
        "x: [[]], y: [[]], ornt: [], transcriptions: []",
    )
    words = read_txt(path)
    assert [word.text for word in words] == ["nau, GHTY]", "Joe's", "café €\\ '", "#", ""]
    assert words[0].corners == ((115, 322), (503, 346), (494, 426), (115, 404))
    assert words[4].corners == ()


GOOD = entry("fine") + "\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (GOOD + "\n" + "just text", 3),
        (GOOD + entry("a").replace("60  60", "60"), 2),  # three x, four y
        (GOOD + entry("a").replace("y:", "z:"), 2),
        (GOOD + GOOD + entry("a").replace("u'a'", "u'a"), 3),
        (entry("a").replace("u'a'", "__import__('os')") + "\n" + GOOD, 1),
        (GOOD + entry("a").replace("10 ", "1-0 "), 2),
        (GOOD + entry(r"\UFFFFFFFF"), 2),
        (GOOD + "x: [[1\n 2", 2),
    ],
)
def test_broken_txt_entries_are_named_by_their_first_line(
    tmp_path: Path, text: str, line: int
) -> None:
    path = write(tmp_path / "poly_gt_img1.txt", text)
    with pytest.raises(UsageError, match=rf"img1\.txt, line {line}: expected x: \[\[\.\.\]\], y:"):
        read_txt(path)


def test_mat_rows(tmp_path: Path) -> None:
    path = polygt_mat(tmp_path / "a.mat", [("Fine, isn't it", "c"), (np.empty((0,)), "#")])
    words = read_mat(path)
    assert [word.text for word in words] == ["Fine, isn't it", ""]
    assert words[0].corners == ((10, 5), (60, 5), (60, 30), (10, 30))
    assert read_mat(polygt_mat(tmp_path / "b.mat", [])) == []


def test_broken_mat_files_are_named(tmp_path: Path) -> None:
    path = polygt_mat(tmp_path / "a.mat", [("fine", "c"), (7.0, "c")])
    with pytest.raises(UsageError, match=r"a\.mat, row 2 of polygt: expected a cell array"):
        read_mat(path)
    rows = np.empty((1, 6), dtype=object)
    rows[0] = ["x:", np.arange(4), "y:", np.arange(3), "word", "c"]
    savemat(path, {"polygt": rows})
    with pytest.raises(UsageError, match=r"a\.mat, row 1 of polygt: expected a cell array"):
        read_mat(path)
    savemat(path, {"polygt": rows[:, :4]})
    with pytest.raises(UsageError, match=r"a\.mat holds an array of \(1, 4\): expected"):
        read_mat(path)


def test_missing_parts_name_the_layout(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected in it: TotalText/Groundtruth2/Polygon/Test"):
        totaltext(tmp_path)
    truths = tmp_path / "txt_format" / "Test"
    truths.mkdir(parents=True)
    with pytest.raises(UsageError, match="Images/Test is not there; expected: TotalText"):
        totaltext(tmp_path)
    picture(tmp_path / "Images" / "Test" / "img1.jpg")
    with pytest.raises(UsageError, match="holds no annotations; expected: TotalText"):
        totaltext(tmp_path)
    write(truths / "poly_gt_img1.txt", entry("rare"))
    with pytest.raises(UsageError, match="none of the 1 different words is annotated 4 times"):
        totaltext(tmp_path)
    polygt_mat(truths / "poly_gt_img1.mat", [("fine", "c")])
    with pytest.raises(UsageError, match=r"holds both \.mat and \.txt"):
        totaltext(tmp_path)


def test_words_are_compared_by_letters_and_digits() -> None:
    assert [plain_word(word) for word in ("Joe's!", "RE-16a", "café", "#", "İ1")] == [
        "joes",
        "re16a",
        "caf",
        "",
        "i1",
    ]


def test_instances_are_counted_not_pictures() -> None:
    words = {"a": ["sale", "sale", "SALE", "sale!"], "b": ["taxi"], "c": ["taxi"]}
    task = word_task("t", words, lambda _: np.zeros((1, 1, 3), np.uint8))
    assert task.qrels == {"sale": frozenset({"a"})}
    assert task.gallery == ("a", "b", "c")
    twice = word_task("t", words, lambda _: np.zeros((1, 1, 3), np.uint8), min_instances=2)
    assert twice.qrels["taxi"] == frozenset({"b", "c"})
