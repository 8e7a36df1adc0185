"""The settings that `reader_settings.py` compares, by name."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from sightread.readers.nets import ModelFiles, Runtime, wheel_models
from sightread.readers.rapidocr import RapidOcrReader, ReaderSettings

_V6 = ReaderSettings()


def _det(**changes: object) -> ReaderSettings:
    return replace(_V6, detector=replace(_V6.detector, **changes))  # type: ignore[arg-type]


def _rec(**changes: object) -> ReaderSettings:
    return replace(_V6, recogniser=replace(_V6.recogniser, **changes))  # type: ignore[arg-type]


VARIANTS: dict[str, ReaderSettings] = {
    "base": _V6,
    **{f"side{n}": _det(side_limit_px=n, enlarge_to_px=min(n, 960)) for n in (480, 640, 800, 1280)},
    **{f"up{u:g}": _det(enlarge_limit=u) for u in (1.0, 1.5, 3.0, 4.0)},
    **{f"upto{n}": _det(enlarge_to_px=n) for n in (480, 640, 1280)},
    **{f"border{n}": _det(border_px=n) for n in (0, 8, 32, 64)},
    **{f"box{t:g}": _det(box_threshold=t) for t in (0.3, 0.4, 0.6, 0.7)},
    **{f"pixel{t:g}": _det(pixel_threshold=t) for t in (0.2, 0.4)},
    **{f"unclip{r:g}": _det(unclip_ratio=r) for r in (1.4, 1.8, 2.0)},
    "imagenet": _det(mean=(0.406, 0.456, 0.485), std=(0.225, 0.224, 0.229)),
    **{f"minwidth{n}": _rec(min_width_px=n) for n in (64, 96, 224, 320)},
    "coarse0.5": _det(coarse_scale=0.5),
    "coarse0.35": _det(coarse_scale=0.35),
    "retry0.8": replace(_V6, retry_below=0.8),
    "retry0.9": replace(_V6, retry_below=0.9),
    "retry0.9turn": replace(_V6, retry_below=0.9, retry_growth=()),
    "retry0.9grow": replace(_V6, retry_below=0.9, retry_turned=False),
    "v4": _V6,
}


VARIANTS |= {f"{name}-ov": settings for name, settings in VARIANTS.items()}


def open_variant(name: str) -> RapidOcrReader:
    """A reader with the settings of this name.

    Variants named v4... use the PP-OCRv4 models of the wheel rapidocr-onnxruntime 1.4.4; the
    environment variable PPOCR_V4 names the folder they lie in. Names that end in `-ov` run on
    OpenVINO.
    """
    models = wheel_models()
    if name.startswith("v4"):
        folder = Path(os.environ["PPOCR_V4"])
        models = ModelFiles(
            folder / "ch_PP-OCRv4_det_infer.onnx", folder / "ch_PP-OCRv4_rec_infer.onnx"
        )
    runtime: Runtime = "openvino" if name.endswith("-ov") else "onnxruntime"
    return RapidOcrReader(VARIANTS[name], runtime=runtime, models=models)
