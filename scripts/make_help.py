"""Writes docs/help.md, the manual of all commands, from the commands themselves.

    python scripts/make_help.py            write it
    python scripts/make_help.py --check    only say whether it is up to date (exit code 1: stale)

The text does not depend on the terminal, nor on how the command-line library lays out its help.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from sightread.cli.app import app

TARGET = Path(__file__).resolve().parent.parent / "docs" / "help.md"

HEAD = """\
# The commands

Written by `python scripts/make_help.py` from the commands themselves; every command explains
itself with `--help` as well.

Results go to stdout; progress and messages go to stderr. Exit codes: 0 done, 1 error, 2 wrong
usage, 3 nothing found with `--fail-on-empty`, 130 stopped by Ctrl-C.
"""


def manual() -> str:
    """The whole of docs/help.md."""
    return "\n".join([HEAD, *(_section(path, one) for path, one in _commands("sightread"))])


def _commands(name: str) -> Iterator[tuple[str, Any]]:
    def below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield path, command
        for child in getattr(command, "commands", {}).values():
            yield from below(f"{path} {child.name}", child)

    return below(name, get_command(app))


def _section(path: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    usage = [path, "[OPTIONS]", *map(_usage, arguments)]
    if getattr(command, "commands", None):
        usage.append("COMMAND ...")
    lines = [f"## {path}", "", "```", " ".join(usage), "```", "", *_prose(command.help)]
    described = [(f"`{one.metavar}`", one) for one in arguments if one.help]
    described += [(_spelling(one), one) for one in options]
    if described:
        lines += ["", "| | |", "|---|---|"]
        lines += [f"| {_cell(name)} | {_cell(_about(one))} |" for name, one in described]
    children = getattr(command, "commands", {}).values()
    lines += [""] * bool(children)
    lines += [f"- `{path} {one.name}`: {_first_sentence(one.help)}" for one in children]
    return "\n".join(lines) + "\n"


def _usage(argument: Any) -> str:
    name = argument.metavar + ("..." if argument.nargs != 1 else "")
    return str(name if argument.required else f"[{name}]")


def _prose(text: str) -> list[str]:
    """Paragraphs as they are; one that begins with the no-wrap mark becomes a block of code."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            lines += ["```", *paragraph.splitlines()[1:], "```", ""]
        else:
            lines += [*paragraph.splitlines(), ""]
    return lines[:-1]


def _first_sentence(text: str) -> str:
    return inspect.cleandoc(text).split(". ")[0].split("\n\n")[0].rstrip(".") + "."


def _spelling(option: Any) -> str:
    names = sorted(option.opts, key=len)
    value = "" if option.is_flag or option.metavar is None else f" {option.metavar}"
    return ", ".join(f"`{name}{value}`" for name in names)


def _about(param: Any) -> str:
    default = "" if param.default in (None, False, ()) else f" Default: {param.default}."
    return f"{param.help}{default}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    text = manual()
    if arguments == ["--check"]:
        if TARGET.exists() and TARGET.read_text("utf-8") == text:
            return 0
        print("docs/help.md is stale; run: python scripts/make_help.py", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
