"""The demo gallery: complete, decodable, deterministic, and true."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from sightread import text
from sightread.errors import UsageError
from sightread.synth import fonts, gallery
from sightread.synth.gallery import DEMO_QUERIES, SHOTS, write_gallery

Record = dict[str, Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """The whole gallery, rendered once."""
    folder = tmp_path_factory.mktemp("gallery")
    return folder, write_gallery(folder)


def keys(record: Record) -> list[str]:
    return [text.key(word) for word in record["words"]]


def name_of(record: Record) -> str:
    return Path(record["image"]).stem


def test_there_are_many_pictures_of_many_kinds_and_formats(
    written: tuple[Path, list[Record]],
) -> None:
    _, records = written
    assert len(records) == len(SHOTS) >= 60
    assert len({shot.name for shot in SHOTS}) == len(SHOTS)
    assert len({record["subset"] for record in records}) >= 10
    assert {shot.suffix for shot in SHOTS} == {"jpg", "png", "webp", "gif", "bmp", "tif"}
    assert {shot.orientation for shot in SHOTS} == {1, 3, 6, 8}
    assert sum(not record["words"] for record in records) >= 4


def test_files_are_what_the_annotations_say(written: tuple[Path, list[Record]]) -> None:
    folder, records = written
    lines = (folder / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == records
    for record in records:
        with Image.open(folder / record["image"]) as image:
            upright = ImageOps.exif_transpose(image)
            upright.load()
        assert upright.size == (record["width"], record["height"])
        assert 640 <= max(upright.size) <= 1280
    total_bytes = sum(path.stat().st_size for path in (folder / "images").iterdir())
    assert total_bytes < 9_000_000


def test_annotations_have_the_agreed_format(written: tuple[Path, list[Record]]) -> None:
    for record in written[1]:
        assert record["box_format"] == "xywh"
        assert record["complete"] is True
        assert record["checked"] == "rendered"
        assert record["source"] == "sightread gallery"
        assert len(record["words"]) == len(record["boxes"]) == len(record["quads"])
        for x, y, width, height in record["boxes"]:
            assert width >= 2
            assert height >= 2
            assert x >= 0
            assert y >= 0
            assert x + width <= record["width"] + 0.2
            assert y + height <= record["height"] + 0.2
        quads = np.array(record["quads"]).reshape(-1, 4, 2)
        size = np.array([record["width"], record["height"]])
        assert ((quads > -0.6) & (quads < size + 0.6)).all(), f"{name_of(record)}: a word is cut"


def test_words_are_where_the_truth_says(written: tuple[Path, list[Record]]) -> None:
    """Inside every box the picture has contrast, as letters have and empty ground has not."""
    folder, records = written
    for record in records:
        with Image.open(folder / record["image"]) as image:
            grey = np.asarray(ImageOps.exif_transpose(image).convert("L"), np.float32)
        for word, (x, y, width, height) in zip(record["words"], record["boxes"], strict=True):
            patch = grey[int(y) : int(y + height) + 1, int(x) : int(x + width) + 1]
            spread = np.percentile(patch, 95) - np.percentile(patch, 5)
            assert spread > 14, f"{name_of(record)}: no ink under {word!r}"


def test_queries_name_exactly_the_pictures_with_the_word(
    written: tuple[Path, list[Record]],
) -> None:
    folder, records = written
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = {(q := json.loads(line))["query"]: q["images"] for line in lines}
    assert len(queries) > 300
    assert all(len(word) >= 3 and word == word.casefold() for word in queries)
    parking = {"sign-no-parking", "sign-no-parking-taxi", "ticket-parking"}
    assert {Path(image).stem for image in queries["parking"]} == parking
    assert "forgot" in queries  # of "Forgot password?"
    assert "password" in queries  # without the question mark
    for word, images in queries.items():
        shown = {r["image"] for r in records if any(word in w.casefold() for w in r["words"])}
        assert set(images) <= shown


def holds(needed: set[str]) -> Callable[[Record], bool]:
    return lambda record: needed <= set(keys(record))


def phrase(first: str, second: str) -> Callable[[Record], bool]:
    return lambda record: (first, second) in zip(keys(record), keys(record)[1:], strict=False)


def starts(prefix: str) -> Callable[[Record], bool]:
    return lambda record: any(k.startswith(prefix) for k in keys(record))


EXPECTED: dict[str, Callable[[Record], bool]] = {
    '"coffee shop"': phrase("coffee", "shop"),
    '"coffe"~1': holds({"coffee"}),
    '"RE16*"': starts("re16"),
    '"no parking" -taxi': lambda r: phrase("no", "parking")(r) and "taxi" not in keys(r),
    '"zurich"': holds({"zurich"}),
    '"KOB 805"~1': phrase("k0b", "8o5"),
    "person:fernwood": lambda r: any(
        "Fernwood" in person for person in r.get("metadata", {}).get("persons", ())
    ),
    '"quixolanthe"': holds({"quixolanthe"}),
}


def test_demo_queries_find_exactly_what_they_promise(
    written: tuple[Path, list[Record]],
) -> None:
    assert {query.line for query in DEMO_QUERIES} == set(EXPECTED)
    for query in DEMO_QUERIES:
        found = {name_of(r) for r in written[1] if EXPECTED[query.line](r)}
        assert found == set(query.finds), query.line
        assert query.note


def test_the_look_alike_traps_are_there(written: tuple[Path, list[Record]]) -> None:
    shown = {key for record in written[1] for key in keys(record)}
    assert {"coffee", "coffin", "toffee", "rfo1c", "rf01c", "bookshop"} <= shown


def test_metadata_is_in_the_files(written: tuple[Path, list[Record]]) -> None:
    folder, _ = written
    data = (folder / "images" / "shop-coffee-shop.jpg").read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        assert exif.get_ifd(0x8769)[0x9003] == "2024:05:04 08:15:00"
        latitude = exif.get_ifd(0x8825)[2]
        assert float(latitude[0]) == 47
    assert b"Breakfast corner" in data
    assert b"Photoshop 3.0" in data
    person = (folder / "images" / "banner-birthday.jpg").read_bytes()
    assert b"PersonInImage" in person
    assert b"Wilhelmina Quill" in person


def test_a_picture_depends_only_on_seed_and_name(tmp_path: Path) -> None:
    few = write_gallery(tmp_path / "few", count=3)
    more = write_gallery(tmp_path / "more", count=6)
    other = write_gallery(tmp_path / "other", seed=1, count=3)
    names = [record["image"] for record in few]
    assert set(names) <= {record["image"] for record in more}
    assert [record["words"] for record in few] == [record["words"] for record in other]
    for name in names:
        first = (tmp_path / "few" / name).read_bytes()
        assert first == (tmp_path / "more" / name).read_bytes()
        assert first != (tmp_path / "other" / name).read_bytes()


@pytest.mark.parametrize("count", [0, -1, 10_000])
def test_a_count_out_of_range_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(UsageError, match=rf"1 to {len(SHOTS)} pictures, not {count}"):
        write_gallery(tmp_path, count=count)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write_gallery(tmp_path / "taken", count=1)


def test_missing_fonts_are_named_or_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = {**fonts.FACES, "bold": ("font-that-is-not-there", "Nothing.ttf")}
    monkeypatch.setattr(fonts, "FACES", absent)
    fonts.find_face.cache_clear()
    try:
        with pytest.raises(UsageError, match=r'font-that-is-not-there.*"sightread\[gallery\]"'):
            write_gallery(tmp_path, count=1)
        assert len(write_gallery(tmp_path, count=2, plain_fonts=True)) == 2
    finally:
        fonts.find_face.cache_clear()


def test_the_command_writes_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gallery, "SHOTS", SHOTS[:2])
    assert gallery.main([str(tmp_path / "out")]) == 0
    assert "2 pictures with" in capsys.readouterr().out
    assert gallery.main([]) == 2
    assert "usage:" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert gallery.main([str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err
