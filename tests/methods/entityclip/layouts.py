"""Small data sets of the news in the layouts of the public ones, made for the tests."""

import json
from pathlib import Path
from typing import Any

from tests.methods.fdp.protocols.layouts import picture, write


def _json(path: Path, data: Any) -> None:
    write(path, json.dumps(data))


def n24news(root: Path) -> Path:
    """Four pairs of a test split: one picture is missing, one caption is null; two of training."""
    home = root / "N24News"
    captions = {
        "a1": "Vola Rano\r\nin the rain",
        "a2": "the harbour",
        "a3": "not there",
        "a4": None,
    }
    for split in ("test", "dev", "train"):
        records = [
            {"section": "Art & Design", "headline": "h", "image_id": name, "caption": text}
            for name, text in captions.items()
        ]
        _json(home / "news" / f"nytimes_{split}.json", records)
    for name in ("a1", "a2", "a4"):
        picture(home / "imgs" / f"{name}.jpg")
    _json(home / "news" / "CapDsc_mistral_train.json", {"a1.jpg": "a society", "a2.jpg": "ships"})
    return root


def visualnews(root: Path, ready: bool) -> Path:
    """Ready lists, or the release with 60 records and one picture for all that are looked at."""
    home = root / "VisualNews"

    def record(number: int, place: str) -> dict[str, Any]:
        path = f"./{place}/images/0319/{number}.jpg"
        return {"id": number, "caption": f"caption {number}", "source": place, "image_path": path}

    if ready:
        _json(home / "test.json", [record(958, "guardian"), record(958, "bbc")])
        for place in ("guardian", "bbc"):
            picture(home / "images" / place / "images" / "0319" / "958.jpg")
        told = {"/x/VisualNews/images/bbc/images/0319/958.jpg": "of the bbc"}
        _json(home / "CapDsc_mistral_test.json", told)
        return root
    _json(home / "origin" / "data.json", [record(number, "bbc") for number in range(60)])
    for number in range(60):
        picture(home / "origin" / "bbc" / "images" / "0319" / f"{number}.jpg")
    return root


def goodnews(root: Path, packed: bool) -> Path:
    """Two articles with three pictures; packed by the authors, one more that is broken and one
    without an explanation."""
    home = root / "GoodNews"
    for name in ("4fd2_0", "4fd2_1", "5a01_0", "5a02_0"):
        picture(home / "images" / f"{name}.jpg")
    if packed:
        records = [
            {"image_id": f"{name}.jpg", "captioning": f"caption of {name}", "title": "t"}
            for name in ("4fd2_0", "4fd2_1", "5a01_0", "5a02_0")
        ]
        _json(home / "new_goodnews_capim_test.json", records)
        write(home / "broken_images.txt", "images/5a01_0.jpg\n")
        told = {"/x/images/4fd2_0.jpg": "one", "4fd2_1.jpg": "two"}
        path = "train_cap_individual/New_Corr_CapDsc_mistral_test.json"
        _json(home / path, told)
        return root
    articles = {
        "4fd2": {"article": "...", "images": {"0": "first\rcaption", "1": "second caption"}},
        "5a01": {"article": "...", "images": {"0": "third caption"}},
    }
    _json(home / "captioning_dataset.json", articles)
    splits = {"4fd2_0": "test", "4fd2_1.jpg": "train", "5a01_0": "test"}
    _json(home / "img_splits.json", splits)
    return root
