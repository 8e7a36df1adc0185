"""docs/help.md is what scripts/make_help.py writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "make_help.py"


def test_the_manual_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_manual_does_not_depend_on_the_terminal() -> None:
    code = (
        "import runpy, sys\n"
        f"manual = runpy.run_path({str(SCRIPT)!r})['manual']()\n"
        "sys.exit('\\x1b' in manual or 'sightread search [OPTIONS] [QUERY...]' not in manual)\n"
    )
    for columns in ("20", "300"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"COLUMNS": columns, "FORCE_COLOR": "1", "PYTHONPATH": ":".join(sys.path)},
            check=False,
        )
        assert done.returncode == 0
