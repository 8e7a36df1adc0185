"""Fills the book: first from what is written down already, then by asking an endpoint.

What is in the book stays: a subject with a good explanation is not asked for, nor one for which
this endpoint has answered already, however bad the answer was. What people wrote by hand is never
replaced. A run that was stopped or killed goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sightread.errors import ExplanationError
from sightread.explain import prompt
from sightread.explain.book import Book, is_by_hand
from sightread.explain.explanation import MAX_NAME_CHARS, Explanation, Subject
from sightread.explain.gates import judged
from sightread.explain.glossary import Entries, Entry
from sightread.explain.pace import Pace, Patience
from sightread.interrupt import Interrupt

if TYPE_CHECKING:
    from sightread.explain.asking import Reply
    from sightread.explain.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class FillOptions:
    """How to ask.

    Attributes:
        at_once: so many questions at the same time.
        per_second: so many requests at most; None sets no limit.
        most: ask for no more subjects than this.
        retry: ask again for those whose answer the gates kept out.
        renew: ask also for those that another endpoint, model or question has explained.
        only_count: ask nobody and change nothing; the report says what would be done.
    """

    at_once: int = 4
    per_second: float | None = None
    most: int | None = None
    retry: bool = False
    renew: bool = False
    only_count: bool = False
    patience: Patience = field(default_factory=Patience)


@dataclass(slots=True)
class FillReport:
    """What came of a run, in subjects: those given, those with an explanation already; `taken`
    from a glossary or dump, or `unfit` there; those to be asked for, and of these `answered` with
    something good, with something that the gates kept out, or `failed`. `requests` that were made;
    whether Ctrl-C ended it; what the user should know."""

    subjects: int = 0
    known: int = 0
    taken: int = 0
    unfit: int = 0
    to_ask: int = 0
    answered: int = 0
    kept_out: int = 0
    failed: int = 0
    requests: int = 0
    took_s: float = 0.0
    interrupted: bool = False
    warnings: tuple[str, ...] = ()


def fill(
    book: Book,
    subjects: Iterable[Subject],
    *,
    written: Sequence[Entries] = (),
    endpoint: Endpoint | None = None,
    options: FillOptions | None = None,
    progress: Callable[[FillReport], None] | None = None,
) -> FillReport:
    """Bring the book up to date for these subjects.

    Args:
        written: glossaries and dumps, the first that knows a subject counts.
        endpoint: whom to ask for the rest; None asks nobody, and the network is not touched.
        progress: called with the report so far after every reply.

    Raises:
        ExplanationError: the endpoint refuses everybody; what was answered until then is kept.
    """
    began = time.monotonic()
    options = options or FillOptions()
    report = FillReport(warnings=tuple(w for entries in written for w in entries.warnings))
    left = _take(book, _distinct(subjects, report), written, report, options)
    if endpoint is not None:
        asked = [one for one in left if _is_due(book, one, endpoint, options)][: options.most]
        report.to_ask = len(asked)
        if asked and not options.only_count:
            _ask(book, asked, endpoint, options, report, progress)
    report.took_s = time.monotonic() - began
    return report


def from_written(entries: Entries) -> list[Subject]:
    """The subjects that a glossary explains."""
    return [Subject(entry.name) for entry in entries.all]


def by_hand(subject: Subject, text: str) -> Explanation:
    """An explanation that somebody wrote.

    Raises:
        ExplanationError: it is empty, or too long to be used.
    """
    kept, verdict = judged(text, subject, must_name=False)
    if verdict == "empty":
        raise ExplanationError(f"The explanation of {subject.name} is empty; write what one sees.")
    if verdict == "too long":
        raise ExplanationError(
            f"The first sentence of the explanation of {subject.name} is too long: an encoder sees "
            "about 55 words; make shorter sentences, the most visible first."
        )
    # Who writes by hand may begin with whatever looks like a refusal.
    return Explanation(subject.name, kept, "hand", kind=subject.kind, raw=_raw(text, kept))


# --- subjects ---------------------------------------------------------------------------------


def _distinct(subjects: Iterable[Subject], report: FillReport) -> list[Subject]:
    found: dict[tuple[str, str], Subject] = {}
    odd = 0
    for subject in subjects:
        if not subject.key or len(subject.name) > MAX_NAME_CHARS:
            odd += 1
        else:
            found.setdefault((subject.kind, subject.key), subject)
    if odd:
        report.warnings += (
            f"{odd} of the names have no letter, or more than {MAX_NAME_CHARS} characters; they "
            "were left out.",
        )
    report.subjects = len(found)
    return list(found.values())


def _take(
    book: Book,
    subjects: list[Subject],
    written: Sequence[Entries],
    report: FillReport,
    options: FillOptions,
) -> list[Subject]:
    """Take what is written down; returns the subjects that are still to be asked for, perhaps."""
    left = []
    for subject in subjects:
        entry = next((e for entries in written if (e := entries.find(subject))), None)
        known = book.find(subject)
        good = known is not None and known.verdict == "good"
        if entry is None or is_by_hand(known):
            report.known += good
            left += [] if good and not options.renew else [subject]
        elif good and known is not None and _says_the_same(known, entry):
            report.known += 1
        elif _take_one(book, subject, entry, options):
            report.taken += 1
        else:
            report.unfit += 1
    return left


def _says_the_same(known: Explanation, entry: Entry) -> bool:
    return entry.text in (known.text, known.raw) and known.source == entry.source


def _take_one(book: Book, subject: Subject, entry: Entry, options: FillOptions) -> bool:
    text, verdict = judged(entry.text, subject, must_name=False)
    # A glossary may say that something is not known; it is no answer of a machine.
    verdict = "good" if verdict == "refused" else verdict
    own = Subject(entry.name)  # also for who asks by an alias
    one = Explanation(own.name, text, entry.source, verdict=verdict, raw=_raw(entry.text, text))
    if not options.only_count:
        last = book.versions(own)[-1:]
        if not last or (last[0].source, last[0].text, last[0].raw) != (one.source, text, one.raw):
            book.add(one, aliases=entry.aliases)
    return verdict == "good"


def _is_due(book: Book, subject: Subject, endpoint: Endpoint, options: FillOptions) -> bool:
    known = book.find(subject)
    if is_by_hand(known):
        return False
    asked = book.was_asked(subject, endpoint.fingerprint)
    if known is not None and known.verdict == "good":
        return options.renew and not asked
    return options.retry or not asked


# --- asking -----------------------------------------------------------------------------------


def _ask(
    book: Book,
    subjects: Sequence[Subject],
    endpoint: Endpoint,
    options: FillOptions,
    report: FillReport,
    progress: Callable[[FillReport], None] | None,
) -> None:
    from sightread.explain.asking import Asking  # its HTTP client takes a while to load

    pace = Pace(options.per_second)
    with (
        Interrupt() as interrupt,
        Asking(endpoint, subjects, pace, options.patience, options.at_once) as asking,
    ):
        for reply in asking:
            report.requests += reply.tries
            _keep(book, reply, endpoint, report)
            if progress is not None:
                progress(report)
            if interrupt.requested and not report.interrupted:
                report.interrupted = True
                asking.stop()


def _keep(book: Book, reply: Reply, endpoint: Endpoint, report: FillReport) -> None:
    subject = reply.subject
    if reply.answer is None:
        book.fail(subject, reply.reason)
        report.failed += 1
        return
    text, verdict = judged(reply.answer, subject, must_name=True)
    book.add(
        Explanation(
            subject.name,
            text,
            endpoint.source,
            model=endpoint.model,
            prompt=prompt.VERSION,
            verdict=verdict,
            raw=_raw(reply.answer, text),
            kind=subject.kind,
        ),
        fingerprint=endpoint.fingerprint,
    )
    report.answered += verdict == "good"
    report.kept_out += verdict != "good"


def _raw(said: str, kept: str) -> str:
    raw = said.encode("utf-8", "replace").decode()[:10_000]
    return "" if raw == kept else raw
