"""Small data sets of captioned pictures in the layouts of the public ones, made for the tests."""

import json
from pathlib import Path
from typing import Any

from tests.methods.fdp.protocols.layouts import picture, write

COCO = "COCO_train2014_000000{:06}.jpg"


def dumped(path: Path, data: Any) -> Path:
    return write(path, json.dumps(data))


def ctc_lists(root: Path) -> Path:
    """Two pictures of CTC-1K with two captions each, one more of CTC-5K whose file is missing."""
    home = root / "CTC"
    lines = [
        f"{image}\t{image}{n}\tcaption {n}  of {image}\ttrain2014/{COCO.format(image)}\tx"
        for image in (7, 12)
        for n in (0, 1)
    ]
    write(home / "CTC_1K_list_ocr_release.txt", "\n".join(lines) + "\n")
    more = [f"99\t990\tgone\ttrain2014/{COCO.format(99)}"]
    write(home / "CTC_5K_list_ocr_release.txt", "\n".join(lines + more) + "\n")
    for image in (7, 12):
        picture(home / "train2014" / COCO.format(image))
    reading = "10,5,60,5,60,30,10,30,Krispy, Kreme\n-4,40,20,40,20,60,-4,60,POLICE\n"
    write(home / "ctc_ocr" / "gt_000000000007.txt", reading)
    return root


def ctc_annotations(root: Path, apart: bool = False, **renamed: str) -> Path:
    """One picture of each part; captions within the pictures, or beside them."""
    split, words = renamed.get("split", "split"), renamed.get("words", "scene_text")
    images: list[dict[str, Any]] = []
    for image, part in ((7, "dev"), (12, "test"), (13, "train")):
        item = {
            "id": image,
            "coco_url": f"http://images.cocodataset.org/train2014/{COCO.format(image)}",
            split: part,
        }
        if not apart:
            item["captions"] = [f"one of {image}", {"caption": f"two of {image}"}]
        if image == 7:
            item[words] = [
                {"utf8_string": "STOP", "bbox": [10, 5, 50, 25], "legibility": "legible"},
                {"bbox": [1, 1, 2, 2], "legibility": "illegible"},
            ]
        images.append(item)
    captions = [
        {"image_id": image, "caption": f"{text} of {image}"}
        for image in (7, 12, 13)
        for text in ("one", "two")
    ]
    data = {"images": images, **({"annotations": captions} if apart else {})}
    dumped(root / "CTC" / "CTC_anns.json", data)
    for image in (7, 12, 13):
        picture(root / "CTC" / "images" / COCO.format(image))
    return root


def textcaps(root: Path, count: int = 2) -> Path:
    """`val` with two pictures, one record for each caption; `train` with `count` pictures."""
    home = root / "TextCaps"
    references = [f"caption {n}" for n in range(5)]
    val = [
        {"image_id": image, "caption_id": n, "caption_str": f"caption {n}", **also}
        for image, also in (("aa", {"reference_strs": references}), ("bb", {}))
        for n in range(5)
    ]
    dumped(home / "TextCaps_0.1_val.json", {"dataset_type": "val", "data": val})
    train = [{"image_id": f"t{n}", "reference_strs": references} for n in range(count)]
    dumped(home / "TextCaps_0.1_train.json", {"data": train})
    info = {
        "word": "HILTON",
        "bounding_box": {
            "top_left_x": 0.25, "top_left_y": 0.5, "width": 0.5, "height": 0.25, "rotation": 3.0,
        },
    }  # fmt: skip
    ocr = [{"image_id": "aa", "ocr_tokens": ["HILTON"], "ocr_info": [info]}]
    dumped(home / "TextVQA_Rosetta_OCR_v0.2_val.json", {"data": ocr})
    for name in ("aa", "bb", *(f"t{n}" for n in range(count))):
        picture(home / "train_images" / f"{name}.jpg")
    return root


def ctc_training(root: Path, count: int = 12) -> Path:
    """A training list; its last picture is one of the test."""
    home = root / "CTC"
    ids = [*range(100, 99 + count), 7]
    lines = [f"{one}\t{one}0\tcaption {one}\ttrain2014/{COCO.format(one)}" for one in ids]
    write(home / "CTC_train_list_ocr_release.txt", "\n".join(lines))
    for one in ids:
        picture(home / "train2014" / COCO.format(one))
    write(home / "ctc_ocr" / "gt_000000000100.txt", "10,5,60,5,60,30,10,30,HOTEL\n")
    return root
