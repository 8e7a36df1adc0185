# Everything runs in .venv, with the versions that constraints.txt pins.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check setup fonts browser screenshots lock

demo: .venv/demo
	$(BIN)/python scripts/demo.py build/demo

test: setup check
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: .venv/ready

.venv/ready: .venv/demo
	$(INSTALL) -e '.[dev]'
	touch $@

# The demo needs no torch and installs none.
.venv/demo: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Sightread needs Python 3.11 or newer; name one: make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(INSTALL) -e '.[gallery]'
	touch $@

# The page in the Chromium of the system, which has to be there (apt-get install chromium).
browser: .venv/browser demo
	$(BIN)/python -m pytest -m browser tests/browser

# The pictures of the page that the documentation shows.
screenshots: .venv/browser demo
	$(BIN)/python -m tests.browser.screenshots build/demo docs/page

.venv/browser: .venv/ready
	$(INSTALL) -e '.[dev,browser]'
	touch $@

# Open fonts of Debian, unpacked into build/fonts, nothing installed: more faces to train with.
fonts:
	$(PYTHON) scripts/fetch_fonts.py build/fonts

# Pin the newest versions that pyproject.toml allows.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,browser,openvino]' torch==2.13.0
	build/lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt
