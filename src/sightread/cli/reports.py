"""Plain-text and plain-data views of a library: its state, its failures, a run, one picture."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sightread.cli.plain import counted, duration, file_size, tsv_field, visible
from sightread.revisions import reduced_to, smaller_than
from sightread.text import key
from sightread.wire import FAILURE_FIELDS, failure_fields, moment

if TYPE_CHECKING:
    from sightread.library import Status
    from sightread.regions import RegionSpaceInfo
    from sightread.search.ingest import IndexReport
    from sightread.search.ledger import Failure
    from sightread.types import PictureRecord, RegionRecord, SpaceInfo


def rows(pairs: Mapping[str, str]) -> str:
    """Lines of name and value, values under each other; empty values are left out."""
    width = max(map(len, pairs), default=0)
    margin = "\n" + " " * (width + 2)
    shown = ((name, value.replace("\n", margin)) for name, value in pairs.items() if value)
    return "".join(f"{name:<{width}}  {value}\n" for name, value in shown)


# --- a run ------------------------------------------------------------------------------------


def run_summary(report: IndexReport) -> str:
    """One or two sentences about a finished or stopped indexing run."""
    parts = [f"{counted(report.new, 'new picture')} read"]
    if report.encoded:
        parts.append(f"{counted(report.encoded, 'known one')} encoded")
    if report.unchanged:
        parts.append(f"{report.unchanged:,} unchanged")
    if report.known_content:
        parts.append(f"{report.known_content:,} copied or moved")
    if report.forgotten:
        parts.append(f"{report.forgotten:,} forgotten")
    busy = report.new or report.encoded
    speed = f" ({report.pictures_per_s:.3g} pictures/s)" if busy else ""
    text = f"{', '.join(parts)}; {duration(report.seconds)}{speed}."
    if report.reduced:
        text += (
            f" {report.reduced:,} of them are larger than the {report.read_px:,} px that the "
            "reader looks at: small words in them may be missing."
        )
    if report.failed:
        text += f" {counted(report.failed, 'file')} failed: `sightread status --failed` says why."
    if report.interrupted:
        text += " Stopped early; the same command goes on from here."
    return text


# --- the library ------------------------------------------------------------------------------


def status_text(status: Status, path: str, now: float | None = None) -> str:
    """The same for people. `now` is the time of asking, in seconds since 1970."""
    indexed = moment(status.last_indexed_at)
    ago = ""
    if status.last_indexed_at is not None:
        since = (time.time() if now is None else now) - status.last_indexed_at
        ago = f" ({duration(since)} ago)"
    failed = counted(status.failed, "file") if status.failed else "none"
    return rows(
        {
            "library": f"{visible(path)} (format {status.format}, {file_size(status.size_bytes)})",
            "pictures": f"{status.pictures:,} in {counted(status.files, 'file')}",
            "words": f"{status.words:,}",
            "failed": failed + (" (`sightread status --failed` says why)" if status.failed else ""),
            "reader": visible(status.reader),
            "looks": "\n".join(map(_region_space_text, status.region_spaces)),
            "encoders": "\n".join(_space_text(one, status.pictures) for one in status.spaces),
            "entities": "" if status.entities else "switched off: not searched for, not encoded",
            "indexed": f"{indexed}{ago}" if indexed else "never",
        }
    )


def _space_text(space: SpaceInfo, pictures: int) -> str:
    spec = space.spec
    model = " ".join(filter(None, (spec.name, spec.revision[:12])))
    missing = pictures - space.pictures
    if not space.serving:
        state = f"to follow, {space.pictures:,} of {counted(pictures, 'picture')} encoded"
    else:
        without = f", {missing:,} without" if missing else ""
        ranks = "" if spec.calibration else "; not calibrated: only orders what is found"
        state = f"{counted(space.pictures, 'picture')}{without}{ranks}"
    return visible(f"{spec.space} ({model}): {state}")


def _region_space_text(space: RegionSpaceInfo) -> str:
    spec = space.spec
    model = " ".join(filter(None, (spec.name, spec.revision[:12])))
    state = "" if space.serving else "to follow, "
    return visible(f"{spec.space} ({model}): {state}{counted(space.regions, 'word')} with a vector")


# --- failed files -----------------------------------------------------------------------------


def failures_tsv(failures: Sequence[Failure]) -> str:
    """A line of column names, then one failed file per line."""
    table = [FAILURE_FIELDS] + [tuple(failure_fields(one).values()) for one in failures]
    return "".join("\t".join(tsv_field(str(cell)) for cell in row) + "\n" for row in table)


def failures_text(failures: Sequence[Failure]) -> str:
    """For people: the file on one line, the reason below it."""
    if not failures:
        return "No file failed.\n"
    return "".join(
        f"{visible(one.path)}\n    {visible(one.reason)}"
        f" ({moment(one.failed_at)}, {counted(one.attempts, 'attempt')})\n"
        for one in failures
    )


# --- one picture ------------------------------------------------------------------------------


def picture_text(record: PictureRecord) -> str:
    """For people: the file, what it says about itself, then each line that was read and where."""
    about = record.metadata
    place = ""
    if about.latitude is not None and about.longitude is not None:
        place = f"{about.latitude:.5f}, {about.longitude:.5f}"
    head = rows(
        {
            "picture": "\n".join(visible(stamp.path) for stamp in record.stamps)
            or "(its file is gone)",
            "id": f"{record.id:016x}",
            "size": f"{record.width} × {record.height} px, {record.format}",
            "read at": _read_at(record),
            "taken": moment(about.taken_at) or "",
            "place": place,
            "title": visible(about.title),
            "caption": visible(about.caption),
            "keywords": visible(", ".join(about.keywords)),
            "persons": visible(", ".join(about.persons)),
            "read by": visible(record.reader),
            "encoded": ", ".join(
                f"{visible(space)} ({counted(len(one.areas), 'area')} of text)"
                for space, one in record.embeddings.items()
            ),
        }
    )
    written = [region for region in record.regions if region.field == "written"]
    if not written:
        return head + "\nNo written words were found in it.\n"
    return head + "\n" + "".join(_lines(record))


def _read_at(record: PictureRecord) -> str:
    """That a picture is too large or too small for the level of detail, if it is."""
    of = (record.reader, record.width, record.height)
    if side := reduced_to(*of):
        return f"{side:,} px of its longer side; small words may be missing, see index --detail"
    if side := smaller_than(*of):
        return f"less than the {side:,} px that the reader wants; words may be missing"
    return ""


def _lines(record: PictureRecord) -> Iterator[str]:
    """What was read, line by line; of two readings the second one only where it differs."""
    from sightread.search.evidence import second_readings
    from sightread.spotting.pairs import is_second, read_twice

    other = second_readings(record)
    written = [at for at, one in enumerate(record.regions) if one.field == "written"]
    for number, some in itertools.groupby(written, key=lambda at: record.regions[at].line):
        line = list(some)
        twins = [record.regions[other[at]].text if at in other else "" for at in line]
        regions = [record.regions[at] for at in line]
        alike = all(key(a.text) == key(b) for a, b in zip(regions, twins, strict=True))
        if is_second(number) and alike:
            continue
        said = "both readers" if alike else "one reader of two"
        if not alike and any(twins):
            said = "other reader: " + " ".join(visible(twin) or "–" for twin in twins)
        yield _line_text(regions, said if read_twice(record.reader) else "")


def _line_text(line: Sequence[RegionRecord], said: str = "") -> str:
    words = visible(" ".join(region.text or "(not read)" for region in line))
    sure = min(region.confidence for region in line)
    corners = [corner for region in line if region.box for corner in region.box]
    if not corners:
        return f"  {words}\n"
    left, top = (min(corner[axis] for corner in corners) for axis in (0, 1))
    right, bottom = (max(corner[axis] for corner in corners) for axis in (0, 1))
    where = f"x {left:.0f}–{right:.0f}, y {top:.0f}–{bottom:.0f}"
    told = "; ".join(filter(None, (where, f"{100 * sure:.0f} %", said)))
    return f"  {words}    [{told}]\n"


# --- measurements -----------------------------------------------------------------------------


def measured_text(measured: Mapping[str, Any]) -> str:
    """Names and numbers of a measurement under each other; nested ones with a dot."""
    return rows(dict(_flat(measured, "")))


def _flat(measured: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in measured.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", _shown(value)))
    return found


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else visible(str(value))
