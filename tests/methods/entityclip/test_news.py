"""The data sets of news pictures, read from the layouts that they come in (section 3)."""

import json
from pathlib import Path

import numpy as np
import pytest

from sightread.errors import PictureError, UsageError
from sightread.methods.entityclip.data import BENCHMARKS, Pair, Pairs, news_pairs, open_benchmark
from sightread.methods.entityclip.explanations import Explanations
from sightread.methods.entityclip.protocols.goodnews import goodnews
from sightread.methods.entityclip.protocols.n24news import n24news
from sightread.methods.entityclip.protocols.visualnews import split_of, visualnews
from sightread.types import RGBImage
from tests.methods.entityclip import layouts
from tests.methods.fdp.protocols.layouts import write
from tests.pictures import assert_corners


def test_n24news(tmp_path: Path) -> None:
    task = open_benchmark("n24news", layouts.n24news(tmp_path))
    assert task.queries == {"a1.jpg": "Vola Rano in the rain", "a2.jpg": "the harbour"}
    assert task.gallery == ("a1.jpg", "a2.jpg")
    assert task.qrels == {name: frozenset([name]) for name in task.gallery}
    assert_corners(task.load("a1.jpg"))
    found = n24news(tmp_path / "N24News")
    assert found.left_out == {"without a file": 1, "without a caption": 1}
    assert not found.known.by_picture
    train = news_pairs("n24news", tmp_path, "train", None)
    assert [train.known.of(one.caption, one.id) for one in train.pairs] == ["a society", "ships"]
    assert n24news(tmp_path, "val").pairs == found.pairs


def test_visualnews_in_ready_lists(tmp_path: Path) -> None:
    found = visualnews(layouts.visualnews(tmp_path, ready=True))
    names = [one.id for one in found.pairs]
    assert names == ["guardian/images/0319/958.jpg", "bbc/images/0319/958.jpg"]
    assert [found.known.of("", name) for name in names] == ["", "of the bbc"]
    assert_corners(found.load(names[1]))


def test_visualnews_as_released_is_split_by_the_ids(tmp_path: Path) -> None:
    layouts.visualnews(tmp_path, ready=False)
    sides = {split: visualnews(tmp_path, split) for split in ("train", "val", "test")}
    names = [one.id for side in sides.values() for one in side.pairs]
    assert sorted(names) == sorted(f"bbc/images/0319/{number}.jpg" for number in range(60))
    assert {one.id for one in sides["test"].pairs} == {
        f"bbc/images/0319/{number}.jpg" for number in range(60) if split_of(str(number)) == "test"
    }
    counts = [split_of(str(number)) for number in range(20_000)]
    # 4 % of 20,000 is 800, the standard deviation 28.
    assert abs(counts.count("test") - 800) < 112
    assert abs(counts.count("val") - 800) < 112


def test_goodnews_as_released(tmp_path: Path) -> None:
    found = goodnews(layouts.goodnews(tmp_path, packed=False))
    captions = {one.id: one.caption for one in found.pairs}
    assert captions == {"4fd2_0.jpg": "firstcaption", "5a01_0.jpg": "third caption"}
    assert [one.id for one in goodnews(tmp_path, "train").pairs] == ["4fd2_1.jpg"]
    assert_corners(found.load("4fd2_0.jpg"))


def test_goodnews_as_packed_leaves_out_what_the_authors_do(tmp_path: Path) -> None:
    found = goodnews(layouts.goodnews(tmp_path, packed=True))
    assert [one.id for one in found.pairs] == ["4fd2_0.jpg", "4fd2_1.jpg"]
    assert found.left_out == {"listed as broken": 1, "without an explanation": 1}
    assert found.known.of("", "4fd2_0.jpg") == "one"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", r"nytimes_test\.json is not JSON"),
        ('{"a": 1}', "must be a JSON list of records"),
        ('[{"image_id": "a1", "caption": "x"}, 7]', "record 2: expected an object with image_id"),
        ('[{"image_id": "a1", "caption": 5}]', "record 1: expected an object"),
        ('[{"caption": "x"}]', "record 1"),
        ('[{"image_id": true, "caption": "x"}]', "record 1"),
        ('[{"image_id": "a9", "caption": "x"}]', "no pair of a picture and a caption: 1 without"),
        ("[]", "no pair of a picture and a caption: no records"),
    ],
)
def test_broken_lists_are_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    layouts.n24news(tmp_path)
    write(tmp_path / "N24News" / "news" / "nytimes_test.json", content)
    with pytest.raises(UsageError, match=said):
        n24news(tmp_path)


def test_what_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    layouts.goodnews(tmp_path, packed=False)
    (tmp_path / "GoodNews" / "img_splits.json").unlink()
    with pytest.raises(UsageError, match=r"img_splits\.json cannot be read"):
        goodnews(tmp_path)
    write(tmp_path / "GoodNews" / "img_splits.json", "[]")
    with pytest.raises(UsageError, match=r"img_splits\.json must be one JSON object"):
        goodnews(tmp_path)
    write(tmp_path / "GoodNews" / "img_splits.json", "{}")
    write(tmp_path / "GoodNews" / "captioning_dataset.json", json.dumps({"4fd2": {}}))
    with pytest.raises(UsageError, match="article 4fd2: expected an object with images"):
        goodnews(tmp_path)
    known = ", ".join(BENCHMARKS)
    with pytest.raises(UsageError, match=f"no benchmark 'coco'; there are: {known}"):
        open_benchmark("coco", None)
    for name in ("n24news", "visualnews", "goodnews"):
        with pytest.raises(UsageError, match=rf"{name} is read from disk: name its folder with"):
            open_benchmark(name, None)
        with pytest.raises(UsageError, match="does not hold this data set; expected in it: "):
            open_benchmark(name, tmp_path / "GoodNews" / "images")


def test_a_picture_that_cannot_be_decoded_is_replaced_while_training() -> None:
    def broken() -> RGBImage:
        raise PictureError("it is torn")

    sound = np.zeros((4, 4, 3), np.uint8)
    good, bad = Pair("a", "x", "x", lambda: sound), Pair("b", "y", "y", broken)
    rng = np.random.default_rng(0)
    assert Pairs("n", (bad, good), Explanations()).get(0, rng)[0] is good
    with pytest.raises(UsageError, match=r"64 pictures of n in a row cannot be decoded, .* torn"):
        Pairs("n", (bad,), Explanations()).get(0, rng)
