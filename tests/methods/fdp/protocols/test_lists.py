"""CTR and PSTR: lists of words and files, no boxes."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from sightread.errors import PictureError, UsageError
from sightread.methods.fdp.protocols.ctr import ctr
from sightread.methods.fdp.protocols.pstr import pstr
from tests.methods.fdp.protocols.layouts import picture, write
from tests.pictures import assert_corners


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    home = tmp_path / "cocotext_top500_retrieval"
    picture(home / "images" / "COCO_1.jpg")
    picture(home / "images" / "coco_2.JPG", "PNG")
    picture(home / "images" / "coco_3.jpg")
    write(home / "gts" / "COCO_1.txt", "STOP!\r\nold, new\r\n")
    write(home / "gts" / "coco_2.txt", "\ufeffSt-op\n\n...\n")
    write(home / "gts" / "coco_4.txt", "one way\nnew")
    return home


def test_ctr(coco: Path) -> None:
    write(coco / "queries.txt", "\ufeffstop\r\nOne\r\nnew\nstop\noldnew\n!!\n")
    task = ctr(coco.parent)
    # "one" is shown by nothing and "!!" has no letters: both are left out; "new" is a word.
    assert task.queries == {"stop": "stop", "new": "new", "oldnew": "oldnew"}
    assert task.qrels == {
        "stop": frozenset({"coco_1.jpg", "coco_2.jpg"}),
        "new": frozenset({"coco_4.jpg"}),
        "oldnew": frozenset({"coco_1.jpg"}),  # a whole line is one transcription
    }
    assert task.gallery == ("coco_1.jpg", "coco_2.jpg", "coco_3.jpg", "coco_4.jpg")
    assert_corners(task.load("coco_2.jpg"))
    with pytest.raises(PictureError, match=r"there is no coco_4\.jpg"):
        task.load("coco_4.jpg")


def test_ctr_with_missing_parts(coco: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected in it: cocotext_top500_retrieval/queries"):
        ctr(coco)
    write(coco / "queries.txt", "nowhere\n")
    with pytest.raises(UsageError, match="shows any of its 1 queries"):
        ctr(coco)
    write(tmp_path / "b" / "queries.txt", "stop\n")
    with pytest.raises(UsageError, match="images is not there; expected: cocotext_top500"):
        ctr(tmp_path / "b")
    picture(tmp_path / "b" / "images" / "a.jpg")
    with pytest.raises(UsageError, match="gts holds no annotations; expected: cocotext_top500"):
        ctr(tmp_path / "b")


@pytest.fixture
def phrases(tmp_path: Path) -> Path:
    home = tmp_path / "PSTR"
    picture(home / "images" / "A.jpg")
    picture(home / "images" / "b.png", "PNG")
    return home


def test_pstr(phrases: Path) -> None:
    found = {"No  Parking": ["a.jpg", "gone.jpg"], "no parking": ["B.png"], "keep left": ["b.png"]}
    write(phrases / "query_image_dict.json", "\ufeff" + json.dumps(found))
    task = pstr(phrases.parent)
    assert task.queries == {"no parking": "no parking", "keep left": "keep left"}
    assert task.gallery == ("a.jpg", "b.png", "gone.jpg")
    assert task.qrels == {
        "no parking": frozenset({"a.jpg", "gone.jpg", "b.png"}),
        "keep left": frozenset({"b.png"}),
    }
    assert_corners(task.load("a.jpg"))


class Opened:
    """Would leave a trace if it were unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.trace,))


def test_a_pickle_is_never_opened(phrases: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    array = np.array({"no parking": ["a.jpg"], "x": Opened(trace)}, dtype=object)
    np.save(phrases / "query_image_dict.npy", array, allow_pickle=True)
    with pytest.raises(UsageError) as refused:
        pstr(phrases)
    assert "is a pickle, which can run code" in str(refused.value)
    assert "convert it once with: python -c" in str(refused.value)
    assert not trace.exists()
    # The test would notice: opening it does leave the trace.
    pickle.loads(pickle.dumps(Opened(trace)))
    assert trace.exists()


def test_the_way_to_convert_works(phrases: Path) -> None:
    import subprocess
    import sys

    array = np.array({"no parking": ["a.jpg"]}, dtype=object)
    np.save(phrases / "query_image_dict.npy", array, allow_pickle=True)
    with pytest.raises(UsageError) as refused:
        pstr(phrases)
    code = str(refused.value).split('"')[1]
    subprocess.run([sys.executable, "-c", code], cwd=phrases, check=True)
    assert pstr(phrases).qrels == {"no parking": frozenset({"a.jpg"})}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is not an object of phrases"),
        ("{}", "is not an object of phrases"),
        ('{"a b": "x.jpg"}', "the phrase 'a b' needs one or more file names"),
        ('{"a b": []}', "the phrase 'a b' needs one or more file names"),
        ('{"a b": [1]}', "the phrase 'a b' needs one or more file names"),
        ('{" ": ["x.jpg"]}', "the phrase ' ' needs"),
    ],
)
def test_broken_lists_are_one_sentence(phrases: Path, text: str, said: str) -> None:
    write(phrases / "query_image_dict.json", text)
    with pytest.raises(UsageError, match=said):
        pstr(phrases)


def test_pstr_with_missing_parts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected in it: PSTR/images/\*"):
        pstr(tmp_path)
    write(tmp_path / "query_image_dict.json", '{"a b": ["x.jpg"]}')
    with pytest.raises(UsageError, match=r"images is not there; expected: PSTR/images/\*"):
        pstr(tmp_path)
    write(tmp_path / "query_image_dict.json", b"\xff\xfe")
    (tmp_path / "images").mkdir()
    with pytest.raises(UsageError, match="is not JSON"):
        pstr(tmp_path)
