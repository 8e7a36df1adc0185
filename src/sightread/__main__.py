"""`python -m sightread` is the command line."""

import sys

from sightread.cli import main

sys.exit(main())
