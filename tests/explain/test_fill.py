"""The book is filled: nothing is lost, nobody is asked twice, whatever the endpoint does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from benchmarks.faulty_endpoint import FAULTS, FaultyEndpoint, describe

from sightread.errors import ExplanationError
from sightread.explain import Book, Subject
from sightread.explain.endpoint import Endpoint
from sightread.explain.fill import FillOptions, FillReport, by_hand, fill
from sightread.explain.glossary import Entries, Entry
from sightread.explain.pace import Pace, Patience

QUICK = Patience(tries=4, first_s=0.002, longest_s=0.01)


def subjects(count: int) -> list[Subject]:
    return [Subject(f"Entity {number:05d}") for number in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "explanations.sqlite"


def filled(
    path: Path,
    some: list[Subject],
    server: FaultyEndpoint,
    *,
    key: str = "",
    timeout_s: float = 20.0,
    **more: object,
) -> FillReport:
    endpoint = Endpoint(server.url, "tiny", key=key, timeout_s=timeout_s)
    options = FillOptions(patience=QUICK, **more)  # type: ignore[arg-type]
    with Book.open(path, write=True) as book:
        return fill(book, some, endpoint=endpoint, options=options)


def test_each_is_asked_once(path: Path) -> None:
    some = [*subjects(5), Subject("ENTITY 00000"), Subject("entity, 00001")]
    with FaultyEndpoint() as server:
        first = filled(path, some, server)
        again = filled(path, some, server)
    assert (first.subjects, first.to_ask, first.answered, first.requests) == (5, 5, 5, 5)
    assert (again.known, again.to_ask, again.requests) == (5, 0, 0)
    assert set(server.answered.values()) == {1}
    with Book.open(path) as book:
        found = book.find(Subject("entity 00003"))
    assert found is not None
    assert found.text == describe("Entity 00003")
    assert (found.source, found.model, found.prompt) == (f"endpoint {server.url}", "tiny", "1")


def test_through_all_faults(path: Path) -> None:
    some = subjects(60)
    with FaultyEndpoint(share=0.4, faults=(*FAULTS, "cut", "500"), slow_s=2.0) as server:
        runs = 0
        # Longer than a busy machine needs, or a whole answer would be called late.
        while filled(path, some, server, at_once=32, timeout_s=1.5).to_ask:
            runs += 1
            assert runs < 6, "it does not come to an end"
        given = dict(server.given)
    assert set(server.answered.values()) == {1}
    assert len(server.answered) == 60
    assert min(given[fault] for fault in FAULTS) > 0
    with Book.open(path) as book:
        assert len(book) == 60
        assert book.unanswered() == []
        assert all(one.verdict == "good" for one in book.all())


def test_a_killed_run_goes_on(path: Path) -> None:
    some = subjects(80)
    code = (
        "import sys\n"
        "from sightread.explain import Book, Subject\n"
        "from sightread.explain.endpoint import Endpoint\n"
        "from sightread.explain.fill import FillOptions, fill\n"
        "some = [Subject(f'Entity {n:05d}') for n in range(80)]\n"
        "with Book.open(sys.argv[1], write=True) as book:\n"
        "    fill(book, some, endpoint=Endpoint(sys.argv[2], 'tiny'),\n"
        "         options=FillOptions(at_once=4))\n"
    )
    with FaultyEndpoint(share=1.0, faults=("late",), slow_s=0.01) as server:
        process = subprocess.Popen([sys.executable, "-c", code, str(path), server.url])
        while len(server.answered) < 20:
            time.sleep(0.005)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        time.sleep(0.05)
        with Book.open(path) as book:
            kept = {one.name for one in book.all()}
        before = server.answered.copy()
        assert filled(path, some, server).known == len(kept)
    assert len(server.answered) == 80
    # What was in the book was not asked for again; at most what was on its way was.
    twice = {name for name, count in server.answered.items() if count > 1}
    assert not twice & kept
    assert len(twice) <= 4
    assert len(before) - len(kept) <= 4


def test_ctrl_c_keeps_what_is_on_its_way(path: Path) -> None:
    some = subjects(200)
    with FaultyEndpoint(share=1.0, faults=("late",), slow_s=0.02) as server:

        def press() -> None:
            while len(server.answered) < 6:
                time.sleep(0.005)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=press).start()
        report = filled(path, some, server)
        assert report.interrupted
        assert 6 <= report.answered < 200
        with Book.open(path) as book:
            assert len(book) == report.answered == len(server.answered)
        rest = filled(path, some, server, at_once=16)
    assert (rest.answered, set(server.answered.values())) == (200 - report.answered, {1})


def test_what_the_gates_keep_out_is_kept_and_not_asked_again(path: Path) -> None:
    said = {
        "Entity 00000": "unknown",
        "Entity 00001": "",
        "Entity 00002": "A brown dog.",
        "Entity 00003": "Entity 00003 " + "and so on " * 40,
    }
    with FaultyEndpoint(say=lambda name: said.get(name, describe(name))) as server:
        report = filled(path, subjects(5), server)
        assert (report.answered, report.kept_out) == (1, 4)
        assert filled(path, subjects(5), server).to_ask == 0
        with Book.open(path) as book:
            verdicts = {one.name: (one.verdict, one.raw) for one in book.all()}
        assert verdicts["Entity 00000"] == ("refused", "")
        assert verdicts["Entity 00001"] == ("empty", "")
        assert verdicts["Entity 00002"] == ("off topic", "")
        assert verdicts["Entity 00003"][0] == "too long"
        said.clear()
        assert filled(path, subjects(5), server, retry=True).answered == 4
    with Book.open(path) as book:
        assert {one.verdict for one in book.all()} == {"good"}


def test_another_model_is_asked_on_demand_alone(path: Path) -> None:
    with FaultyEndpoint() as server, Book.open(path, write=True) as book:
        fill(book, subjects(3), endpoint=Endpoint(server.url, "a"))
        book.add(by_hand(Subject("Entity 00002"), "Blue."))
        other = Endpoint(server.url, "b")
        assert fill(book, subjects(3), endpoint=other).to_ask == 0
        renewing = FillOptions(renew=True)
        assert fill(book, subjects(3), endpoint=other, options=renewing).answered == 2
        assert fill(book, subjects(3), endpoint=other, options=renewing).to_ask == 0
        assert [one.model for one in book.all()] == ["b", "b", ""]


def test_counting_asks_nobody(path: Path) -> None:
    with FaultyEndpoint() as server:
        report = filled(path, subjects(7), server, only_count=True, most=5)
    assert (report.to_ask, report.requests, server.times) == (5, 0, [])
    assert len(Book.open(path)) == 0


def test_a_limit_is_kept_and_the_rest_comes_later(path: Path) -> None:
    with FaultyEndpoint() as server:
        assert filled(path, subjects(7), server, most=5).answered == 5
        assert filled(path, subjects(7), server, most=5).answered == 2


def test_a_wrong_key_stops_at_once(path: Path) -> None:
    with FaultyEndpoint(key="secret") as server:
        with pytest.raises(ExplanationError, match="does not accept the key"):
            filled(path, subjects(100), server, key="other", at_once=4)
        assert filled(path, subjects(3), server, key="secret").answered == 3


def test_an_endpoint_that_is_ill_is_left_alone(path: Path) -> None:
    with FaultyEndpoint(share=1.0, faults=("500",)) as server:
        with pytest.raises(ExplanationError, match=r"no answer 20 times in a row \(status 500"):
            filled(path, subjects(100), server)
        assert len(server.times) < 4 * 30
        with Book.open(path) as book:
            failures = book.unanswered()
        assert 20 <= len(failures) <= 24
        assert failures[0].reason == "status 500 (out of memory)"


def test_retry_after_holds_all_threads_back(path: Path) -> None:
    with FaultyEndpoint(share=1.0, faults=("429",), wait_s=1) as server:
        done: list[FillReport] = []
        worker = threading.Thread(target=lambda: done.append(filled(path, subjects(4), server)))
        worker.start()
        while not server.times:
            time.sleep(0.005)
        time.sleep(0.3)
        server.share = 0.0
        worker.join(10)
        times = sorted(server.times)
    # Four threads are told to wait within a moment of each other, and nobody asks before the
    # second is over.
    assert done[0].answered == 4
    assert not [at for at in times if times[0] + 0.3 < at < times[0] + 0.98]


def test_who_wants_to_be_left_alone_for_long_is(path: Path) -> None:
    with (
        FaultyEndpoint(share=1.0, faults=("429",), wait_s=3600) as server,
        pytest.raises(ExplanationError, match="wants to be left alone for 3600 s"),
    ):
        filled(path, subjects(4), server)


def test_the_rate_is_kept(path: Path) -> None:
    with FaultyEndpoint() as server:
        began = time.monotonic()
        assert filled(path, subjects(10), server, per_second=40.0).answered == 10
    assert server.times[-1] - began >= 9 / 40


def test_pauses_grow_and_differ() -> None:
    import random

    patience = Patience()
    pauses = [patience.pause_s(tried, random.Random(1)) for tried in range(1, 8)]
    longest = [1, 2, 4, 8, 16, 30, 30]
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(pauses, longest, strict=True))
    assert patience.pause_s(1, random.Random(1)) != patience.pause_s(1, random.Random(2))
    pace, stop = Pace(), threading.Event()
    pace.wait(stop)
    pace.hold(30)
    stop.set()
    began = time.monotonic()
    pace.wait(stop)
    assert time.monotonic() - began < 1


# --- what is written down -------------------------------------------------------------------


def entries(source: str = "glossary g.csv", **texts: str) -> Entries:
    found = Entries()
    for number, (name, text) in enumerate(texts.items(), start=2):
        found.add(Entry(name, text, (f"{name} the Great",), source, number))
    return found


def test_the_glossary_goes_before_the_endpoint(path: Path) -> None:
    some = [Subject("Ada"), Subject("Zorin the Great"), Subject("Bo")]
    with FaultyEndpoint() as server, Book.open(path, write=True) as book:
        endpoint = Endpoint(server.url, "tiny")
        # A glossary need not name the entity, nor be taken for a machine that refuses.
        written = entries(Ada="A woman at a loom", Zorin="Unknown to all, in blue.")
        report = fill(book, some, written=[written], endpoint=endpoint)
        assert (report.taken, report.answered, list(server.answered)) == (2, 1, ["Bo"])
        by_alias = book.find(Subject("zorin the great"))
        assert by_alias is not None
        assert (by_alias.name, by_alias.source) == ("Zorin", "glossary g.csv")
        report = fill(book, some, written=[written], endpoint=endpoint)
        assert (report.taken, report.known, report.to_ask) == (0, 3, 0)
        corrected = entries(Ada="A woman at a desk")
        assert fill(book, some, written=[corrected]).taken == 1
        assert [one.text for one in book.versions(Subject("ada"))] == [
            "A woman at a loom",
            "A woman at a desk",
        ]


def test_what_was_written_by_hand_stays(path: Path) -> None:
    with Book.open(path, write=True) as book:
        book.add(by_hand(Subject("Ada"), "By hand."))
        report = fill(book, [Subject("Ada")], written=[entries(Ada="By glossary.")])
        assert (report.known, report.taken) == (1, 0)
        found = book.find(Subject("Ada"))
        assert found is not None
        assert found.text == "By hand."


def test_a_glossary_that_is_too_long_is_kept_out(path: Path) -> None:
    with Book.open(path, write=True) as book:
        endless = entries(Ada="word " * 80)
        assert fill(book, [Subject("Ada")], written=[endless]).unfit == 1
        assert fill(book, [Subject("Ada")], written=[endless]).unfit == 1
        assert len(book.versions(Subject("Ada"))) == 1


def test_what_makes_no_sense_by_hand() -> None:
    with pytest.raises(ExplanationError, match="The explanation of Ada is empty"):
        by_hand(Subject("Ada"), " ... ")
    with pytest.raises(ExplanationError, match=r"first sentence .* too long"):
        by_hand(Subject("Ada"), "word " * 80)
    assert by_hand(Subject("Ada"), "Unknown, in blue.").verdict == "good"


def test_names_without_letters_are_left_out(path: Path) -> None:
    with Book.open(path, write=True) as book:
        report = fill(book, [Subject("&"), Subject("x" * 2000), Subject("Ada")])
    assert report.subjects == 1
    assert report.warnings[0].startswith("2 of the names have no letter")
