"""The house keeps its walls: who imports whom, and limits that usually mean a missing idea."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "sightread"
FILES = sorted(SOURCE.rglob("*.py"))

GROUND = {"types", "protocols", "regions", "revisions", "explained", "errors", "version"}
BENCH = {"images", "pixels", "formats", "metadata", "text", "metrics", "tasks"}
BENCH |= {"config", "golden", "interrupt", "modelfolder", "preprocess", "scenetext", "spotting"}
BENCH |= {"heat", "tokenizer"}
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(GROUND, GROUND),
    **dict.fromkeys(BENCH, GROUND | BENCH),
    "readers": GROUND | BENCH | {"readers"},
    "store": GROUND | {"store"},
    "synth": GROUND | BENCH | {"synth"},
    "clip": GROUND | BENCH | {"clip", "torch"},
    "methods": GROUND | BENCH | {"clip", "methods", "synth", "torch"},
    "lab": GROUND | BENCH | {"clip", "lab", "methods", "synth", "torch"},
    "encoders": GROUND | BENCH | {"encoders"},
    "explain": GROUND | BENCH | {"explain"},
    "remembered": GROUND | {"encoders", "readers", "search"},
    "search": GROUND | BENCH | {"search"},
    "library": GROUND | BENCH | {"explain", "privacy", "readers", "remembered", "store", "search"},
    "privacy": GROUND,
    "service": GROUND | BENCH | {"library", "search", "remote", "service", "wire"},
    "remote": GROUND | {"library", "search", "unwire"},
    "unwire": GROUND | BENCH | {"library", "search"},
    "wire": GROUND | {"library", "search"},
    "measure": GROUND | BENCH | {"library", "measure", "search", "store"},
    "cli": GROUND
    | BENCH
    | {
        "library",
        "measure",
        "search",
        "cli",
        "clip",
        "encoders",
        "explain",
        "lab",
        "methods",
        "readers",
        "remote",
        "service",
        "wire",
    },
    "__main__": {"cli"},
    "__init__": GROUND | {"library", "remote"},
}
BANNED_NAMES = {"utils", "helpers", "common", "base", "manager"}
MAX_FILE, MAX_FUNCTION, MAX_NESTING = 400, 45, 3
BLOCKS = (ast.If, ast.For, ast.While, ast.Try)


def room(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imported_rooms(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            names = [node.module]
            if node.module == "sightread":
                names = [f"sightread.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("sightread."):
                yield name.split(".")[1]
            elif name.split(".")[0] in ("torch", "torchvision"):
                yield "torch"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_follow_the_law(path: Path) -> None:
    own = room(path)
    assert own in MAY_IMPORT, f"{own} has no floor: say in this test what it may import"
    for other in imported_rooms(ast.parse(path.read_text())):
        assert other in MAY_IMPORT[own] | {"__version__"}, f"{own} may not import {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_limits(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_FILE
    assert path.stem not in BANNED_NAMES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            first = node.body[0]
            # A docstring is not work.
            start = first.end_lineno if ast.get_docstring(node) else node.lineno
            assert start is not None
            assert node.end_lineno - start <= MAX_FUNCTION, f"{node.name} is too long"
            assert nesting(node) <= MAX_NESTING, f"{node.name} is nested too deeply"


def nesting(node: ast.AST) -> int:
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            continue
        # `elif` is an If in the orelse of an If, but no deeper for a reader.
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deepest = max(deepest, nesting(child) + (isinstance(child, BLOCKS) and not is_elif))
    return deepest


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in FILES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent


@pytest.mark.parametrize(
    "module", ["sightread.cli.app", "sightread.library", "sightread.service.serving"]
)
def test_serving_never_imports_torch(module: str) -> None:
    # Nor what asks a language model: the network is touched by `explain fill` alone.
    banned = ("torch", "sightread.explain.asking", "sightread.explain.endpoint")
    code = f"import {module}, sys; print([m for m in sys.modules if m.startswith({banned})])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "[]\n", answer.stderr


def test_help_imports_nothing_heavy() -> None:
    heavy = {
        "fastapi",
        "httpx2",
        "uvicorn",
        "numpy",
        "lancedb",
        "pyarrow",
        "cv2",
        "onnxruntime",
        "PIL",
        "rich",
    }
    code = f"import sightread.cli.app, sys; print(sorted(set(sys.modules) & {heavy}))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "[]\n", answer.stderr
