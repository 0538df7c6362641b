"""State in an object store that several processes use at the same time, and die with."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.records.bucket import BucketStore
from gitlab_ci_provider.records.numbers import claim
from gitlab_ci_provider.records.patience import Patience
from gitlab_ci_provider.records.store import RecordStore
from gitlab_ci_provider.storage.conditional import ConditionalObjects
from processes.waiting import wait_until
from servers.gate import gate
from servers.seaweed import Seaweed, seaweed
from store_contract import Fresh, StoreContract

pytestmark = pytest.mark.integration

PROCESSES = 4
SIZE = 300_000


def store(target: StoreTarget, seconds: float = 60) -> BucketStore:
    return BucketStore(lambda: ConditionalObjects(target), Patience(seconds=seconds))


class TestBucket(StoreContract):
    """A bucket of a real store."""

    @pytest.fixture
    def fresh(self, server: Seaweed) -> Fresh:
        """Return what makes empty stores."""
        return lambda: store(server.target())

    @pytest.fixture
    def records(self, fresh: Fresh) -> RecordStore:
        """Return an empty store."""
        return fresh()


def _create_all(place: tuple[StoreTarget, int]) -> list[int]:
    target, worker = place
    records, data = store(target), str(worker).encode()
    return [number for number in range(50) if records.create(f"once/{number}", data)]


def test_of_several_processes_one_creates_a_key(server: Seaweed):
    """Everybody else is told so, and finds what the winner has stored."""
    target = server.target()
    with ProcessPoolExecutor(PROCESSES) as pool:
        won = list(pool.map(_create_all, [(target, worker) for worker in range(PROCESSES)]))

    assert sorted(number for numbers in won for number in numbers) == list(range(50))
    records = store(target)
    for worker, numbers in enumerate(won):
        assert all(records.read(f"once/{number}") == str(worker).encode() for number in numbers)


def _claim(target: StoreTarget) -> list[int]:
    records = store(target)
    return [claim(records, "iids/", lambda number: str(number).encode()) for _ in range(15)]


def test_numbers_are_claimed_once(server: Seaweed):
    """Pipelines that start at once get different numbers, without a gap."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        claimed = list(chain.from_iterable(pool.map(_claim, [server.target()] * PROCESSES)))

    assert sorted(claimed) == list(range(1, 15 * PROCESSES + 1))


def _count(target: StoreTarget) -> None:
    records = store(target)
    for _ in range(25):
        records.update("count", lambda data: str(int(data or b"0") + 1).encode())


def test_no_process_loses_the_update_of_another(server: Seaweed):
    """Four processes count to 25 each."""
    target = server.target()
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(_count, [target] * PROCESSES))

    assert store(target).read("count") == b"100"


def _toggle(place: tuple[StoreTarget, int]) -> int:
    """Create a key and delete it by an update, again and again; returns how often it was ours."""
    target, worker = place
    records, ours = store(target), str(worker).encode()
    won = 0
    for _ in range(20):
        if records.create("lock", ours):
            assert records.update("lock", lambda data: None if data == ours else data) is None
            won += 1
    return won


def test_what_is_deleted_by_an_update_is_created_once(server: Seaweed):
    """A deletion never takes away what another process has created since."""
    target = server.target()
    with ProcessPoolExecutor(PROCESSES) as pool:
        won = list(pool.map(_toggle, [(target, worker) for worker in range(PROCESSES)]))

    assert sum(won) >= 20
    assert store(target).read("lock") is None


def _replace(place: tuple[StoreTarget, int]) -> set[tuple[int, int]]:
    target, worker = place
    records, data = store(target), bytes([worker + 65]) * SIZE
    seen: set[tuple[int, int]] = set()
    for _ in range(15):
        records.write("written", data)
        records.update("updated", lambda _: data)
        for key in ("written", "updated"):
            found = records.read(key) or b""
            seen.add((len(found), len(set(found))))
    return seen


def test_nobody_reads_half_a_value(server: Seaweed):
    """What is read is what one process has written, from the first byte to the last."""
    target = server.target()
    with ProcessPoolExecutor(PROCESSES) as pool:
        places = [(target, worker) for worker in range(PROCESSES)]
        seen = set().union(*pool.map(_replace, places))

    assert seen == {(SIZE, 1)}


def _send(target: StoreTarget, sending: Any) -> None:
    sending.set()
    while True:
        store(target).update("value", lambda _: b"n" * SIZE)
        store(target).create("created", b"n" * SIZE)


def test_a_killed_process_leaves_a_whole_value_or_none(server: Seaweed):
    """It is killed while it sends: others read what was there before, or all of the new value."""
    target = server.target()
    records = store(target)
    old, new = b"o" * SIZE, b"n" * SIZE
    context = multiprocessing.get_context("fork")
    for _ in range(5):
        records.write("value", old)
        sending = context.Event()

        process = context.Process(target=_send, args=(target, sending))
        process.start()
        sending.wait()
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()

        assert records.read("value") in {old, new}
        assert records.read("created") in {None, new}


def test_all_pages_of_a_listing_are_read(server: Seaweed):
    """A store lists at most a thousand keys at once."""
    records = store(server.target())
    names = [f"many/{number:04}" for number in range(1150)]
    for name in names:
        records.write(name, b"1")

    assert list(records.keys("many/")) == names


def test_empty_objects_are_swept(server: Seaweed):
    """What updates have deleted goes, what was made again stays."""
    records = store(server.target())
    for key in ("gone", "again"):
        records.create(key, b"1")
        records.update(key, lambda _: None)
    records.create("again", b"2")

    assert records.sweep() == 1

    assert [found.key for found in records.listed("")] == ["again"]


def _waiting(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    return thread, results


def test_an_outage_is_waited_out():
    """A store that comes back within the time is asked again, and each number is claimed once."""
    with seaweed() as own:
        target = own.target()
        assert claim(store(target), "iids/", lambda number: str(number).encode()) == 1
        own.kill()
        thread, results = _waiting(lambda: _claim(target))
        own.start()
        thread.join()

    assert results == [list(range(2, 17))]


def test_an_outage_that_lasts_is_an_error_in_words():
    """It names the object, the store and the reason."""
    gone = StoreTarget(
        bucket="b", endpoint_url="http://127.0.0.1:9", access_key="a", secret_key="b"
    )

    with pytest.raises(
        StateError, match=r"state cannot be read .* s3://b/x at http://127.0.0.1:9: "
    ):
        store(gone, seconds=0.1).read("x")


def test_wrong_keys_are_refused_at_once(server: Seaweed):
    """Waiting would not help, and the message does not hold the secret."""
    target = server.target(secret_key="WRONGSECRET99")

    with pytest.raises(StateError, match="SignatureDoesNotMatch") as refused:
        store(target).read("x")

    assert "WRONGSECRET99" not in str(refused.value)


def test_other_keys_of_the_connection_are_taken(server: Seaweed):
    """Keys are rotated while tasks run: the connection is read again when a store refuses."""
    good = server.target()
    targets = [server.target(prefix=good.prefix, secret_key="old"), good]
    records = BucketStore(lambda: ConditionalObjects(targets.pop(0)), Patience(seconds=60))

    records.write("a", b"1")

    assert store(good).read("a") == b"1"


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (400, "ExpiredToken")])
def test_a_store_that_turns_everybody_away_is_asked_again(
    server: Seaweed, status: int, code: str, caplog: pytest.LogCaptureFixture
):
    """Too many requests, and keys that have expired: both may be over in a minute."""
    with gate(server.ports["s3"]) as door:
        records = store(replace(server.target(), endpoint_url=door.url))
        door.refuse = status
        thread, results = _waiting(lambda: records.create("a", b"1"))
        wait_until(lambda: "trying again" in caplog.text, "the first refusal")
        door.refuse = 0
        thread.join()
        assert results == [True]

        door.refuse = status
        with pytest.raises(StateError, match=rf"state cannot be read or written: .*{code}"):
            store(replace(server.target(), endpoint_url=door.url), seconds=0.1).read("a")


def test_a_lost_answer_is_settled(server: Seaweed):
    """The store has created the key, but nobody heard of it: the repetition knows its own."""
    with gate(server.ports["s3"]) as door:
        records = store(replace(server.target(), endpoint_url=door.url))
        door.lose = 1
        assert records.create("a", b"1")
        assert not records.create("a", b"1")

        door.lose = 1
        assert records.update("a", lambda data: (data or b"") + b"2") == b"12"
        assert records.read("a") == b"12"
