"""MLT and ICDAR2015: polygons with transcriptions, to train on and to ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from sightread.errors import PictureError, UsageError
from sightread.methods.fdp.protocols.annotated import AnnotatedPicture, AnnotatedSet, TextPolygon
from sightread.methods.fdp.protocols.icdar2015 import icdar2015, icdar2015_train
from sightread.methods.fdp.protocols.mlt import mlt, mlt_val, read_truth
from tests.methods.fdp.protocols.layouts import picture, write
from tests.pictures import assert_corners, corners, saved

BOX = "0,0,9,0,9,5,0,5"
CORNERS = ((0, 0), (9, 0), (9, 5), (0, 5))


def test_lines_of_mlt(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.txt",
        "\ufeff1,2,30,2,30,12,-1,12,Latin,Milano\r\n"
        f"{BOX},Latin,Rome, Paris, Oslo\r\n"  # commas belong to the transcription
        f"{BOX},Latin,to\n"
        f"{BOX},Latin,###\n"
        f"{BOX},Latin,\n"
        f"{BOX},latin,small\n"  # the script is case-sensitive
        f"{BOX},Korean,한국\n"
        f"{BOX},None,###\n\n"
        f"{BOX},Arabic,a,b\n"
        f" 0, 0, 9, 0, 9, 5, 0, 5 , Latin , spaced \n",
    )
    texts, ignored = read_truth(path)
    assert texts[0] == TextPolygon(((1, 2), (30, 2), (30, 12), (-1, 12)), "Milano")
    assert [one.text for one in texts] == ["Milano", "Rome, Paris, Oslo", "to", "spaced"]
    assert ignored == (CORNERS,) * 6


@pytest.mark.parametrize(
    "line",
    [
        "just text",
        "0,0,9,0,9,5,0,5,Latin",  # no transcription
        "0,0,9,0,9,5,0,Latin,word",  # seven numbers
        "0,0,9,0,9,5,0,5.5,Latin,word",
        "0,0,9,0,9,5,0,nan,Latin,word",
        "0,0,9,0,9,5,0,,Latin,word",
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "gt.txt", f"{BOX},Latin,fine\r\n\r\n{line}\r\n")
    with pytest.raises(UsageError, match=r"gt\.txt, line 3: expected eight integers, script, tran"):
        read_truth(path)


def test_mlt(tmp_path: Path) -> None:
    images, truths = tmp_path / "MLT" / "train_images", tmp_path / "MLT" / "train_gts"
    picture(images / "tr_img_1.jpg", "PNG")
    picture(images / "TR_IMG_2.JPG")
    picture(images / "tr_img_3.png", "PNG")
    write(images / "tr_img_5.gif", "no picture")
    write(truths / "tr_img_1.txt", f"{BOX},Latin,To\n{BOX},Latin,Café\n{BOX},Latin,The\n")
    write(truths / "tr_img_2.txt", f"{BOX},Chinese,出口\n")
    write(truths / "tr_img_4.txt", f"{BOX},Latin,lost\n")
    write(truths / "tr_img_5.txt", "")
    found = mlt(tmp_path)
    assert found.name == "mlt"
    assert [one.id for one in found.pictures] == ["tr_img_1.jpg", "tr_img_2.jpg", "tr_img_5.gif"]
    assert (found.unannotated, found.pictureless) == (1, 1)  # tr_img_3, tr_img_4
    first, second, third = found.pictures
    assert first.words() == ["café", "the"]
    assert first.words({"the", "to"}) == ["the"]
    assert (second.texts, second.ignored, second.words()) == ((), (CORNERS,), [])
    assert_corners(first.load())
    with pytest.raises(PictureError, match="the content is not a picture"):
        third.load()


def test_pixels_stay_as_the_polygons_were_drawn_on_them(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter
    path = write(tmp_path / "a.jpg", saved(corners(), "JPEG", exif=exif))
    image = AnnotatedPicture("a.jpg", path, (), ()).load()
    assert image.shape == (64, 96, 3)
    assert_corners(image)


def test_missing_parts_name_the_layout(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected in it: MLT/train_images/\*\.jpg and"):
        mlt(tmp_path)
    (tmp_path / "train_gts").mkdir()
    with pytest.raises(UsageError, match="train_images is not there; expected: MLT"):
        mlt(tmp_path)
    picture(tmp_path / "train_images" / "a.jpg")
    with pytest.raises(UsageError, match=r"No picture of .*train_images has a truth in"):
        mlt(tmp_path)
    (tmp_path / "x").mkdir()
    with pytest.raises(UsageError, match="expected in it: ICDAR2015/ch4_training_images"):
        icdar2015_train(tmp_path / "x")
    with pytest.raises(UsageError, match="expected in it: ICDAR2015/ch4_test_images"):
        icdar2015(tmp_path)
    (tmp_path / "test_gts").mkdir()
    with pytest.raises(UsageError, match="has no ch4_test_images or test_images; expected: ICDAR"):
        icdar2015(tmp_path)


def numbered(count: int) -> AnnotatedSet:
    path = Path("nowhere.jpg")
    pictures = tuple(AnnotatedPicture(f"{n}.jpg", path, (), ()) for n in range(count))
    return AnnotatedSet("n", pictures, 0, 0)


def test_the_split_is_about_right_and_stays_when_pictures_come() -> None:
    rest, held = numbered(2000).split(0.05, seed=3)
    assert len(rest.pictures) + len(held.pictures) == 2000
    # Binomial with mean 100 and deviation 9.7: five deviations around it.
    assert 50 < len(held.pictures) < 150
    _, more = numbered(3000).split(0.05, seed=3)
    assert set(held.pictures) <= set(more.pictures)
    _, other = numbered(2000).split(0.05, seed=4)
    assert set(other.pictures) != set(held.pictures)
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        numbered(3).split(1.5)


def test_the_held_out_words_are_asked(tmp_path: Path) -> None:
    for number in range(200):
        write(tmp_path / "MLT" / "train_images" / f"{number}.jpg")
        lines = f"{BOX},Latin,Sale!\n{BOX},Korean,sale\n{BOX},Latin,w{number:03}"
        write(tmp_path / "MLT" / "train_gts" / f"{number}.txt", lines)
    _, held = mlt(tmp_path).split()
    task = mlt_val(tmp_path)
    assert task.name == "mlt-val"
    assert task.queries == {"sale": "sale"}
    assert set(task.gallery) == {one.id for one in held.pictures}
    assert task.qrels["sale"] == frozenset(task.gallery)
    with pytest.raises(PictureError, match="empty"):
        task.load(task.gallery[0])


@pytest.mark.parametrize(
    ("images", "truths"),
    [
        ("ch4_test_images", "Challenge4_Test_Task4_GT"),
        ("ch4_test_images", "Challenge4_Test_Task1_GT"),
        ("test_images", "test_gts"),
    ],
)
def test_icdar2015_as_a_test_of_retrieval(tmp_path: Path, images: str, truths: str) -> None:
    home = tmp_path / "ICDAR2015"
    for name in ("img_1.jpg", "IMG_2.jpg", "img_3.jpg"):
        picture(home / images / name)
    sale = f"{BOX},Sale,50%"  # a comma: the word is sale50
    write(home / truths / "gt_img_1.txt", f"\ufeff{sale}\r\n{BOX},EXIT\r\n{BOX},###\r\n")
    write(home / truths / "gt_img_2.txt", f"{sale}\n{BOX},Exit\n{BOX},exit\n")
    write(home / truths / "gt_img_9.txt", f"{sale}\n{sale}\n{BOX},exit.\n")
    task = icdar2015(tmp_path)
    assert task.queries == {"exit": "exit", "sale50": "sale50"}
    assert task.gallery == ("img_1.jpg", "img_2.jpg", "img_3.jpg", "img_9.jpg")
    assert task.qrels["exit"] == frozenset({"img_1.jpg", "img_2.jpg", "img_9.jpg"})
    assert_corners(task.load("img_2.jpg"))


def test_icdar2015_to_train_on(tmp_path: Path) -> None:
    picture(tmp_path / "ch4_training_images" / "img_1.jpg")
    truths = tmp_path / "ch4_training_localization_transcription_gt"
    write(truths / "gt_img_1.txt", f"\ufeff{BOX},Sale, now\r\n{BOX},###\r\n{BOX},\r\n")
    (only,) = icdar2015_train(tmp_path).pictures
    assert only.texts == (TextPolygon(CORNERS, "Sale, now"),)
    assert only.ignored == (CORNERS, CORNERS)
    write(truths / "gt_img_1.txt", "1,2,3\n")
    with pytest.raises(UsageError, match=r"gt_img_1\.txt, line 1: expected eight integers, tran"):
        icdar2015_train(tmp_path)
