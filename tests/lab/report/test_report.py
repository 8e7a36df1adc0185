"""Reports of tiny runs, from the command to the files."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from sightread.cli.entry import run
from sightread.lab.report import PAGE


class Looked(HTMLParser):
    """Everything in a page that could load or run something, and its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.headings: list[str] = []
        self.captions = 0
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._inside = tag
        self.captions += tag == "figcaption"
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if self._inside == "h2":
            self.headings.append(data)
        self._inside = ""


def checked(out: Path) -> Looked:
    """The page, after checks that hold for all of them."""
    text = (out / PAGE).read_text("utf-8")
    found = Looked(text)
    assert not {"script", "link", "iframe", "object", "base"} & found.tags
    assert all(one.startswith("data:image/png;base64,") for one in found.addresses)
    assert found.captions == len(found.headings)
    assert text.count("Made with <code>sightread report ") == found.captions
    pictures = sorted(out.glob("*.png"))
    assert len(pictures) == len(found.addresses)
    for path in pictures:
        with Image.open(path) as image:
            image.load()
            assert min(image.size) > 100
    return found


def test_fdp(fdp_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report"
    arguments = ["report", "fdp", "--checkpoint", str(fdp_run), "--out", str(out)]
    many = ["--pictures", "24", "--set", "method.words=", "--quiet"]
    assert run([*arguments, *many]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == f"4 figures and {out / PAGE}."
    assert checked(out).headings == [
        "Where it sees text",
        "Content and function words",
        "Words that look alike",
        "Text to image",
    ]
    text = (out / PAGE).read_text("utf-8")
    assert "--checkpoint run --out report --set method.words= --pictures 24</code>" in text
    assert str(tmp_path) not in text
    # A second one is refused, and replaces the first if that is wanted.
    assert run([*arguments, "--pictures", "24", "--quiet"]) == 2
    assert "holds a report; name another folder, or add --overwrite." in capsys.readouterr().err
    (out / "old.png").write_bytes(b"")
    assert run([*arguments, "--pictures", "4", "--quiet", "--overwrite", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["files"][-1] == str(out / PAGE)
    assert not (out / "old.png").exists()


def test_entityclip(entity_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    arguments = ["report", "entityclip", "--checkpoint", str(entity_run), "--out", str(out)]
    assert run([*arguments, "--quiet"]) == 0
    assert checked(out).headings == [
        "How much each expert counts",
        "What explanations change",
        "What experts read of explanations",
        "Text to image",
        "Image to text",
        "Pictures and texts on one plane (t-SNE)",
    ]


def test_hopid(hopid_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    arguments = ["report", "hopid", "--checkpoint", str(hopid_run), "--out", str(out)]
    assert run([*arguments, "--quiet"]) == 0
    headings = checked(out).headings
    assert headings[:4] == [
        "Where a picture matters to its caption",
        "Which written words count",
        "Alike, but for what is written",
        "Text to image",
    ]
    assert headings[4] == "Text to image, without what is written"
    assert headings[-1] == "Pictures and texts on one plane (t-SNE), without what is written"
    assert len(headings) == 9


def test_a_figure_that_cannot_be_made_says_why(
    entity_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    arguments = ["report", "entityclip", "--checkpoint", str(entity_run), "--out", str(out)]
    assert (
        run([*arguments, "--set", "method.model.explanations=none", "--pictures", "4", "-q"]) == 0
    )
    said = capsys.readouterr().err
    assert "Without “What explanations change”: No held-out caption of this run has an" in said
    assert "No held-out caption of this run has an" in (out / PAGE).read_text("utf-8")
    assert len(checked(out).headings) == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["clip", "--out", "x"], "There is no report for 'clip'; there are some for: entityclip, "),
        (["entityclip", "--out", "x"], "is of the method fdp, not entityclip: ask for `sightread "),
        (["fdp", "--out", "src"], "src holds other things (sightread"),
        (["fdp", "--out", "README.md"], "README.md is a file; name a folder for the report."),
        (["fdp", "--out", "x", "--set", "method.colour=1"], "colour"),
    ],
)
def test_wrong_usage_gets_one_sentence(
    fdp_run: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", *arguments, "--checkpoint", str(fdp_run), "--quiet"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err
    assert not Path("x").exists()


def test_a_missing_run_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "fdp", "--checkpoint", "nowhere", "--out", "x"]) == 1
    assert "There is no checkpoint in nowhere;" in capsys.readouterr().err
