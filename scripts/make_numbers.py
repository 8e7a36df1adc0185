"""Write docs/numbers.md, docs/fdp.md and the tables of the README, of docs/entityclip.md and of
docs/hopid.md from benchmarks/results/*.json.

    python scripts/make_numbers.py [--check]

With --check nothing is written; exit 1 if anything would change.
"""

from __future__ import annotations

import sys
from pathlib import Path

from captioned_page import captioned
from entityclip_page import ordering
from fdp_page import fdp_page
from hopid_page import hopid
from readers_part import readers, spotter_in_short
from results import RESULTS, ROOT, load, origin, percent, table

BEGIN, END = "<!-- numbers -->", "<!-- end of numbers -->"


def words() -> str:
    result = load("words")
    rows = [
        ("mAP, all queries", percent(result["map"]), percent(result["baseline_map"])),
        ("mAP, baseline with our word borders", "", percent(result["baseline_parted_map"])),
    ]
    for subset, value in result["map_by_subset"].items():
        plain = result["baseline_map_by_subset"][subset]
        rows.append((f"mAP within {subset}", percent(value), percent(plain)))
    quality = table(("", "Sightread", "plain OCR text"), rows)
    facts = table(
        ("", ""),
        [
            (f"precision at the threshold ({result['threshold']})", percent(result["precision"])),
            ("recall at the threshold", percent(result["recall"])),
            ("invented words accepted (of 500)", percent(result["false_accept"])),
            ("found again of what was read exactly", percent(result["findable"])),
            ("pictures per second, two workers", f"{result['pictures_per_s']:.1f}"),
            ("processor time per picture", f"{result['cpu_ms_per_picture']:.0f} ms"),
            ("of that in the reader", f"{result['reader_cpu_ms_per_picture']:.0f} ms"),
            ("peak memory", f"{result['peak_rss_mb']:.0f} MB"),
        ],
    )
    heights = table(
        ("height of the word", "found at the threshold", "annotated"),
        [
            (name.replace("50-10000 px", "over 50 px"), percent(found / total), str(total))
            for name, (found, total) in result["recall_by_height"].items()
        ],
    )
    return (
        f"## Words on real pictures\n\n{result['images']} pictures, {result['queries']:,} queries "
        "(photographs of signs, shop fronts and packages; web graphics). The baseline ranks by the "
        "normalised edit distance to the lower-cased OCR text. The subsets with incomplete "
        "annotations cannot show a wrong answer, hence their 100 %. Read with RapidOCR, "
        "whose settings and calibration were chosen on these pictures, which flatters both columns "
        "a little; the word spotter has learned from half of them, see the next part.\n\n"
        f"{quality}\n{facts}\n{heights}\n"
        + origin(result, "sightread evaluate words --reader rapidocr --data DIR --json")
    )


def latency() -> str:
    some = [load(path.stem) for path in sorted(RESULTS.glob("latency_*.json"))]
    some.sort(key=lambda result: result["pictures"])
    rows = [
        (
            f"{result['pictures']:,}",
            f"{result['words']:,}",
            f"{result['p50_ms']:.0f} ms",
            f"{result['p95_ms']:.0f} ms",
            f"{result['first_ms']:.0f} ms",
            f"{result['library_mb']:.0f} MB",
            f"{result['peak_rss_mb']:.0f} MB",
        )
        for result in some
    ]
    head = ("pictures", "words", "median", "95th percentile", "first query", "on disk", "memory")
    kinds = list(some[0]["by_kind"])
    by_kind = [
        (kind, *(f"{r['by_kind'][kind][0]:.0f} / {r['by_kind'][kind][1]:.0f} ms" for r in some))
        for kind in kinds
    ]
    kind_head = ("median / 95th percentile", *(f"{r['pictures']:,}" for r in some))
    cold = load("cold_search")
    return (
        "## Latency of a query\n\nMade-up records through the real store and engine, kinds of "
        "queries in turn. The occurrences of words are held in memory after 8 questions, of a "
        "large library after one for every 75,000 words: the times include the answers before "
        f"that, the memory the loading.\n\n{table(head, rows)}\n{table(kind_head, by_kind)}\n"
        + origin(some[0], "sightread bench query --pictures N --json")
        + f"\nA whole `sightread search` process on the {cold['pictures']:,} pictures above takes "
        f"{cold['wall_s']:.2f} s from start to end (median of {cold['runs']} runs, largest "
        f"{cold['wall_max_s']:.2f} s, processor time {cold['cpu_s']:.2f} s): "
        "`python -m benchmarks.cold_search --library FOLDER`.\n"
    )


def vectors() -> str:
    one = load("vectors_100000")
    rows = [
        (
            "one query, median and 95th percentile",
            f"{one['one_p50']:.0f} / {one['one_p95']:.0f} ms",
        ),
        (
            "the same beside a bare matrix product in numpy, in turn, medians",
            f"{one['beside_numpy_p50']:.0f} / {one['numpy_p50']:.0f} ms",
        ),
        (
            "one query among a hundred pictures (filter by id)",
            f"{one['one_in_some_ids_p50']:.0f} / {one['one_in_some_ids_p95']:.0f} ms",
        ),
        (
            "one query among those in one folder (filter by path)",
            f"{one['one_in_a_path_p50']:.0f} / {one['one_in_a_path_p95']:.0f} ms",
        ),
        ("first query of a process, from the disk", f"{one['first_from_disk']:.0f} ms"),
        ("second query, which loads the vectors", f"{one['second_loads']:.0f} ms"),
        (
            "memory of a process: before, and holding the vectors",
            f"{one['rss_before_mb']} MB, {one['rss_held_mb']} MB",
        ),
        ("answers that differ from float64, of 20", f"{one['wrong_answers']}"),
    ]
    return (
        f"## Search among vectors\n\n{one['pictures']:,} pictures, {one['dim']} dimensions, the "
        "200 nearest, exactly. The machine was not idle: its load average was "
        f"{one['load_average']}.\n\n{table(('', ''), rows)}\n"
        + origin(one, "python -m benchmarks.vectors")
    )


def fdp() -> str:
    cost = load("fdp_cost")
    rows = [
        (
            runtime,
            f"{cost[key]['clip_ms']:.0f} ms",
            f"{cost[key]['fdp_ms']:.0f} ms",
            f"{cost[key]['overhead_percent']:+.1f} %",
        )
        for runtime, key in (("torch", "torch"), ("ONNX Runtime", "onnxruntime"))
    ]
    head = ("processor time per picture, one thread, float32", "plain CLIP", "FDP", "FDP over CLIP")
    return (
        f"## FDP: what it adds to CLIP\n\nFDP-{cost['variant']} at {cost['size']} px against its "
        "own backbone with the same input, batch 1, in turns; preprocessing is not included. "
        "Medians; the last column is the median of the ratios within a round.\n\n"
        f"{table(head, rows)}\n"
        + origin(cost, f"python -m benchmarks.fdp_cost --variant {cost['variant']}")
    )


def service() -> str:
    found, large = load("serve_load"), load("serve_load_20k")
    crowd, dawdlers = found["clients_at_once"], found["beside_dawdlers"]
    rows = [
        (name, f"{one['p50_ms']:.0f} / {one['p95_ms']:.0f} ms", f"{one['max_ms']:.0f} ms")
        for name, one in (
            ("while the library is being indexed", found["while_indexing"]),
            (f"the same, with {large['records']:,} records more", large["while_indexing"]),
            ("at rest", found["at_rest"]),
            (f"beside {dawdlers['dawdlers']} clients that dawdle", dawdlers),
            (f"{crowd['clients']} clients at once", crowd),
        )
    ]
    head = ("searches over HTTP", "median / 95th percentile", "longest")
    return (
        "## The service under load\n\nAs a client sees it, on the demo gallery of "
        f"{found['while_indexing']['pictures_read']} pictures, one machine for both. Of "
        f"{crowd['searches']:,} searches by {crowd['clients']} clients at once "
        f"{crowd['statuses']['200']} were answered and {crowd['statuses']['503']} told to come "
        f"back.\n\n{table(head, rows)}\n"
        + origin(found["environment"], "python benchmarks/serve_load.py build/demo")
        + "\n"
        + origin(
            large["environment"],
            f"python benchmarks/serve_load.py build/demo --records {large['records']}",
        )
    )


def faults() -> str:
    kill, damaged, explained = load("kill_index"), load("damaged_index"), load("explain_faults")
    rows = [
        (
            f"indexing killed {kill['kills']} times at random moments",
            f"{len(kill['wrong'])} times anything lost or half there; the last run completes",
        ),
        (
            f"{damaged['files']:,} damaged files indexed",
            f"{damaged['indexed']:,} indexed, {damaged['failed']:,} in the ledger, "
            f"{len(damaged['wrong'])} complaints",
        ),
        (
            f"{explained['entities']:,} explanations through an endpoint that fails in "
            f"{percent(explained['share'])} of its answers, killed {explained['kills']} times",
            f"{explained['explained']:,} explained, {len(explained['wrong'])} complaints; "
            f"{explained['answered_twice']} asked for twice, which were on their way at a kill",
        ),
    ]
    return (
        "## Faults\n\n"
        + table(("campaign", "outcome"), rows)
        + "\n"
        + origin(kill, "python -m benchmarks.kill_index --kills 200 --seed 0")
        + "\n"
        + origin(damaged, "python -m benchmarks.damaged_index --count 2000 --seed 0")
        + "\n"
        + origin(explained, "python -m benchmarks.explain_faults")
    )


def summary() -> str:
    result, query, cold = load("words"), load("latency_100000"), load("cold_search")
    rows = [
        (
            f"mAP of {result['queries']:,} words on {result['images']} real pictures, read with "
            "RapidOCR",
            f"{percent(result['map'])} (plain OCR text: {percent(result['baseline_map'])})",
        ),
        *spotter_in_short(),
        (
            "precision of what is shown, invented words that find anything, with RapidOCR",
            f"{percent(result['precision'])}; {percent(result['false_accept'])}",
        ),
        (
            "a query among 100,000 pictures, median and 95th percentile",
            f"{query['p50_ms']:.0f} ms, {query['p95_ms']:.0f} ms",
        ),
        ("a whole `sightread search` process", f"{cold['wall_s']:.1f} s"),
        (
            "indexing on two cores, with RapidOCR",
            f"{result['pictures_per_s']:.1f} pictures/s, {result['peak_rss_mb']:.0f} MB",
        ),
    ]
    return table(("", ""), rows)


def documents() -> dict[Path, str]:
    """The files with what they should hold."""
    note = "Written by `scripts/make_numbers.py` from `benchmarks/results/`; do not edit."
    readme, docs = ROOT / "README.md", ROOT / "docs"
    entityclip, caption = docs / "entityclip.md", docs / "hopid.md"
    parts = [f"# Numbers\n\n{note}\n", words(), readers(), latency(), vectors(), service(), fdp()]
    parts = [part for part in (*parts, faults()) if part]
    return {
        ROOT / "docs" / "numbers.md": "\n".join(parts),
        ROOT / "docs" / "fdp.md": fdp_page(note),
        readme: _between(readme, summary()),
        entityclip: _between(entityclip, f"\n{ordering()}\n"),
        caption: _between(caption, f"\n{hopid()}\n### What real captions find\n\n{captioned()}\n"),
    }


def _between(path: Path, text: str) -> str:
    """The file with a text between its two marks."""
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}"


def main() -> int:
    stale = [path for path, text in documents().items() if not _holds(path, text)]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.name} is stale: run python scripts/make_numbers.py", file=sys.stderr)
        return 1 if stale else 0
    for path, text in documents().items():
        path.write_text(text, "utf-8")
    return 0


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
