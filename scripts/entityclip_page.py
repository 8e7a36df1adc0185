"""The measured part of docs/entityclip.md: the ordering table on `synth-entity`."""

from __future__ import annotations

from typing import Any

from results import RESULTS, load, origin, table

MODES = ("plain", "+E", "plain, re-ranked", "+E, re-ranked")
GROUPS = ("head", "tail", "told")
COMMAND = "python -m benchmarks.entityclip_ordering"


def ordering() -> str:
    """The table, the orderings and the chain; that nothing was measured, where that is so."""
    if not (RESULTS / "entityclip_ordering.json").exists():
        return f"Not measured yet: `{COMMAND}` does it.\n"
    found = load("entityclip_ordering")
    rows = [
        (name, *(_mode(modes, mode) for mode in MODES)) for name, modes in found["rows"].items()
    ]
    held = [
        (one["name"], *_gain(one["gain"]), "yes" if one["holds"] else "**no**")
        for one in found["orderings"]
    ]
    links = [(one["name"], *_gain(one["gain"])) for one in found["chain"]]
    seeds = found["settings"]["seeds"]
    minutes = found["backbone_seconds"] / 60, found["row_seconds"] / 60
    return (
        f"R@1 from caption to picture in percent, mean and sample standard deviation over "
        f"{len(seeds)} seeds, and head / tail / told apart:\n\n"
        f"{table(('', *MODES), rows)}\n"
        f"{table(('ordering', 'gain in points', 'by seed', 'holds'), held)}\n"
        "The paper's claim, row above row, captions alone:\n\n"
        f"{table(('', 'gain in points', 'by seed'), links)}\n"
        f"The backbone took {minutes[0]:.0f} minutes, all rows {minutes[1]:.0f} minutes of one "
        "core, two rows at a time.\n\n"
        + origin({**found, "seed": ", ".join(map(str, seeds))}, COMMAND)
    )


def _mode(modes: dict[str, Any], mode: str) -> str:
    if mode not in modes:
        return "-"
    figures = modes[mode]
    groups = " / ".join(
        f"{100 * figures[group]['mean']:.1f}" if group in figures else "-" for group in GROUPS
    )
    whole = figures["all"]
    return f"{100 * whole['mean']:.1f} ± {100 * whole['spread']:.1f} ({groups})"


def _gain(gain: dict[str, Any]) -> tuple[str, str]:
    by_seed = ", ".join(f"{value:+.1f}" for value in gain["by_seed"])
    return f"{gain['mean']:+.1f} ± {gain['spread']:.1f}", by_seed
