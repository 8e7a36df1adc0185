"""The progress line, on a terminal and in a log."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from sightread.cli.progress import ProgressLine, clip, describe
from sightread.search.ingest import IndexProgress

HALFWAY = IndexProgress(
    seen=5678,
    walked=True,
    done=1234,
    new=1200,
    unchanged=30,
    known_content=2,
    failed=2,
    forgotten=0,
    saved=1000,
    pictures_per_s=12.34,
    seconds_left=360.0,
    current="/photos/b\x1b[2J/東京.jpg",
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class GoneTerminal(Terminal):
    def write(self, text: str) -> int:
        raise OSError(5, text)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_line_has_count_speed_time_left_and_failures() -> None:
    assert describe(HALFWAY) == ("1,234 of 5,678 files · 12.3 pictures/s · 6 min left · 2 failed")


def test_a_run_that_is_being_stopped_says_so() -> None:
    line = describe(replace(HALFWAY, stopping=True, failed=0))
    assert line.endswith("12.3 pictures/s · stopping: finishing what is in hand")


def test_what_is_not_known_is_not_said() -> None:
    start = replace(HALFWAY, walked=False, pictures_per_s=0.0, failed=0, seconds_left=None)
    assert describe(start) == "1,234 of 5,678+ files"


def test_on_a_terminal_one_line_is_redrawn_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out, clock = Terminal(), Clock()
    with ProgressLine(out, clock) as line:
        line(HALFWAY)
        line(replace(HALFWAY, done=1235))  # too soon to be drawn
        clock.now = 1.0
        line(replace(HALFWAY, done=1300))
    drawn = out.getvalue().split("\r")
    assert [text[:5] for text in drawn] == ["", "1,234", "1,300", "\x1b[K"]
    assert "\n" not in out.getvalue()
    assert drawn[1].endswith(" · 東京.jpg\x1b[K")
    assert len(drawn[1]) < 90


def test_in_a_log_there_is_a_plain_line_every_ten_seconds() -> None:
    out, clock = io.StringIO(), Clock()
    with ProgressLine(out, clock) as line:
        for second in range(26):
            clock.now = float(second)
            line(replace(HALFWAY, done=second))
    assert [text.split()[0] for text in out.getvalue().splitlines()] == ["10", "20"]
    assert "\r" not in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_a_dumb_terminal_is_written_to_like_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    with ProgressLine(out, Clock()) as line:
        line(HALFWAY)
    assert out.getvalue() == ""


def test_a_terminal_that_went_away_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with ProgressLine(GoneTerminal(), Clock()) as line:
        line(HALFWAY)
        line(HALFWAY)


@pytest.mark.parametrize(
    ("text", "columns", "clipped"),
    [
        *(("abc", 3, "abc"), ("abcd", 3, "ab…"), ("abc", 1, "…"), ("a", 0, "")),
        *(("東京駅", 6, "東京駅"), ("東京駅", 5, "東京…"), ("東京駅", 4, "東…")),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
    ],
)
def test_clip(text: str, columns: int, clipped: str) -> None:
    assert clip(text, columns) == clipped


def test_filling_a_library_tells_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sightread.cli import measuring

    monkeypatch.setattr(measuring, "LOG_LINE_S", 0.0)
    measuring._Filling(2000)(500)
    said = capsys.readouterr().err
    assert said.startswith("500 of 2,000 pictures made up · ")
    assert said.endswith(" left\n")
