"""The card of a model, written from the facts of its training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sightread.modelfolder import ModelInfo

_FITS = {
    "pad": "black at the right or bottom makes a picture square",
    "crop": "the middle square of a picture is seen",
    "squash": "a picture is squeezed into a square",
}


def card(info: ModelInfo, about: str, notes: str = "") -> str:
    """Markdown for people: what it is, how it was made, how well it does.

    Args:
        about: of the method: the paper, what the model can and cannot do.
        notes: Markdown of who trained it: what the data was, under which licences, how it was told
            apart from what it is measured on.
    """
    made_with = ", ".join(f"{name} {version}" for name, version in info.created_with.items())
    sections = {"Use": _use(info)}
    if "source" in info.provenance:
        sections |= {"Source": _table(info.provenance["source"])}
    else:
        sections |= {"Training": _training(info.provenance)}
    if notes:
        sections |= {"Data": notes.strip().splitlines()}
    sections |= {"Figures": _figures(info.provenance)}
    if "config" in info.provenance:
        plain = json.dumps(info.provenance["config"], indent=2)
        sections |= {"Configuration": ["```json", plain, "```"]}
    lines = [f"# {info.name}", "", about, ""]
    for title, body in sections.items():
        lines += [f"## {title}", "", *body, ""]
    return "\n".join([*lines, f"Made with {made_with}."]) + "\n"


def _use(info: ModelInfo) -> list[str]:
    size = info.preprocess.size_px
    space = f"- space `{info.space}`, {info.dim} dimensions, unit vectors, score = dot product"
    ends = [f"- licence of the weights: {info.licence}", f"- revision `{info.revision}`"]
    if info.kind == "spotter":
        letters = info.tokenizer.context_length - 2
        return [
            space,
            f"- pictures: words are looked for with a longer side of {size} px, and read in the "
            "picture itself",
            f"- words: up to {letters} letters and digits, the rest is cut off",
            *ends,
        ]
    lines = [
        space,
        f"- pictures: {size} x {size} px, {_FITS[info.preprocess.fit]}",
        f"- texts: up to {info.tokenizer.context_length - 2} tokens, the rest is cut off",
    ]
    if info.text_map is not None:
        lines.append(
            f"- says where text is, in {info.text_map.rows} x {info.text_map.columns} cells"
        )
    return [*lines, *ends]


def _training(facts: Mapping[str, Any]) -> list[str]:
    return _table(
        {
            "method": facts["method"],
            "steps": f"{facts['steps']:,}",
            "examples seen": f"{facts['examples']:,}",
            "time of training": f"{facts['seconds']:,.0f} s",
            "on": facts["device"],
            "seed": facts["seed"],
            "configuration": f"`{facts['digest'][:12]}`",
        }
    )


def _figures(facts: Mapping[str, Any]) -> list[str]:
    metrics = {name: f"{value:.4g}" for name, value in facts.get("metrics", {}).items()}
    parity = {
        f"{tower} tower": f"cosine at least {one['min_cosine']:.7f}, numbers differ by at most "
        f"{one['max_deviation']:.2g}"
        for tower, one in facts["parity"].items()
    }
    if "int8" in facts:
        in_bits = facts["int8"]
        parity["finder in eight bits"] = (
            f"numbers differ by {in_bits['finder_mean_deviation']:.2g} in the mean"
        )
        parity["strips in eight bits"] = f"cosine at least {in_bits['strips_min_cosine']:.4f}"
    return [
        "Of the last validation while training:" if metrics else "There was no validation.",
        "",
        *(_table(metrics) if metrics else []),
        "",
        "Of the export, torch against ONNX Runtime:",
        "",
        *_table(parity),
    ]


def _table(cells: Mapping[str, Any]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in cells.items())]
