"""The command that measures an encoder on pictures with captions and readings: evaluate hopid."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightread.cli.benchmarking import describe, missing_lines, pace
from sightread.cli.options import (
    BatchesOption,
    BatchOption,
    CacheOption,
    JsonOption,
    LimitOption,
    QuietOption,
)
from sightread.cli.plain import counted, duration, visible, write_bytes
from sightread.cli.training import needs_lab
from sightread.errors import UsageError

if TYPE_CHECKING:
    from sightread.encoders.scene_text import SceneTextEncoder
    from sightread.lab.encoding import ProgressCallback
    from sightread.methods.hopid.benchmarks import CaptionBenchmark
    from sightread.protocols import DualEncoder
    from sightread.scenetext.given import GivenWords
    from sightread.tasks import RetrievalTask

SEED = 0
"""Of `synth-ambiguity`; the others draw nothing."""
WITH, ALONE, PLAIN = "with what is written", "pictures alone", "plain CLIP"
_WAYS = ("image_to_text", "text_to_image")
_KS = (1, 5, 10)
_SHOWN = 3


def evaluate_hopid(
    benchmark: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="ctc-1k, ctc-5k or textcaps; or synth-ambiguity, synth-ambiguity-unseen or "
            "synth-ambiguity-text-free, which are rendered.",
        ),
    ],
    encoder: Annotated[str, typer.Option(metavar="FOLDER", help="The model folder to measure.")],
    root: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where the data set is, in the layout it comes in."),
    ] = None,
    ocr: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="What was read in the pictures, as scripts/read_words.py writes it; without it, "
            "the readings that lie beside the data set.",
        ),
    ] = None,
    pictures_only: Annotated[
        bool, typer.Option("--pictures-only", help="Do without readings.")
    ] = False,
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=KEY", help="Where something is in CTC_anns.json; may be repeated."
        ),
    ] = None,
    cache: CacheOption = "build/vectors",
    batch: BatchOption = 8,
    workers: BatchesOption = None,
    limit: LimitOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure an encoder on captions that speak of what is written.

    Prints R@1, R@5 and R@10 in both directions and their sum, ties counted half, with what is
    written in the pictures and without, beside what papers report. The captions are asked as they
    are. The data sets have terms of their own and are never fetched; where one is missing, the
    expected layout is said. Pictures that cannot be decoded are listed and rank last; those whose
    readings are missing or broken count as pictures without text, and are counted.
    """
    from sightread.cli.progress import StatusLine
    from sightread.wire import dump_json

    with needs_lab():
        from sightread.encoders import open_encoder
        from sightread.methods.hopid.benchmarks import open_benchmark

    found = open_benchmark(benchmark, Path(root) if root else None, _keys(key or []))
    given = _readings(found, ocr, pictures_only)
    opened = open_encoder(encoder)
    with StatusLine(sys.stderr) as line:
        report = measure(
            opened,
            found,
            given,
            limit=limit,
            pictures_only=pictures_only,
            cache=cache,
            batch=batch,
            workers=workers,
            progress=None if quiet else lambda now: line.show(lambda: describe(now)),
        )
    report |= {"weights": encoder}
    write_bytes(dump_json(report, indent=2) + "\n" if as_json else report_text(report))


def _keys(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, _, key = one.partition("=")
        if not name or not key:
            raise UsageError(f"--key is {one!r}, but must be NAME=KEY, such as split=subset.")
        found[name] = key
    return found


def _readings(
    benchmark: CaptionBenchmark, ocr: str | None, pictures_only: bool
) -> GivenWords | None:
    """The readings that were asked for, or those beside the data.

    Raises:
        UsageError: there are none where some were named, or none of them is of these pictures.
    """
    from sightread.scenetext.given import GivenWords
    from sightread.scenetext.records import open_records

    if ocr is not None and pictures_only:
        raise UsageError("--ocr and --pictures-only exclude each other; leave one out.")
    if pictures_only or (ocr is None and benchmark.find is None):
        return None
    find = benchmark.find if ocr is None else open_records(Path(ocr))
    assert find is not None
    given = GivenWords(find)
    gallery = benchmark.task.gallery
    if not any(given.knows(picture) for picture in gallery):
        raise UsageError(
            f"None of the {len(gallery):,} pictures of {benchmark.task.name} has a reading in "
            f"{ocr or 'the data set'}; that of the first one would be {gallery[0]}.json."
        )
    return given


def measure(
    encoder: DualEncoder,
    benchmark: CaptionBenchmark,
    given: GivenWords | None,
    *,
    limit: int | None = None,
    pictures_only: bool = False,
    cache: str | None = None,
    batch: int = 8,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """What `evaluate hopid` prints, as plain values: ours, the published rows, and where it was
    run.

    Raises:
        UsageError: the encoder takes the words of pictures, there are none, and nobody said that
            it is to do without.
        SightreadError: see `lab.captions.evaluate_captions`.
    """
    from dataclasses import asdict, replace

    from sightread.lab.evaluate import first_pictures
    from sightread.measure.environment import environment
    from sightread.methods.hopid.published import SIZES, rows_for

    task = first_pictures(benchmark.task, limit) if limit else benchmark.task
    given = _taken(encoder, task.name, given, pictures_only)
    if given is not None and not task.groups:
        task = replace(task, groups=_by_text(task.queries, task.qrels, given))
    here = environment()
    threads = workers or here.cores
    options = {"batch": batch, "workers": threads, "cache": cache, "progress": progress}
    rows, named = _rows(encoder, task, given, options)
    return {
        "benchmark": task.name,
        "pictures": len(task.gallery),
        "captions": len(task.queries),
        "limit": limit,
        "left_out": dict(benchmark.left_out),
        "encoder": encoder.spec.name or encoder.spec.space,
        "revision": encoder.spec.revision,
        "rows": rows,
        "readings": None if given is None else _summary(given),
        "named": named,
        "published": [{**asdict(row), "r_sum": row.r_sum} for row in rows_for(task.name)],
        "published_size": SIZES.get(task.name),
        "seed": SEED,
        "workers": threads,
        **asdict(here),
    }


def _rows(
    encoder: DualEncoder,
    task: RetrievalTask,
    given: GivenWords | None,
    options: Mapping[str, Any],
) -> tuple[dict[str, Any], int | None]:
    """What is measured of an encoder, by name; and how many captions name something that is taken
    for written, None where the encoder takes nothing for that."""
    from dataclasses import asdict

    from sightread.encoders.scene_text import SceneTextEncoder
    from sightread.lab.captions import evaluate_captions

    rows = {}
    if given is not None:
        rows[WITH] = asdict(evaluate_captions(encoder, task, words=given.of, **options))
    rows[ALONE] = asdict(evaluate_captions(encoder, task, **options))
    if not isinstance(encoder, SceneTextEncoder):
        return rows, None
    rows[PLAIN] = asdict(evaluate_captions(_Plain(encoder), task, **options))
    return rows, sum(bool(encoder.scene_text(text)) for text in task.queries.values())


class _Plain:
    """The CLIP that an encoder was built on, whatever captions name."""

    def __init__(self, encoder: SceneTextEncoder) -> None:
        self.spec = encoder.spec
        self.encode_images = encoder.encode_images
        self.encode_texts = encoder.plain_texts


def _taken(
    encoder: DualEncoder, task: str, given: GivenWords | None, pictures_only: bool
) -> GivenWords | None:
    """The readings if the encoder takes words."""
    from sightread.protocols import ReadingEncoder

    if not isinstance(encoder, ReadingEncoder):
        return None
    if given is None and not pictures_only:
        raise UsageError(
            f"{task} has no readings beside it, and this encoder takes what is written: name a "
            "folder that `scripts/read_words.py` wrote with --ocr, or say --pictures-only."
        )
    return given


def _by_text(
    queries: Mapping[str, str], qrels: Mapping[str, frozenset[str]], given: GivenWords
) -> dict[str, str]:
    """Query -> whether a word was read in its picture."""
    pictures = {query: min(qrels[query]) for query in queries}
    there = {one: given.has_words(one) for one in set(pictures.values())}
    return {
        query: "with text" if there[picture] else "without text"
        for query, picture in pictures.items()
    }


def _summary(given: GivenWords) -> dict[str, Any]:
    return {
        "engines": sorted(given.engines),
        "with_words": given.with_words,
        "missing": len(given.missing),
        "broken": dict(given.broken),
        "outside": given.outside,
    }


# --- for people ------------------------------------------------------------------------------


def report_text(report: Mapping[str, Any]) -> str:
    """The report of `measure` for people, with `weights` added."""
    from sightread.cli.reports import rows

    first = next(iter(report["rows"].values()))
    facts = {
        "by group": "\n".join(map(visible, _group_lines(report))),
        "readings": _reading_lines(report["readings"]),
        "captions": "" if report["named"] is None else _named_line(report),
        "ties": "; ".join(
            f"{name}: {100 * row['text_to_image']['tied']:.1f} % of captions, "
            f"{100 * row['image_to_text']['tied']:.1f} % of pictures"
            for name, row in report["rows"].items()
        )
        + " (each counts half)",
        "encoder": visible(report["encoder"]),
        "weights": visible(f"{report['weights']} (revision {report['revision']})"),
        "hardware": f"{report['processor']}, {counted(report['cores'], 'core')}",
        "took": f"{duration(sum(row['seconds'] for row in report['rows'].values()))} with "
        f"{counted(report['workers'], 'worker')}, {first['cached']:,} vectors known"
        + (f", {pace(first['pictures_per_s'])} pictures/s" if first["pictures_per_s"] else ""),
        "commit": report["commit"],
        "seed": str(report["seed"]),
        "left out": visible(
            ", ".join(f"{count:,} {why}" for why, count in report["left_out"].items())
        ),
        "missing": missing_lines(first["missing"]),
    }
    table = map(visible, _table(report))
    return "\n".join([visible(_headline(report)), "", *table, "", rows(facts)])


def _headline(report: Mapping[str, Any]) -> str:
    here = f"{counted(report['pictures'], 'picture')}, {counted(report['captions'], 'caption')}"
    size = report["published_size"]
    if report["limit"] is not None:
        note = "a try on a part, comparable with no other number"
    elif size is None:
        note = "no paper reports this benchmark"
    elif (report["pictures"], report["captions"]) == tuple(size):
        note = "as many as in the papers"
    else:
        note = f"the papers have {size[0]:,} and {size[1]:,}: not the same task"
    return f"{report['benchmark']}: {here} ({note})."


def _table(report: Mapping[str, Any]) -> list[str]:
    head = [f"{way} {k}" for way in ("i>t", "t>i") for k in _KS]
    lines = [["R@K in %", *head, "sum", "source"]]
    for name, row in report["rows"].items():
        ours = [{k: 100 * share for k, share in row[way]["hit_at_k"].items()} for way in _WAYS]
        lines.append([name, *_cells(ours), f"{row['r_sum']:.1f}", ""])
    for row in report["published"] if report["limit"] is None else ():
        total = "-" if row["r_sum"] is None else f"{row['r_sum']:.1f}"
        lines.append([row["method"], *_cells([row[way] for way in _WAYS]), total, row["source"]])
    width = max(len(line[0]) for line in lines)
    return [
        (f"{line[0]:<{width}}  " + " ".join(f"{cell:>6}" for cell in line[1:-1])).rstrip()
        + f"  {line[-1]}".rstrip()
        for line in lines
    ]


def _cells(ways: Sequence[Mapping[int, float]]) -> list[str]:
    """R@K of both directions; "-" for what is not known."""
    return [f"{way[k]:.2f}" if k in way else "-" for way in ways for k in _KS]


def _group_lines(report: Mapping[str, Any]) -> list[str]:
    names = {"image_to_text": "image -> text", "text_to_image": "text -> image"}
    return [
        f"{row}, {names[way]}, R@1: "
        + ", ".join(f"{name} {100 * hits[1]:.1f} %" for name, hits in groups.items())
        for row, found in report["rows"].items()
        for way in _WAYS
        if len(groups := found[way]["by_group"]) > 1
    ]


def _named_line(report: Mapping[str, Any]) -> str:
    named, count = report["named"], report["captions"]
    rest = count - named
    said = f"; the other {rest:,} are plain CLIP's" if rest else ""
    return f"{named:,} of {count:,} name something that is taken for written{said}"


def _reading_lines(readings: Mapping[str, Any] | None) -> str:
    if readings is None:
        return "none were used"
    engines = ", ".join(readings["engines"]) or "nobody read one of these pictures"
    parts = [f"{counted(readings['with_words'], 'picture')} with words"]
    if readings["missing"]:
        parts.append(f"{readings['missing']:,} without a reading")
    if readings["outside"]:
        parts.append(f"{counted(readings['outside'], 'word')} outside of their picture left out")
    broken = readings["broken"]
    if broken:
        parts.append(f"{len(broken):,} broken, taken for pictures without text:")
    shown = list(broken.values())[:_SHOWN]
    return "\n".join([visible(engines), ", ".join(parts), *map(visible, shown)])
