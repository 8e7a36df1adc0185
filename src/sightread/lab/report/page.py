"""A report as one HTML file that needs nothing else: pictures within it, no script, no address.

Captions and words come from data sets and from pictures, so that all text is escaped, and what
would hide or turn text around is shown as a space.
"""

from __future__ import annotations

import base64
import html
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightread.errors import SightreadError, UsageError

PAGE = "report.html"

# Control characters, surrogates, line separators and marks that turn the writing direction.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_NAME = re.compile(r"[a-z0-9-]+")

_STYLE = """
body { margin: 2rem auto; max-width: 68rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif;
  color: #1c1c1c; background: #fff }
figure { margin: 2.5rem 0; border-top: 1px solid #ccc; padding-top: 1rem }
figcaption { margin-top: .5rem }
img { max-width: 100%; height: auto; background: #fff }
table { border-collapse: collapse } th, td { text-align: left; padding: .1rem 1rem .1rem 0;
  vertical-align: top } th { white-space: nowrap }
code { font-size: .9em; overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #181818 } }
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a report.

    Attributes:
        name: of its PNG file, without suffix; letters, digits and "-".
        title: a few words.
        says: a sentence on what it shows and how what is shown was chosen.
        png: the picture; empty for a figure that cannot be made of this run, whose `says` is why.
        found: numbers in it that are worth a line each.
    """

    name: str
    title: str
    says: str
    png: bytes = b""
    found: Sequence[str] = ()


def clean(text: str, most: int = 0) -> str:
    """Text on one line without what could hide or turn something; cut to `most` characters."""
    line = " ".join(_UNSAFE.sub(" ", text).split())
    return line if not most or len(line) <= most else line[: most - 1].rstrip() + "…"


def page(title: str, facts: Mapping[str, str], figures: Sequence[Figure], command: str) -> str:
    """The whole page.

    Args:
        facts: name -> value, shown above the figures.
        command: with which it was made.
    """
    rows = "\n".join(
        f"<tr><th scope=row>{_escaped(name)}</th><td>{_escaped(value)}</td></tr>"
        for name, value in facts.items()
        if value
    )
    parts = "\n".join(_figure(one, command) for one in figures)
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_escaped(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_escaped(title)}</h1>\n<table>\n{rows}\n</table>\n{parts}\n</body>\n</html>\n"
    )


def _figure(one: Figure, command: str) -> str:
    found = "".join(f"<li>{_escaped(line)}</li>" for line in one.found)
    image = ""
    if one.png:
        data = base64.b64encode(one.png).decode("ascii")
        image = f'<img alt="{_escaped(one.title)}" src="data:image/png;base64,{data}">\n'
    return (
        f'<figure id="{_escaped(one.name)}">\n<h2>{_escaped(one.title)}</h2>\n{image}'
        f"<figcaption>{_escaped(one.says)}"
        + (f"<ul>{found}</ul>" if found else "")
        + f"<p>Made with <code>{_escaped(command)}</code></p></figcaption>\n</figure>"
    )


def _escaped(text: str) -> str:
    return html.escape(clean(text), quote=True)


def check_folder(out: Path, overwrite: bool) -> None:
    """Refuse a folder with other things in it, or with a report that is not to be replaced.

    Raises:
        UsageError: see above.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder for the report.")
    there = sorted(one.name for one in out.iterdir())
    if there and PAGE not in there:
        raise UsageError(f"{out} holds other things ({there[0]}); name a new or empty folder.")
    if there and not overwrite:
        raise UsageError(f"{out} holds a report; name another folder, or add --overwrite.")


def write(out: Path, text: str, figures: Sequence[Figure]) -> list[Path]:
    """The PNG files, then the page, each whole or not at all; PNG files of an older report go.

    Raises:
        SightreadError: the folder cannot be written to, or the disk is full.
    """
    contents = {f"{one.name}.png": one.png for one in figures if one.png}
    assert all(_NAME.fullmatch(one.name) for one in figures)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("*.png"):
            if old.name not in contents:
                old.unlink()
        for name, data in (*contents.items(), (PAGE, text.encode("utf-8"))):
            fresh = out / f".{name}.new"
            fresh.write_bytes(data)
            os.replace(fresh, out / name)
    except OSError as error:
        raise SightreadError(
            f"The report {out} cannot be written: {error.strerror or error}."
        ) from error
    return [out / name for name in (*contents, PAGE)]
