"""The printed numbers are those of the committed results."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_numbers_are_generated_from_the_results() -> None:
    script = ROOT / "scripts" / "make_numbers.py"
    answer = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
