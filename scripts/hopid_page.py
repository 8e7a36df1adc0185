"""The measured part of docs/hopid.md: the ordering table and the curves on `synth-ambiguity`."""

from __future__ import annotations

from typing import Any

from results import RESULTS, load, origin, percent, table

COMMAND = "python -m benchmarks.hopid_ordering"
KINDS = {"letters": "letters replaced", "missed": "words missed", "foreign": "words of others"}
_T2I, _I2T = "text_to_image", "image_to_text"


def hopid() -> str:
    """Table, orderings and curves; that nothing was measured, where that is so."""
    if not (RESULTS / "hopid_ordering.json").exists():
        return f"Not measured yet: `{COMMAND}` does it.\n"
    found = load("hopid_ordering")
    head = ("", "seen, text -> image", "image -> text", "swap", "unseen, text -> image",
            "image -> text", "swap", "text-free, text -> image")  # fmt: skip
    rows: list[tuple[str, ...]] = [(name, *_row(told)) for name, told in found["rows"].items()]
    held: list[tuple[str, ...]] = [
        (one["name"], *_gain(one["gain"]), "yes" if one["holds"] else "**no**")
        for one in found["orderings"]
    ]
    seeds, settings = found["settings"]["seeds"], found["settings"]
    minutes = found["backbone_seconds"] / 60, found["row_seconds"] / 60
    return (
        f"Percent, mean and sample standard deviation over {len(seeds)} seeds: R@1, and R@5 in "
        "brackets. `swap`: how often a caption is nearer to its picture than to the one with the "
        f"two words exchanged.\n\n{table(head, rows)}\n"
        f"{table(('ordering', 'points', 'by seed', 'holds'), held)}\n{_curves(found)}\n"
        f"{_tagger(found['tagger'])}\n"
        f"Of each seed {settings['groups']:,} groups of four and {settings['plain']:,} pictures "
        f"without words were learned from for {settings['epochs']} epochs. The backbone took "
        f"{minutes[0]:.0f} minutes, all rows {minutes[1]:.0f} minutes of one core.\n\n"
        + origin({**found, "seed": ", ".join(map(str, seeds))}, COMMAND)
    )


def _row(told: dict[str, Any]) -> list[str]:
    cells = []
    for split in ("seen", "unseen"):
        cells += [_recall(told[split], way) for way in (_T2I, _I2T)]
        cells.append(_value(told[split]["swap"]))
    return [*cells, _recall(told["text-free"], _T2I)]


def _recall(figures: dict[str, Any], way: str) -> str:
    return f"{_value(figures[f'{way}_1'])} ({figures[f'{way}_5']['mean']:.1f})"


def _value(value: dict[str, Any]) -> str:
    return f"{value['mean']:.1f} ± {value['spread']:.1f}"


def _gain(gain: dict[str, Any]) -> tuple[str, str]:
    by_seed = ", ".join(f"{value:+.1f}" for value in gain["by_seed"])
    return f"{gain['mean']:+.1f} ± {gain['spread']:.1f}", by_seed


def _curves(found: dict[str, Any]) -> str:
    """R@1 while readings get worse."""
    shares = next(iter(next(iter(found["curves"].values())).values()))
    head = ("seen, text -> image R@1", *(f"{100 * float(share):.0f} %" for share in shares))
    rows: list[tuple[str, ...]] = [
        (f"{row}: {KINDS[kind]}", *(_value(one[f"{_T2I}_1"]) for one in values.values()))
        for row, kinds in found["curves"].items()
        for kind, values in kinds.items()
    ]
    flat: list[tuple[str, ...]] = [
        (name, *[_value(found["rows"][name]["seen"][f"{_T2I}_1"])] * len(shares))
        for name in ("plain CLIP", "image only")
        if name in found["rows"]
    ]
    return (
        "So much is read wrongly on purpose, besides the mistakes that the reader makes anyway "
        f"(6 % of letters, 5 % of words); the last two read nothing:\n\n{table(head, rows + flat)}"
    )


def _tagger(seeds: list[dict[str, float]]) -> str:
    """What entity inferring finds."""
    seen, unseen, free = (
        sum(one[split] for one in seeds) / len(seeds) for split in ("seen", "unseen", "text-free")
    )
    return (
        f"Entity inferring finds the written words of captions with an F1 of {percent(seen)} "
        f"(seen) and {percent(unseen)} (unseen); in captions of pictures without text it takes "
        f"{free:.3f} words each for written.\n"
    )
