"""What can be exported: a checkpoint of a method, or the weights of a published CLIP."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sightread.clip.folder import open_folder
from sightread.clip.towers import ImageTower, TextTower
from sightread.errors import ModelError, UsageError
from sightread.lab.checkpoint import load_model, open_checkpoint
from sightread.lab.facts import versions
from sightread.lab.settings import parse_run
from sightread.methods import METHODS
from sightread.methods.method import Parts, Towers
from sightread.modelfolder import MODEL_JSON, Calibration, ModelInfo
from sightread.tokenizer import TokenizerSource

ABOUT_CLIP = (
    "A published CLIP (Radford et al., ICML 2021) as it is, nothing learned: it puts pictures and "
    "sentences about what they show into one space. What it can do, and what it must not be used "
    "for, is said by its authors at the source."
)


@dataclass(frozen=True, slots=True)
class Source:
    """Two towers, or the parts of a word spotter, with all that a model folder says of them.

    Attributes:
        path: where it was found.
        info: all but files, text map and parity.
        about: for the card.
    """

    path: Path
    towers: Towers | Parts
    tokenizer: TokenizerSource
    info: ModelInfo
    about: str


def open_source(path: str | os.PathLike[str]) -> Source:
    """A checkpoint, the best (else the latest) one of a run's folder, or a folder of weights.

    Raises:
        ModelError: there is none, it is damaged, or of a method that is not known.
    """
    if (Path(path) / MODEL_JSON).is_file():
        return _weights(Path(path))
    found = open_checkpoint(path)
    state = found.state
    if state.method not in METHODS:
        known = ", ".join(sorted(METHODS)) or "none"
        raise ModelError(
            f"{found.path} is of the method {state.method!r}; known here are: {known}."
        )
    method = METHODS[state.method]
    run = parse_run(method, state.config, str(found.path))
    model = method.build(run.method, run.train.seed)
    load_model(found, model, ema=True)
    model.eval()
    make = method.parts or method.towers
    assert make is not None, f"{method.name} has neither towers nor parts"
    towers = make(run.method, model)
    info = ModelInfo(
        kind="spotter" if isinstance(towers, Parts) else "encoder",
        name=f"{method.name}-{state.step}",
        space=method.space,
        dim=towers.dim,
        licence="not stated",
        preprocess=method.preprocess(run.method),
        tokenizer=state.tokenizer,
        calibration=calibration(state.metrics),
        provenance={
            "method": state.method,
            "steps": state.step,
            "examples": state.examples,
            "seconds": round(state.seconds, 1),
            "seed": run.train.seed,
            "device": state.device,
            "metrics": dict(state.metrics),
            "digest": state.digest,
            "config": without_folders(state.config),
            "trained_with": dict(state.created_with),
        },
        created_with=_made_with(),
    )
    return Source(found.path, towers, found.tokenizer(), info, method.about)


def with_finder(source: Source, other: Source) -> Source:
    """A word spotter with the finder of another one: the two parts share nothing, and learn in runs
    of their own.

    Raises:
        UsageError: one of them is no word spotter.
    """
    for one in (source, other):
        if not isinstance(one.towers, Parts):
            raise UsageError(
                f"{one.path} has no finder that could be exchanged: --finder is for checkpoints of "
                "the method spotter."
            )
    assert isinstance(source.towers, Parts)
    assert isinstance(other.towers, Parts)
    provenance = {**source.info.provenance, "finder": dict(other.info.provenance)}
    return replace(
        source,
        towers=replace(source.towers, finder=other.towers.finder),
        info=replace(source.info, provenance=provenance),
    )


def _weights(path: Path) -> Source:
    found = open_folder(path)
    model = found.model
    towers = Towers(ImageTower(model).eval(), TextTower(model).eval(), found.info.dim)
    info = replace(
        found.info,
        kind="encoder",
        provenance={"source": without_folders(found.info.provenance)},
        created_with=_made_with(),
        files={},
    )
    return Source(path, towers, found.tokenizer, info, ABOUT_CLIP)


def _made_with() -> dict[str, str]:
    import onnx
    import onnxruntime

    return versions() | {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}


def calibration(metrics: Mapping[str, float]) -> Calibration | None:
    """The line from cosine to probability, if the method's validation fitted one."""
    names = ("calibration_slope", "calibration_offset")
    if not all(name in metrics for name in names):
        return None
    return Calibration(*(metrics[name] for name in names))


def without_folders(value: Any) -> Any:
    """Plain data with absolute paths cut down to their last part: a model is passed on, and where
    its maker kept his files is nobody's business."""
    if isinstance(value, Mapping):
        return {name: without_folders(one) for name, one in value.items()}
    if isinstance(value, list):
        return [without_folders(one) for one in value]
    if isinstance(value, str) and os.path.isabs(os.path.expanduser(value)):
        return os.path.basename(value.rstrip("/"))
    return value
