"""Type faces: what counts as usable, where they are found, what is said when there are none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fontTools import subset  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from tests.synth.faces import PACKAGED

from sightread.errors import UsageError
from sightread.synth import typefaces
from sightread.synth.typefaces import find_typefaces, inspect, installed_typefaces

SCRIPT = Path(__file__).parents[2] / "scripts" / "fetch_fonts.py"


def test_all_packaged_faces_are_usable() -> None:
    assert len(find_typefaces(PACKAGED)) == len(PACKAGED) == 18


def test_measures_are_fractions_of_the_em() -> None:
    for face in find_typefaces(PACKAGED):
        assert 0.3 < face.capital < 1
        assert 0.2 < face.body <= face.capital * 1.05
        assert 0 < face.stem < 0.3
    weights = {face.path.name: face.stem for face in find_typefaces(PACKAGED) if face.path}
    assert (
        weights["Manrope-Light.ttf"]
        < weights["Manrope-Bold.ttf"]
        < weights["FredokaOne-Regular.ttf"]
    )


@pytest.mark.parametrize("lost", ["Q", "q", "7"])
def test_a_face_without_a_letter_or_digit_is_passed_over(tmp_path: Path, lost: str) -> None:
    font = TTFont(PACKAGED[0])
    letters = set(map(ord, "".join(typefaces.CLASSES))) - {ord(lost)}
    cutter = subset.Subsetter(subset.Options(layout_features=[], notdef_outline=True))
    cutter.populate(unicodes=letters)
    cutter.subset(font)
    font.save(tmp_path / "part.ttf")
    assert inspect(tmp_path / "part.ttf") is None


@pytest.mark.parametrize("form", ["blank", "copied"])
def test_a_face_with_a_blank_or_repeated_letter_is_passed_over(tmp_path: Path, form: str) -> None:
    font = TTFont(PACKAGED[0])
    names = font.getBestCmap()
    other = names[ord(" " if form == "blank" else "R")]
    for table in ("glyf", "hmtx"):
        font[table][names[ord("Q")]] = font[table][other]
    font.save(tmp_path / "odd.ttf")
    assert inspect(tmp_path / "odd.ttf") is None


def test_folders_are_searched_and_files_counted_once(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "One.TTF").write_bytes(PACKAGED[0].read_bytes())
    (inner / "notes.txt").write_text("no font")
    (tmp_path / "broken.otf").write_text("no font either")
    found = find_typefaces([tmp_path, inner, inner / "One.TTF"])
    assert [face.path for face in found] == [inner / "One.TTF"]


def test_no_usable_face_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No usable face in"):
        find_typefaces([tmp_path])
    with pytest.raises(UsageError, match="does not exist"):
        find_typefaces([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="No usable face in no folder"):
        find_typefaces([])


def test_without_any_package_pillows_own_face_is_used_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(typefaces, "find_face", lambda _: None)
    with pytest.warns(UserWarning, match="No font packages are installed"):
        (face,) = installed_typefaces()
    assert face.path is None


def fetch(folder: Path, tools: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
    )


def tool(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_fetching_without_apt_says_so(tmp_path: Path) -> None:
    answer = fetch(tmp_path / "fonts", tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.startswith("Fonts are fetched with apt-get and dpkg, not found here")
    assert len(answer.stderr.splitlines()) == 1


def test_a_failed_download_names_the_package(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tool(tools, "apt-get", "echo 'E: Unable to locate package' >&2; exit 100")
    tool(tools, "dpkg", "exit 0")
    answer = fetch(tmp_path / "fonts", tools)
    assert answer.returncode == 1
    last = answer.stderr.splitlines()[-1]
    assert last.startswith("fonts-texgyre cannot be fetched (E: Unable to locate package)")
    assert not [*(tmp_path / "fonts").iterdir()]


def test_fetched_packages_are_not_fetched_again(tmp_path: Path) -> None:
    tools, log = tmp_path / "tools", tmp_path / "log"
    # Stand-ins for Debian's tools: a package that holds one empty folder.
    tool(tools, "apt-get", f'echo "$3" >> {log}; : > "$3.deb"')
    tool(tools, "dpkg", '/bin/mkdir -p "$3/usr"')
    first = fetch(tmp_path / "fonts", tools)
    assert first.returncode == 0, first.stderr
    count = len(log.read_text().splitlines())
    assert count == len([*(tmp_path / "fonts").iterdir()]) >= 40
    again = fetch(tmp_path / "fonts", tools)
    assert again.stdout.startswith(f"All {count} font packages are in")
    assert len(log.read_text().splitlines()) == count
