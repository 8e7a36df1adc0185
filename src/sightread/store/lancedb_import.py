"""Import LanceDB in half of its time.

`import lancedb` spends more than half of its time on three packages that an embedded library
never calls: `lance_namespace` with the REST models that `lance_namespace_urllib3_client`
generates (some 200 pydantic classes and an HTTP client, for LanceDB's own servers), and
`overrides`, which compares signatures while classes are made and changes nothing afterwards.
A search from the command line is shorter than that import, so while LanceDB is imported light
stand-ins take the place of the three, and are removed again: whoever imports the real ones later
gets the real ones. Measured numbers: docs/decisions/0003-lancedb-import.md.

If LanceDB cannot be imported over the stand-ins, it is imported as it is.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TypeVar

STOOD_IN = ("lance_namespace", "lance_namespace_urllib3_client", "overrides")
_EXTENSION = "lancedb._lancedb"
_LOG_VARIABLE = "LANCEDB_LOG"
_lock = threading.Lock()
_Decorated = TypeVar("_Decorated")


def load_lancedb() -> ModuleType:
    """The `lancedb` module, imported at most once.

    Raises:
        ImportError: LanceDB is not installed or broken.
    """
    with _lock:
        loaded = sys.modules.get("lancedb")
        if loaded is not None:
            return loaded
        try:
            with _quiet(), _stand_ins():
                return importlib.import_module("lancedb")
        except Exception:
            # Another version of LanceDB may need more of the three than their names.
            _drop("lancedb")
            with _quiet():
                return importlib.import_module("lancedb")


@contextmanager
def _quiet() -> Iterator[None]:
    # Its log goes to standard error, where the progress line is; read once, while it loads.
    wanted = os.environ.get(_LOG_VARIABLE)
    os.environ.setdefault(_LOG_VARIABLE, "error")
    try:
        yield
    finally:
        if wanted is None:
            del os.environ[_LOG_VARIABLE]


@contextmanager
def _stand_ins() -> Iterator[None]:
    absent = [name for name in STOOD_IN if name not in sys.modules]
    finder = _Finder(absent)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in absent:
            _drop(name)


def _drop(package: str) -> None:
    # A compiled module can be initialised only once in a process: it stays for the next import.
    for name in list(sys.modules):
        if (name == package or name.startswith(package + ".")) and name != _EXTENSION:
            del sys.modules[name]


class _Finder(MetaPathFinder, Loader):
    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = frozenset(packages)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname.partition(".")[0] not in self._packages:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "overrides":
            # What LanceDB itself does where Python's own typing.override exists (3.12).
            module.__dict__.update(override=_unchanged, EnforceOverrides=object)


class _StandIn(ModuleType):
    """Any public name is an empty class, the same one each time it is asked for; names of errors
    are exceptions, so that `except` clauses stay valid."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        base: type = Exception if name.endswith("Error") else object
        made = type(name, (base,), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


def _unchanged(method: _Decorated) -> _Decorated:
    return method
