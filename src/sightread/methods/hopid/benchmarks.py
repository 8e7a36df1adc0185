"""What HOPID is measured on, by name: captions, pictures, and what was read in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sightread.errors import UsageError
from sightread.methods.hopid.protocols import ctc, textcaps
from sightread.methods.hopid.protocols.captioned import CaptionedSet
from sightread.scenetext.records import FindRecord, SceneTextRecord
from sightread.synth.ambiguity import AmbiguitySettings, Split, build_ambiguity
from sightread.tasks import RetrievalTask

RENDERED: Mapping[str, Split] = {
    "synth-ambiguity": "seen",
    "synth-ambiguity-unseen": "unseen",
    "synth-ambiguity-text-free": "text-free",
}
"""Each in its own pool: words of the training split, words that it does not have, no words."""
LAYOUTS: Mapping[str, str] = {
    "ctc-1k": ctc.LAYOUT,
    "ctc-5k": ctc.LAYOUT,
    "textcaps": textcaps.LAYOUT,
}
BENCHMARKS: tuple[str, ...] = (*LAYOUTS, *RENDERED)


@dataclass(frozen=True, slots=True)
class CaptionBenchmark:
    """A task, and the readings that belong to it; None if there are none."""

    task: RetrievalTask
    find: FindRecord | None
    left_out: Mapping[str, int]


def open_benchmark(
    name: str, root: Path | None, keys: Mapping[str, str] | None = None
) -> CaptionBenchmark:
    """The test of this name.

    Args:
        keys: for the annotations of CTC, see `protocols.ctc_annotations`.

    Raises:
        UsageError: no such name, or the data set is not there or not in its form.
    """
    if name not in BENCHMARKS:
        raise UsageError(f"There is no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}.")
    if name in RENDERED:
        return rendered(name)
    if root is None:
        raise UsageError(
            f"{name} is read from disk: name its folder with --root; in it: {LAYOUTS[name]}."
        )
    return _from_disk(_read(name, root, keys))


def _read(name: str, root: Path, keys: Mapping[str, str] | None) -> CaptionedSet:
    if name == "textcaps":
        return textcaps.textcaps(root)
    return ctc.ctc(root, ctc.check_part(name), keys)


def _from_disk(found: CaptionedSet) -> CaptionBenchmark:
    return CaptionBenchmark(found.task(), found.find, found.left_out)


def rendered(name: str, settings: AmbiguitySettings | None = None) -> CaptionBenchmark:
    """A test of `synth-ambiguity` with what its reader, who errs, found."""
    settings = settings or AmbiguitySettings()
    made = build_ambiguity(settings)
    engine = (
        f"rendered: {100 * settings.replaced:g} % of letters misread, "
        f"{100 * settings.missed:g} % of words missed"
    )
    shown = made.shown(RENDERED[name])
    records = {one.id: SceneTextRecord(one.id, engine, one.read) for one in shown}
    task = replace(made.task(RENDERED[name]), name=name)
    return CaptionBenchmark(task, records.get, {})
