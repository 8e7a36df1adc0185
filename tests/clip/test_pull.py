"""`models pull` against a hub of our own on this machine: the real client, a real server."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from sightread.clip.config import CONFIGS
from sightread.clip.folder import open_folder
from sightread.clip.model import CLIP
from sightread.clip.tokens import tiny_tokenizer
from sightread.modelfolder import file_sum
from tests.clip.formula import fill

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Files under `root` as REPOSITORY/resolve/main/FILE; `asked` is what was asked for."""

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.root = root
        self.asked: list[str] = []
        self.cut_short = ""

    def put(self, repository: str, name: str, content: bytes) -> None:
        path = self.root / repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def _answer(self, body: bool) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        path = self.server.root / self.path.lstrip("/").replace("/resolve/main/", "/")
        found = path.is_file()
        content = path.read_bytes() if found else b""
        self.send_response(200 if found else 404)
        if found:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self._answer(False)

    def do_GET(self) -> None:
        self._answer(True)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    server = Hub(tmp_path / "hub")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


# Three published models that are small enough for a test, and the commands as typed.
DRIVER = """
import json, sys
from sightread.cli.entry import run
from sightread.clip.published import PUBLISHED, Published
for name in ("good", "old", "spoilt", "gone"):
    PUBLISHED[f"{name}:openai"] = Published("tiny-RN", f"someone/{name}", quick_gelu=True)
codes = [run(line) for line in json.loads(sys.argv[1])]
print(json.dumps(codes))
"""


def pull(lines: list[list[str]], **settings: str) -> tuple[list[int], list[str], str]:
    """Exit codes, lines on stderr and stdout of `sightread models pull LINE` for each line."""
    commands = [["models", "pull", *line] for line in lines]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(commands)],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.splitlines()
    said = [line for line in done.stderr.splitlines() if line.startswith("sightread:")]
    return json.loads(shown[-1]), said, "\n".join(shown[:-1])


def weights(path: Path) -> bytes:
    model = CLIP(CONFIGS["tiny-RN"])
    fill(model)
    save_file(model.state_dict(), path)
    return path.read_bytes()


def test_pull(hub: Hub, tmp_path: Path) -> None:
    good = weights(tmp_path / "w")
    hub.put("openai/clip-vit-base-patch32", "tokenizer.json", tiny_tokenizer().to_str().encode())
    hub.put("someone/good", "open_clip_model.safetensors", good)
    hub.put("someone/good", "open_clip_pytorch_model.bin", b"the worse of two")
    hub.put("someone/spoilt", "open_clip_pytorch_model.bin", b"not weights")
    hub.put("someone/gone", "README.md", b"")
    outs = [str(tmp_path / name) for name in ("out", "spoilt", "gone")]
    codes, said, shown = pull(
        [
            ["good", "--out", outs[0], "--size", "96", "--json"],
            ["good", "--out", outs[0]],
            ["spoilt", "--out", outs[1]],
            ["gone", "--out", outs[2]],
        ],
        HF_ENDPOINT=f"http://127.0.0.1:{hub.server_port}",
        HF_HOME=str(tmp_path / "home"),
    )
    assert codes == [0, 2, 1, 1]
    assert json.loads(shown)["input_px"] == 96
    assert "is there already" in said[0]
    assert "open_clip_pytorch_model.bin is no checkpoint" in said[1]
    assert "someone/gone has none of open_clip_model.safetensors" in said[2]
    assert not os.path.exists(outs[1])
    assert not os.path.exists(outs[2])

    loaded = open_folder(outs[0])
    assert loaded.model.config.vision.image_px == 96
    assert loaded.model.config.quick_gelu
    assert loaded.info.provenance == {
        "repository": "someone/good",
        "commit": COMMIT,
        "file": "open_clip_model.safetensors",
        "sha256": file_sum(tmp_path / "w").sha256,
        "positions": "resized from 64 px, bicubic",
    }
    assert loaded.info.name == "good:openai"
    # Nothing was asked for but the files: no telemetry, no second download of the tokeniser.
    assert all("/resolve/main/" in line for line in hub.asked)
    assert sum(line.startswith("GET") for line in hub.asked) == 3


def test_without_network(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    codes, said, _ = pull(
        [["RN50", "--out", out], ["RN5O", "--out", out]],
        HF_HUB_OFFLINE="1",
        HF_HOME=str(tmp_path / "home"),
    )
    assert codes == [1, 2]
    assert "the hub cannot be reached; check the network" in said[0]
    assert "No published CLIP is called 'RN5O'; similar names are RN50:" in said[1]
    assert not os.path.exists(out)
