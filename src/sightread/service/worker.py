"""Indexes one library in a process of its own: `python -m sightread.service.worker`.

The service talks to it in lines of JSON: a job on stdin; progress, then a report or an error on
stdout. A process of its own leaves the service its processor time (it is nicer than the service)
and its memory. When stdin ends, because the service ended in whatever way, the run is finished in
good order, as with Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TextIO

from sightread.errors import SightreadError
from sightread.library import IndexProgress, IndexReport, Library

NICENESS = 10


def main() -> int:
    """Do the job that the first line of stdin describes; returns the exit code."""
    job = json.loads(sys.stdin.readline())
    out = _take_stdout()
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    threading.Thread(target=_stop_at_end_of, args=(sys.stdin,), daemon=True).start()
    try:
        report = _run(job, lambda progress: _say(out, progress=asdict(progress)))
    except SightreadError as error:
        _say(out, error=str(error), kind=type(error).__name__)
        return 1
    except KeyboardInterrupt:
        sentence = "Stopped at once; the next run reads again what was not written yet."
        _say(out, error=sentence, kind="SightreadError")
        return 130
    _say(out, report=asdict(report))
    return 0


def _run(job: dict[str, Any], progress: Callable[[IndexProgress], None]) -> IndexReport:
    from sightread.search.ingest import IndexOptions

    given = job.get("options", {})
    listed = {"exclude": tuple(given.get("exclude", ())), "within": tuple(job["within"])}
    options = IndexOptions(**{**given, **listed})
    with Library.open(
        job["library"],
        write=True,
        create=True,
        encoder=job["encoder"],
        reader=job["reader"],
        reader_options=job["reader_options"],
    ) as library:
        if job.get("retry"):
            return library.retry(progress, options)
        return library.index(job["folders"], options, progress)


def _take_stdout() -> TextIO:
    # Whatever a library prints must not come between the lines.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _say(out: TextIO, **message: Any) -> None:
    with contextlib.suppress(OSError):  # the service is gone: `_stop_at_end_of` sees to it
        out.write(json.dumps(message) + "\n")
        out.flush()


def _stop_at_end_of(stream: TextIO) -> None:
    stream.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
