"""What jobs use, and taking it out of use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.model.uses import CacheUse
from gitlab_ci_provider.records.uses import Uses
from stores import STORES

DAY = 86_400
USE = CacheUse(object_key="project/p/k.tar.zst", name="k", ref="main", job="build", used_at=DAY)


@pytest.fixture(params=list(STORES))
def uses(request: pytest.FixtureRequest, tmp_path: Path) -> Uses:
    return Uses(STORES[request.param](tmp_path))


def test_the_last_use_of_a_cache_counts(uses: Uses):
    """Whichever process notes it last: clocks of machines differ."""
    later = replace(USE, job="test", used_at=2 * DAY)
    uses.note_caches([later])
    uses.note_caches([USE])

    assert uses.caches("project/p") == {USE.object_key: later}
    assert uses.caches("project/other/") == {}


def test_a_use_by_another_run_is_noted_at_once(uses: Uses):
    """Jobs of one run note the same cache once in a while only."""
    uses.note_caches([replace(USE, run="1")])
    uses.note_caches([replace(USE, run="1", job="test", used_at=DAY + 1)])
    assert uses.caches()[USE.object_key].job == "build"

    uses.note_caches([replace(USE, run="2", job="test", used_at=DAY + 2)])

    assert uses.caches()[USE.object_key].run == "2"


def test_a_cache_in_use_is_not_dropped(uses: Uses):
    """One that was used before that time is, and one that nobody has used."""
    uses.note_caches([USE])

    assert not uses.drop_cache(USE.object_key, before=DAY)
    assert uses.drop_cache(USE.object_key, before=DAY + 1)
    assert uses.drop_cache("project/p/unknown", before=DAY)
    assert uses.caches("project/p") == {}


def test_clearing_counts_by_project(uses: Uses):
    """The number becomes part of the keys; a project that was never cleared has none."""
    assert uses.cache_index("p") == 0
    assert [uses.clear_caches("p"), uses.clear_caches("p")] == [1, 2]
    assert uses.cache_index("p") == 2
    assert uses.cache_index("q") == 0


def test_artifacts_in_use_are_not_dropped(uses: Uses):
    """A job that was started with some of them may not have downloaded them yet."""
    uses.note_artifacts(7, now=DAY)

    assert not uses.drop_artifacts(7, before=DAY, now=DAY)
    assert uses.drop_artifacts(7, before=DAY + 1, now=2 * DAY)
    assert uses.drop_artifacts(8, before=DAY, now=DAY)


def test_of_a_job_and_retention_at_the_same_time_one_sees_the_other(uses: Uses):
    """Either retention finds the use, or the job was noted after the artifacts were dropped."""

    def both(pipeline: int) -> tuple[bool, float]:
        with ThreadPoolExecutor(2) as pool:
            dropped = pool.submit(uses.drop_artifacts, pipeline, 5 * DAY, 9 * DAY)
            pool.submit(uses.note_artifacts, pipeline, 8 * DAY).result()
        return dropped.result(), uses.artifacts(pipeline).pruned_at

    for pipeline in range(1, 40):
        dropped, pruned_at = both(pipeline)
        assert uses.artifacts(pipeline).used_at == 8 * DAY
        assert dropped == (pruned_at == 9 * DAY)
