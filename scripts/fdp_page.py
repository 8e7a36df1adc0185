"""docs/fdp.md: the ablation and the studies of FDP."""

from __future__ import annotations

from typing import Any

from results import load, origin, percent, table

STUDIES = {
    "prompts": (
        "Which prompt finds more",
        "Every query with its own prompt, and all of them with one of the two, in the same models "
        "(those without distracted queries). queries: the cluster that they fall into.",
        "--checkpoint RUN RUN RUN",
    ),
    "height": (
        "How small may text be",
        "mAP by the height of capitals in a picture of 160 px (in input: in the pixels that the "
        "network gets), at several input sizes; one word in each picture.",
        "--checkpoint RUN",
    ),
    "noise": (
        "How wrong may the text map be",
        "The map that shifts the attention is replaced while the rest stays as it learned. "
        "agrees: the share of cells on the right side of one half; IoU: overlap of text cells.",
        "--checkpoint RUN",
    ),
    "clusters": (
        "Are content and function words found again",
        "Two partitions of all words are compared by the adjusted Rand index (1: the same, 0: as "
        "by chance); change is the share of words on another side.",
        "--checkpoint RUN",
    ),
    "edits": (
        "Does the query space know spelling",
        "rho is Spearman's correlation of edit distance and cosine over pairs of a family; -1 "
        "would be a space of spelling.",
        "--checkpoint RUN",
    ),
    "hardness": (
        "How near may wrong words be",
        "The same queries and answers in every gallery; only the strings on the other pictures "
        "change.",
        "--encoder MODEL",
    ),
    "attributes": (
        "Does a query use what it says besides the word",
        "Three queries for the same answers: the full one, its word, its attribute. own mAP of the "
        "word takes every picture with the word as an answer.",
        "--encoder MODEL",
    ),
}


def fdp_page(note: str) -> str:
    """The whole page."""
    opening = (
        "All of this is at the size of two processor cores: FDP on a tiny CLIP that was trained "
        "from scratch on rendered pictures ([decisions/0006](decisions/0006-a-tiny-clip-for-"
        "studies.md)), measured on `synth-str`. It says how the parts of the method work together, "
        "not how well FDP-S finds words in photographs."
    )
    parts = [f"# FDP: ablation and studies\n\n{note}\n\n{opening}\n", ablation()]
    return "\n".join([*parts, *(study(name) for name in STUDIES)])


def ablation() -> str:
    found = load("fdp_ablation")
    rows = [
        (
            name,
            f"{percent(row['map'])} ± {100 * row['spread']:.1f}",
            ", ".join(f"{100 * value:.1f}" for value in row["by_seed"]),
            *(f"{100 * value:.1f}" for value in row["groups"].values()),
        )
        for name, row in found["rows"].items()
    ]
    groups = tuple(next(iter(found["rows"].values()))["groups"])
    gains = [
        (
            name,
            f"{100 * gain['map']:+.1f} ± {100 * gain['spread']:.1f}",
            ", ".join(f"{100 * value:+.1f}" for value in gain["by_seed"]),
            "yes" if min(gain["by_seed"]) > 0 else "no" if gain["map"] <= 0 else "not in each seed",
        )
        for name, gain in found["gains"].items()
    ]
    minutes = (found["backbone_seconds"], found["row_seconds"])
    head = ("", "mAP of words and phrases", "by seed", *groups)
    return (
        f"## One part after another taken away\n\nmAP in percent, mean and sample standard "
        f"deviation over {len(found['seeds'])} seeds (new weights, training pictures and "
        f"gallery), of the exported models. Each was trained on {found['pictures']:,} pictures for "
        f"{found['steps']:,} batches. Colour and object queries are not in the mean: FDP is "
        "trained on words alone.\n\n"
        f"{table(head, rows)}\n"
        "The paper's orderings, row above row, within each seed:\n\n"
        f"{table(('ordering', 'gain', 'by seed', 'holds'), gains)}\n"
        f"The backbone took {minutes[0] / 60:.0f} minutes of two cores, all rows "
        f"{minutes[1] / 60:.0f} minutes of one, two rows at a time. Rows that are there already "
        "are not measured again: the commit is that of the table. What the orderings mean: "
        "[decisions/0008](decisions/0008-what-the-ablation-says.md).\n\n"
        + origin(
            {**found, "seed": seeds(found)},
            "python -m benchmarks.fdp_ablation --also 'prompts of equal length'",
        )
    )


def study(name: str) -> str:
    title, about, arguments = STUDIES[name]
    found = load(f"fdp_{name}")
    columns = tuple(found["rows"][0])
    rows = [tuple(_cell(row[column]) for column in columns) for row in found["rows"]]
    command = f"python -m benchmarks.fdp_studies.{name} {arguments}"
    return (
        f"## {title}\n\n{about}\n\n{table(columns, rows)}\n![{title}](figures/fdp_{name}.png)\n\n"
        + origin({**found, "seed": seeds(found["settings"])}, command)
    )


def seeds(found: dict[str, Any]) -> str:
    return ", ".join(map(str, found["seeds"]))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
