"""Opening a library does not load what it does not use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

OPEN = """
import json, sys
from sightread.store import open_store
at_import = sorted(sys.modules)
store = open_store(sys.argv[1], write=True, create=True)
store.flush()
print(json.dumps({"at_import": at_import, "open": sorted(sys.modules)}))
"""


def run(code: str, *arguments: str) -> Any:
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    return json.loads(done.stdout)


def test_opening_a_library_is_light(tmp_path: Path) -> None:
    loaded = run(OPEN, str(tmp_path / "library"))
    assert "lancedb" not in loaded["at_import"]
    assert "pyarrow" not in loaded["at_import"]
    assert "lancedb" in loaded["open"]
    unused = ("lance_namespace", "overrides", "urllib3", "pandas", "torch", "cv2", "rapidocr")
    assert [name for name in loaded["open"] if name.partition(".")[0].startswith(unused)] == []


def test_the_real_packages_can_be_imported_afterwards() -> None:
    code = """
import json
from sightread.store.lancedb_import import load_lancedb
lancedb = load_lancedb()
assert load_lancedb() is lancedb
import lance_namespace
from lance_namespace_urllib3_client.models import QueryTableRequest
print(json.dumps([hasattr(lance_namespace, "connect"), hasattr(QueryTableRequest, "to_dict")]))
"""
    assert run(code) == [True, True]


def test_what_is_loaded_already_is_left_alone() -> None:
    code = """
import json, sys
import lance_namespace
from sightread.store.lancedb_import import load_lancedb
before = sys.modules["lance_namespace"]
load_lancedb()
print(json.dumps([sys.modules["lance_namespace"] is before, hasattr(before, "connect")]))
"""
    assert run(code) == [True, True]


def test_without_stand_ins_that_fit_it_is_imported_as_it_is(tmp_path: Path) -> None:
    code = """
import json, os, sys
import sightread.store.lancedb_import as module
def refuse(self, loading):
    if loading.__name__ == "lance_namespace.errors":  # half of LanceDB is imported by then
        raise ImportError("no stand-in will do")
module._Finder.exec_module = refuse
lancedb = module.load_lancedb()
from sightread.store import open_store
store = open_store(sys.argv[1], write=True, create=True)
whole = hasattr(lancedb.db.ListTablesResponse, "model_fields")
print(json.dumps([store.count(), whole, "LANCEDB_LOG" in os.environ]))
"""
    assert run(code, str(tmp_path / "library")) == [0, True, False]
