"""Golden vectors: packed, unpacked, and what differs from them."""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightread.cli.entry import run
from sightread.errors import ModelError
from sightread.golden import Golden, check, pack, unpack
from sightread.types import EncoderSpec, ImageEmbedding, RGBImage, Vectors
from tests.encoders.handmade import golden, make_folder


class Fixed:
    """An encoder that gives the same vector for everything."""

    spec = EncoderSpec("colour", 3, "")

    def __init__(self, *vector: float) -> None:
        self.vector = np.array(vector, np.float32)

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        return [ImageEmbedding(self.vector) for _ in images]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.vector for _ in texts])


def test_round_trip() -> None:
    first = replace(golden(), texts=("Straße 五",), min_cosine=0.99)
    again = unpack(pack(first), "here")
    assert (again.texts, again.min_cosine) == (first.texts, 0.99)
    for name in ("pictures", "image_vectors", "text_vectors"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


def test_check_gives_the_smallest_cosine() -> None:
    loose = replace(golden((0.8, 0.6, 0.0)), min_cosine=0.7)
    assert check(loose, Fixed(1, 0, 0)) == pytest.approx(0.8)


def test_check_names_what_differs() -> None:
    with pytest.raises(ModelError, match=r"of picture 1 has cosine 0.600000 .* 0.9999 is needed"):
        check(golden((0.6, 0.8, 0.0)), Fixed(1, 0, 0))
    turned = replace(golden(), text_vectors=np.array([[0, 1, 0]], np.float32))
    with pytest.raises(ModelError, match=r"of text 'coffee' has cosine 0.000000"):
        check(turned, Fixed(1, 0, 0))
    with pytest.raises(ModelError, match="cosine nan"):
        check(golden(), Fixed(np.nan, 0, 0))
    with pytest.raises(ModelError, match="vectors of 2 dimensions"):
        check(golden(), Fixed(1, 0))


@pytest.mark.parametrize(
    "change",
    [
        {"pictures": np.zeros((1, 4, 4), np.uint8)},
        {"pictures": np.zeros((2, 4, 4, 3), np.uint8)},
        {"pictures": np.zeros((0, 4, 4, 3), np.uint8), "image_vectors": np.zeros((0, 3), "f4")},
        {"image_vectors": np.zeros((1, 3), np.float64)},
        {"texts": ()},
    ],
)
def test_arrays_of_another_form(change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="here is damaged"):
        unpack(pack(replace(golden(), **change)), "here")


def test_what_is_no_archive() -> None:
    whole = pack(golden())
    pickled = io.BytesIO()
    arrays: dict[str, Any] = {"pictures": np.array([{}], object)}
    np.savez(pickled, **arrays)
    missing = io.BytesIO()
    np.savez(missing, texts=np.zeros(3))
    for content in (b"", b"PK", whole[:-30], pickled.getvalue(), missing.getvalue()):
        with pytest.raises(ModelError, match="here is damaged"):
            unpack(content, "here")


def test_an_archive_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightread.golden.MAX_UNPACKED_BYTES", 1_000_000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pictures.npy", b"\0" * 1_000_001)
    with pytest.raises(ModelError, match=r"would unpack to 1,000,001 bytes"):
        unpack(bomb.getvalue(), "here")


# --- models verify -------------------------------------------------------------------------------


def test_verify_computes_golden_vectors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder(tmp_path / "good")
    assert run(["models", "verify", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["golden_cosine"] == pytest.approx(1.0)


def test_verify_finds_a_model_that_computes_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other: Golden = golden((0.0, 1.0, 0.0))
    folder = make_folder(tmp_path / "other", golden_vectors=other)
    assert run(["models", "verify", str(folder)]) == 1
    assert "computes something else here" in capsys.readouterr().err
    assert run(["models", "verify", str(folder), "--sums-only"]) == 0
