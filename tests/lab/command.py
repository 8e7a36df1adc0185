"""The command line with the toy among the methods: python -m tests.lab.command train toy ..."""

import sys

from sightread.cli.entry import run
from sightread.methods import METHODS
from tests.lab.toy import TOY

if __name__ == "__main__":
    METHODS["toy"] = TOY
    sys.exit(run(sys.argv[1:]))
