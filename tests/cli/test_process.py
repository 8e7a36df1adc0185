"""The command as a process of its own, on a library with known words."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightread.cli.outline import INNER
from sightread.images import content_id
from sightread.store import open_store
from sightread.text import tokens
from sightread.types import Field, PathStamp, PictureRecord, Quad, RegionRecord

SALE_BOX: Quad = ((20.0, 20.0), (80.0, 20.0), (80.0, 40.0), (20.0, 40.0))
COUNT = 40


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 white pictures of 200 × 100 px; "sale" is written in all, "coffee shop" in the first."""
    folder = tmp_path_factory.mktemp("command")
    records = []
    for number in range(COUNT):
        path = folder / f"tab\t{number:02}.png"
        Image.new("RGB", (200, 100), (255, 255, 255 - number)).save(path)
        words: list[tuple[Field, str, Quad | None]] = [("written", "SALE", SALE_BOX)]
        if number == 0:
            words += [("written", "coffee", SALE_BOX), ("title", "poster", None)]
        records.append(record(path, words))
    store = open_store(str(folder / "library"), write=True, create=True)
    store.put(records)
    store.flush()
    store.close()
    return folder


def record(path: Path, words: list[tuple[Field, str, Quad | None]]) -> PictureRecord:
    data = path.read_bytes()
    identity, digest = content_id(data)
    regions = tuple(
        RegionRecord(field, text, tokens(text), 0.99, line, box)
        for line, (field, text, box) in enumerate(words)
    )
    stamp = PathStamp(str(path), len(data), path.stat().st_mtime_ns)
    return PictureRecord(
        identity, digest, (stamp,), "PNG", 200, 100, "by hand", 1.7e9, regions=regions
    )


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "SIGHTREAD_LIBRARY"}
    return kept | changes


def sightread(library: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "sightread", *arguments],
        env=environment(SIGHTREAD_LIBRARY=str(library / "library")),
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_piped_output_is_tsv_without_messages(library: Path) -> None:
    done = sightread(library, "search", "coffee")
    assert (done.returncode, done.stderr) == (0, b"")
    head, row, end = done.stdout.decode().split("\n")
    assert head.startswith("rank\tpath\t")
    assert row.split("\t")[1] == str(library / "tab\\t00.png")
    assert end == ""


def test_json_and_paths_agree(library: Path) -> None:
    answer = json.loads(sightread(library, "search", '"sale"', "--json", "-k", "3").stdout)
    assert (answer["query"], answer["total"], len(answer["results"])) == ('"sale"', COUNT, 3)
    evidence = answer["results"][0]["evidence"][0]
    assert (evidence["match"], evidence["word"]) == ("exact", "SALE")
    assert evidence["boxes"] == [[list(corner) for corner in SALE_BOX]]
    rest = sightread(library, "search", '"sale"', "-0", "-k", "2", "--offset", "1").stdout
    assert rest.decode().split("\0") == [
        *(hit["path"] for hit in answer["results"][1:]),
        "",
    ]


def test_negations_filters_and_fields_reach_the_library(library: Path) -> None:
    def total(*query: str) -> int:
        return int(json.loads(sightread(library, "search", "--json", *query).stdout)["total"])

    assert total("sale", "-coffee") == COUNT - 1
    assert total('"sale" path:"tab\t07"') == 1
    assert total("title:poster") == 1


def test_nothing_found_is_said_on_stderr(library: Path) -> None:
    done = sightread(library, "search", "zyzzyva")
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 1)
    assert b"Nothing found for: zyzzyva" in done.stderr
    assert sightread(library, "search", "zyzzyva", "--fail-on-empty").returncode == 3
    assert sightread(library, "search", "coffee", "--fail-on-empty").returncode == 0


def test_a_query_of_only_exclusions_is_refused(library: Path) -> None:
    done = sightread(library, "search", "--", "-coffee")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"sightread: ")
    assert done.stderr.count(b"\n") == 1


def test_a_terminal_gets_a_table(library: Path) -> None:
    leader, follower = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "sightread", "search", "coffee", "-L", str(library / "library")],
        env=environment(TERM="xterm", COLUMNS="200"),
        stdout=follower,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(follower)
    table = os.read(leader, 65536).decode()
    os.close(leader)
    assert done.returncode == 0
    assert "picture" in table
    assert "tab\\t00.png" in table
    assert done.stderr.decode().startswith("1 picture · query: coffee · ")


def test_a_reader_that_goes_away_is_no_error(library: Path) -> None:
    asking = subprocess.Popen(
        [sys.executable, "-m", "sightread", "search", "sale", "-k", "40", "--json"],
        env=environment(SIGHTREAD_LIBRARY=str(library / "library")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert asking.stdout is not None
    asking.stdout.close()
    asking.stdout = None
    _, messages = asking.communicate(timeout=60)
    assert (asking.returncode, messages) == (141, b"")


def test_a_full_disk_behind_stdout_is_one_sentence(library: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sightread", "status", "-L", str(library / "library")],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr == b"sightread: No space left on device.\n"


def test_ctrl_c_is_130_and_no_traceback(tmp_path: Path) -> None:
    manifest = tmp_path / "library.json"
    os.mkfifo(manifest)  # the command waits here for what never comes
    asking = subprocess.Popen(
        [sys.executable, "-m", "sightread", "status", "-L", str(tmp_path)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    held_open = open_when_read(manifest, asking)
    asking.send_signal(signal.SIGINT)
    printed, messages = asking.communicate(timeout=60)
    os.close(held_open)
    assert (asking.returncode, printed, messages) == (130, b"", b"sightread: stopped.\n")


def open_when_read(pipe: Path, reading: subprocess.Popen[bytes]) -> int:
    while reading.poll() is None:
        with suppress(OSError):  # nobody reads yet
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.02)
    raise AssertionError(f"ended without reading {pipe}: {reading.communicate()}")


def test_show_writes_an_outlined_copy(library: Path, tmp_path: Path) -> None:
    picture, out = str(library / "tab\t00.png"), tmp_path / "out.png"
    done = sightread(library, "show", picture, "--out", str(out), "--query", '"sale"')
    assert done.returncode == 0, done.stderr
    assert b"SALE" in done.stdout
    with Image.open(out) as image:
        bright = np.all(np.asarray(image.convert("RGB")) == INNER, axis=2)
    assert bright[10:20, 50].any()
    assert bright[41:51, 50].any()
    assert not bright[:, 120:].any()
    again = sightread(library, "show", picture, "--out", str(out))
    assert (again.returncode, b"there already" in again.stderr) == (2, True)
    absent = str(tmp_path / "absent.png")
    nothing = sightread(library, "show", picture, "--out", absent, "--query", "zyzzyva")
    assert (nothing.returncode, os.path.exists(absent)) == (1, False)


def test_show_draws_on_no_other_picture(library: Path, tmp_path: Path) -> None:
    picture = library / "tab\t09.png"
    before = picture.read_bytes()
    Image.new("RGB", (10, 10)).save(picture)
    done = sightread(library, "show", str(picture), "--out", str(tmp_path / "out.png"))
    picture.write_bytes(before)
    assert (done.returncode, os.listdir(tmp_path)) == (1, [])
    assert b"gone or has changed" in done.stderr


def test_show_takes_an_id_and_prints_json(library: Path) -> None:
    identity, _ = content_id((library / "tab\t03.png").read_bytes())
    done = sightread(library, "show", f"{identity:016x}", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["paths"] == [str(library / "tab\t03.png")]
    assert [word["text"] for word in shown["words"]] == ["SALE"]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from sightread.cli.entry import run\n"
        "run(['--help']); run(['search', '--help'])\n"
        "print(sorted(sys.modules.keys() & {'numpy', 'lancedb', 'rich', 'PIL', 'cv2'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_piped_search_loads_no_reader_and_no_table(library: Path) -> None:
    code = (
        "import sys\n"
        "from sightread.cli.entry import run\n"
        "assert run(['search', 'coffee']) == 0\n"
        "heavy = {'rich.table', 'PIL', 'cv2', 'onnxruntime', 'tokenizers', 'torch', 'rapidocr'}\n"
        "print(sorted(sys.modules.keys() & heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(SIGHTREAD_LIBRARY=str(library / "library")),
        capture_output=True,
        check=True,
        timeout=60,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_mistake_of_ours_is_one_sentence_and_a_way_to_the_traceback(tmp_path: Path) -> None:
    # What nobody foresaw is provoked by taking a module away.
    code = (
        "import sys\n"
        "sys.modules['sightread.library'] = None\n"
        "from sightread.cli.entry import run\n"
        f"sys.exit(run(['status', '-L', {str(tmp_path)!r}]))\n"
    )

    def attempt(**changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code],
            env=environment(**changes),
            capture_output=True,
            check=False,
            timeout=60,
            text=True,
        )

    plain = attempt()
    assert (plain.returncode, plain.stderr.count("\n")) == (1, 1)
    assert "SIGHTREAD_DEBUG=1" in plain.stderr
    assert "Traceback" in attempt(SIGHTREAD_DEBUG="1").stderr
