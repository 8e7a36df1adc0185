"""The settings that `reader_settings.py` compares, by name."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np

from sightread.readers.detect import Corners
from sightread.readers.nets import ModelFiles, Runtime, wheel_models
from sightread.readers.rapidocr import RapidOcrReader, ReaderSettings
from sightread.readers.recognise import ReadChar, ReadLine
from sightread.types import ReaderSpec, RGBImage

_CHOSEN = ReaderSettings()
# What the variants start from: the chosen settings but for the threshold, which was found last.
_START = replace(_CHOSEN, detector=replace(_CHOSEN.detector, box_threshold=0.5))


def _det(**changes: object) -> ReaderSettings:
    return replace(_START, detector=replace(_START.detector, **changes))  # type: ignore[arg-type]


def _rec(**changes: object) -> ReaderSettings:
    recogniser = replace(_START.recogniser, **changes)  # type: ignore[arg-type]
    return replace(_START, recogniser=recogniser)


# Each but "chosen" differs from "start" in what its name says.
VARIANTS: dict[str, ReaderSettings] = {
    "chosen": _CHOSEN,
    "start": _START,
    "v4": _START,
    "side640": _det(side_limit_px=640, enlarge_to_px=640),
    "side960": _det(side_limit_px=960),
    "enlarge1": _det(enlarge_limit=1.0),
    "enlarge3": _det(enlarge_limit=3.0),
    "enlarge-to640": _det(enlarge_to_px=640),
    "retry-never": replace(_START, retry_below=0.0),
    "coarse0.5": _det(coarse_scale=0.5),
    "border0": _det(border_px=0),
    "border32": _det(border_px=32),
    "box0.6": _det(box_threshold=0.6),
    "unclip2": _det(unclip_ratio=2.0),
    "imagenet-mean": _det(mean=(0.406, 0.456, 0.485), std=(0.225, 0.224, 0.229)),
    "min-width320": _rec(min_width_px=320),
    "retry-grown-only": replace(_START, retry_turned=False),
    "retry-turned-only": replace(_START, retry_growth=()),
    "enlarge-to1280": _det(enlarge_to_px=1280),
    "side480": _det(side_limit_px=480, enlarge_to_px=480),
}
VARIANTS |= {f"{name}-ov": settings for name, settings in VARIANTS.items()}


DEFAULTS = "rapidocr-defaults"
NAMES = [*VARIANTS, DEFAULTS]


class LineReader(Protocol):
    """What is compared: a reader that gives whole lines."""

    @property
    def settings(self) -> ReaderSettings | None: ...

    @property
    def spec(self) -> ReaderSpec: ...

    def read_lines(self, image: RGBImage) -> list[tuple[Corners, ReadLine]]: ...


class DefaultRapidOcr:
    """RapidOCR itself as it comes, on one thread."""

    settings = None

    def __init__(self) -> None:
        from rapidocr import RapidOCR

        self._engine = RapidOCR(
            params={
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "Global.log_level": "critical",
            }
        )

    @property
    def spec(self) -> ReaderSpec:
        return ReaderSpec("rapidocr", version("rapidocr"))

    def read_lines(self, image: RGBImage) -> list[tuple[Corners, ReadLine]]:
        result = self._engine(np.ascontiguousarray(image[:, :, ::-1]))
        if result.txts is None:
            return []
        rows = zip(result.boxes, result.txts, result.scores, strict=True)
        return [
            (np.asarray(box, dtype=np.float32), _evenly(text, float(score)))
            for box, text, score in rows
        ]


def _evenly(text: str, score: float) -> ReadLine:
    """Characters of equal width; its words are those between spaces."""
    step = 1 / max(len(text), 1)
    return ReadLine(
        tuple(ReadChar(char, score, i * step, (i + 1) * step) for i, char in enumerate(text))
    )


def open_variant(name: str) -> LineReader:
    """A reader with the settings of this name.

    Variants named v4... use the PP-OCRv4 models of the wheel rapidocr-onnxruntime 1.4.4; the
    environment variable PPOCR_V4 names the folder they lie in. Names that end in `-ov` run on
    OpenVINO.
    """
    if name == DEFAULTS:
        return DefaultRapidOcr()
    models = wheel_models()
    if name.startswith("v4"):
        folder = Path(os.environ["PPOCR_V4"])
        models = ModelFiles(
            folder / "ch_PP-OCRv4_det_infer.onnx", folder / "ch_PP-OCRv4_rec_infer.onnx"
        )
    runtime: Runtime = "openvino" if name.endswith("-ov") else "onnxruntime"
    return RapidOcrReader(VARIANTS[name], runtime=runtime, models=models)
