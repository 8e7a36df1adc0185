"""Words and numbers for people: safe on a terminal, whole in a pipe."""

from __future__ import annotations

import math
import re
import sys

# Control characters, surrogates (undecodable bytes of file names), line separators and the marks
# that turn the writing direction: file names may hold them to make a terminal show what is not so.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_TSV_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def visible(text: str) -> str:
    """`text` for a terminal: what could move the cursor or hide something is shown as an escape."""
    return _UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    char = found.group()
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"  # the byte that it stands for
    return char.encode("unicode_escape").decode("ascii")


def tsv_field(text: str) -> str:
    r"""One TSV cell: backslash, tab, newline and carriage return as `\\`, `\t`, `\n`, `\r`."""
    return text.translate(_TSV_ESCAPES)


def write_bytes(text: str) -> None:
    """Write `text` to stdout in UTF-8 whatever the locale; file names come out byte for byte."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that is no byte of a file name
        data = text.encode("utf-8", "backslashreplace")
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def counted(number: int, noun: str) -> str:
    """1 picture; 1,234 pictures."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """40 s; 6 min; 2 h 05 min; 3 d 4 h. Never more exact than it can be known."""
    if not math.isfinite(seconds):
        return "unknown"
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def file_size(size_bytes: int) -> str:
    """812 bytes; 1.4 MB (decimal units, as disks are sold)."""
    size = float(size_bytes)
    if size < 1000:
        return counted(size_bytes, "byte")
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.3g} {unit}"
    return f"{size / 1000:,.4g} TB"
