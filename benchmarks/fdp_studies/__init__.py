"""Questions about FDP that the literature leaves open; each module is one command.

    python -m benchmarks.fdp_studies.height --checkpoint RUN --figure docs/figures/height.png

All take `--seeds`, `--out FILE.json` and `--figure FILE.png`, print a table on standard output and
say how far they are on standard error.
"""
