"""Work that begins before its turn."""

from __future__ import annotations

import threading
from contextlib import closing
from functools import partial

import pytest

from gitlab_ci_provider.helper.in_turn import AT_ONCE, Say, in_turn


def test_results_and_words_keep_their_order():
    """Though the second is ready first, and says so first."""
    second = threading.Event()
    said: list[str] = []

    def slow(say: Say) -> int:
        assert second.wait(60)
        say("slow")
        return 1

    def quick(say: Say) -> int:
        say("quick")
        second.set()
        return 2

    with closing(in_turn([slow, quick])) as works:
        results = [work.take(said.append) for work in works]

    assert results == [1, 2]
    assert said == ["slow", "quick"]


def test_only_a_few_begin_ahead():
    """What is fetched waits on the disk: not all at once."""
    begun: list[int] = []

    def work(number: int, _: Say) -> int:
        begun.append(number)
        return number

    with closing(in_turn([partial(work, number) for number in range(9)])) as works:
        for at, ahead in enumerate(works):
            assert ahead.take(print) == at
            assert len(begun) <= at + AT_ONCE

    assert begun == sorted(begun)


def test_an_error_comes_in_its_turn():
    """The ones before it have their results; the others are not begun, or waited for."""

    def fail(_: Say) -> int:
        raise OSError("no")

    with closing(in_turn([lambda _: 1, fail, lambda _: 3])) as works:
        assert next(works).take(print) == 1
        with pytest.raises(OSError, match="no"):
            next(works).take(print)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fetch")]


def test_what_is_said_in_its_turn_is_said_at_once():
    """Retries of a fetch that is waited for are seen while they happen."""
    seen = threading.Event()

    def work(say: Say) -> bool:
        say("attempt 2")
        return seen.wait(60)

    def show(line: str) -> None:
        if line == "attempt 2":
            seen.set()

    with closing(in_turn([work])) as works:
        assert next(works).take(show)
