"""The part of docs/numbers.md about readers against each other, once it was measured."""

from __future__ import annotations

from typing import Any

from results import RESULTS, ROOT, load, origin, table

NAME, TIMES = "word_readers", "reading_times"
_COMMAND = "python -m benchmarks.words --data DIR --quiet DIR --model DIR --work DIR"
FIGURE = "figures/word_readers.png"
_HELD_OUT = "The word spotter has learned from none of these pictures, see configs/spotter/DATA.md."
_GALLERIES = {"real": "Photographs", "synth-str": "Rendered scenes (`synth-str`)"}
_COST = ("reading ms", "decoding ms", "half quiet ms", "pictures/s", "peak MB", "bytes/picture")
_SHARES = ("mAP", "mAP all", "precision", "recall", "invented", "calibration error")


def readers() -> str:
    """ "" if nobody has measured yet."""
    if not (RESULTS / f"{NAME}.json").exists():
        return ""
    result = load(NAME)
    parts = [
        _part(title, result["rows"][name])
        for name, title in _GALLERIES.items()
        if name in result["rows"]
    ]
    figure = f"\n![mAP against processor time]({FIGURE})\n"
    drawn = figure if (ROOT / "docs" / FIGURE).exists() else ""
    return (
        "## Readers against each other\n\nThe same pictures and queries, indexed with one worker "
        "and one thread. mAP, precision and recall at the default threshold are of the "
        'photographs, among as many pictures without text if such were added; "mAP all" is of '
        'the whole gallery, graphics included; "invented" the share of made-up words that find '
        'anything; "calibration error" the expected one of the answers that are shown (not taken '
        "in every run). Times are of the processor: reading a decoded picture, all else that "
        "indexing takes, and reading where half of the pictures have no text. mAP by "
        "height counts only answers of that height, in pixels of the picture. "
        + _HELD_OUT * result["held_out"]
        + _other_commits(result)
        + "\n\n"
        + "\n".join(parts)
        + drawn
        + "\n"
        + origin(result, _COMMAND + " --held-out" * result["held_out"])
        + _beside_each_other()
    )


def _beside_each_other() -> str:
    """What reading costs, measured in turns; "" if nobody has."""
    if not (RESULTS / f"{TIMES}.json").exists():
        return ""
    result = load(TIMES)
    others = ("rapidocr", "rapidocr-defaults", "tesseract")
    rows = [
        (
            row["system"],
            *(f"{row[name]:.1f}" for name in ("mean ms", "median ms", "95th ms")),
            *(f"{row[f'of {other}']:.3f}" for other in others),
        )
        for row in result["rows"]
    ]
    heads = ("system", "mean ms", "median ms", "95th ms", *(f"of {other}" for other in others))
    return (
        f"\n### Reading, reader beside reader\n\nThe {result['pictures']} photographs of above, "
        "the readers in turns of a dozen pictures: a machine that is slower for a minute is so "
        "for all of them. The last columns: the mean as a share of another one's.\n\n"
        + table(heads, rows)
        + "\n"
        + origin(result, "python -m benchmarks.reading_times --data DIR")
    )


def _other_commits(result: dict[str, Any]) -> str:
    """Which rows were measured earlier than the others."""
    others = {
        f"{one['system']} ({name}, {one['commit']})"
        for name, systems in result["galleries"].items()
        for one in systems
        if "commit" in one and one["commit"].rstrip("+") != result["commit"].rstrip("+")
    }
    return f" Rows of another commit: {', '.join(sorted(others))}." if others else ""


def spotter_in_short() -> list[tuple[str, str]]:
    """The word spotter beside RapidOCR, for the README."""
    rows = {row["system"]: row for row in load(NAME)["rows"]["real"]}
    ours, ocr = rows["spotter-normal"], rows["rapidocr"]
    times = {row["system"]: row["mean ms"] for row in load(TIMES)["rows"]}
    return [
        (
            "mAP on photographs that nothing learned from: the word spotter, RapidOCR",
            f"{_cell(ours['mAP'])}, {_cell(ocr['mAP'])}",
        ),
        (
            "processor time to read one of them",
            f"{times['spotter-normal']:.0f} ms, {times['rapidocr']:.0f} ms",
        ),
    ]


def _part(title: str, rows: list[dict[str, Any]]) -> str:
    there = [row for row in rows if "missing" not in row]
    heights = [name for row in there for name in row if name.endswith((" px", " and more"))]
    tables = [
        table(
            ("system", *names),
            [(row["system"], *(_cell(row.get(n)) for n in names)) for row in there],
        )
        for names in (_SHARES, _COST, tuple(dict.fromkeys(heights)))
    ]
    absent = [f"{row['system']}: {row['missing']}.\n" for row in rows if "missing" in row]
    heads = ("", "", "mAP by height:\n\n")
    body = "\n".join(head + one for head, one in zip(heads, tables, strict=True))
    return f"### {title}\n\n{body}" + "".join(f"\n{line}" for line in absent)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.1f} %" if isinstance(value, float) else str(value)
