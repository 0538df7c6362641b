"""Pipeline schedules of projects in which nothing else happens."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.discovery import bundle_sync
from integration.discovery.served import JOB, OTHER, TOKEN, Served
from servers.gitlab.faults import Fault

pytestmark = pytest.mark.integration

LIST = "/pipeline_schedules"


@pytest.fixture(autouse=True)
def later(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be Developer, as GitLab wants it for schedules; each refresh is long after the one before."""
    served.gitlab.world.tokens[TOKEN].levels = {"group": 30}
    monkeypatch.setattr(bundle_sync, "_SCHEDULES_AFTER", -1.0)


def schedule(number: int, cron: str) -> dict[str, Any]:
    described = {"id": number, "description": "nightly", "ref": "refs/heads/main", "cron": cron}
    return {**described, "cron_timezone": "UTC", "active": True, "variables": []}


def crons(served: Served) -> list[str]:
    return [one.cron for one in served.record("group__a").schedules]


def test_a_schedule_is_seen_though_nothing_was_pushed(served: Served):
    """A new one, one that was changed, and one that is gone; no commit is compiled for it."""
    served.refresh()
    things = served.gitlab.world.projects["group/a"].things
    seen = []

    for listed in ([schedule(5, "1 2 * * *")], [schedule(5, "3 4 * * *")], []):
        things["pipeline_schedules"] = listed
        assert served.refresh().results == ()
        seen.append(crons(served))

    assert seen == [["1 2 * * *"], ["3 4 * * *"], []]


def test_what_has_not_changed_writes_nothing(served: Served):
    """A new version of the DAG would be parsed for nothing."""
    served.gitlab.world.projects["group/a"].things["pipeline_schedules"] = [
        schedule(5, "1 2 * * *")
    ]
    served.refresh()
    before = served.state.snapshots.dag_versions()

    served.refresh()

    assert served.state.snapshots.dag_versions() == before


def test_few_projects_are_asked_in_each_refresh(served: Served, monkeypatch: pytest.MonkeyPatch):
    """Those first that have waited for longest: none waits for ever."""
    for number in range(4):
        served.gitlab.world.add_project(f"group/p{number}", {".gitlab-ci.yml": JOB})
    served.refresh()
    monkeypatch.setattr(bundle_sync, "_SCHEDULES_AT_ONCE", 2)
    asked: list[str] = []

    for _ in range(3):
        served.gitlab.requests.clear()
        served.refresh()
        asked += [request for request in served.gitlab.requests if LIST in request]

    assert len(asked) == len(set(asked)) == 6


@pytest.mark.parametrize("status", [403, 500])
def test_a_refusal_changes_no_schedule(served: Served, status: int):
    """Nor does it end the refresh, or ask for the others in vain."""
    served.gitlab.world.projects["group/a"].things["pipeline_schedules"] = [
        schedule(5, "1 2 * * *")
    ]
    served.refresh()
    sha = served.gitlab.world.projects["group/sub/deep/b"].push({".gitlab-ci.yml": OTHER})
    served.gitlab.requests.clear()
    served.gitlab.faults.order(Fault(LIST, -1, status=status))

    served.refresh()

    assert crons(served) == ["1 2 * * *"]
    assert served.record("group__sub__deep__b").ref.sha == sha
    assert sum(LIST in request for request in served.gitlab.requests) == 2, "one for the commit"


def test_the_time_between_two_questions(served: Served, monkeypatch: pytest.MonkeyPatch):
    """Minutes: a refresh of what has not changed is a request for each page."""
    monkeypatch.setattr(bundle_sync, "_SCHEDULES_AFTER", 300.0)
    served.gitlab.requests.clear()
    served.refresh()
    assert sum(LIST in request for request in served.gitlab.requests) == 2
    served.gitlab.requests.clear()

    served.refresh()

    assert not any(LIST in request for request in served.gitlab.requests)
