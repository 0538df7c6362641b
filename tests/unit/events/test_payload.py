"""What the body of a webhook means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factories import make_job, make_pipeline
from gitlab_ci_provider.events.payload import IgnoredEventError, read_event
from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.webhook_event import WebhookEvent
from gitlab_ci_provider.runs.form import read_form
from servers.gitlab.webhooks import NOTHING, merge_request_event, push_event
from servers.gitlab.world import Project

OLD, NEW = "a" * 40, "b" * 40
PROJECT = Project(7, "group/sub/app", Path(), Path())
PIPELINE = make_pipeline(make_job("test"))


def read(body: dict[str, Any]) -> WebhookEvent:
    return read_event(body, "id", "https://gitlab.example.com", 0)


def test_a_push_becomes_a_run_for_its_commit():
    """The run knows the commits before and after it, its source and who pushed."""
    event = read(push_event(PROJECT, "refs/heads/main", OLD, NEW))
    form = read_form(PIPELINE, event.conf, scheduled=False)

    assert (form.ref, form.sha, form.before_sha) == ("refs/heads/main", NEW, OLD)
    assert (form.source, form.skip, event.user) == ("push", False, "jsmith")
    assert (event.project, event.label) == ("group/sub/app", "main")


def test_the_address_of_the_repository_is_that_of_the_connection():
    """Our login does not go where the body says."""
    event = read(push_event(PROJECT, "refs/heads/main", OLD, NEW))

    assert event.clone_url == "https://gitlab.example.com/group/sub/app.git"


def test_push_options_reach_the_run():
    """`git push -o ci.skip -o ci.variable=A=1=2 -o ci.input=i=x`, as GitLab sends them."""
    options = {"ci": {"skip": True, "variable": {"A=1=2": 1}, "input": {"i=x": 1}}}
    event = read(push_event(PROJECT, "refs/heads/main", OLD, NEW, options))
    form = read_form(PIPELINE, event.conf, scheduled=False)

    assert form.skip
    assert [(found.name, found.value) for found in form.variables] == [("A", "1=2")]
    assert form.inputs == {"i": "x"}


def test_an_annotated_tag_runs_its_commit():
    """`after` is the ID of the tag, `checkout_sha` that of the commit; nothing came before."""
    body = push_event(PROJECT, "refs/tags/v1", NOTHING, OLD) | {"checkout_sha": NEW}
    event = read(body)

    assert event.conf["sha"] == NEW
    assert event.ref == "refs/tags/v1"
    assert "before_sha" not in event.conf


def test_a_deleted_branch_starts_nothing():
    """The project is synced, and the reason is in words."""
    event = read(push_event(PROJECT, "refs/heads/topic", OLD, NOTHING))

    assert event.why_no_run == "the branch topic was deleted"
    assert (event.ref, event.conf) == ("", {})


def test_a_merge_request_becomes_a_run_of_its_head():
    """What rules can see of it comes along."""
    event = read(merge_request_event(PROJECT, NEW, description="x" * 9000, draft=True))
    form = read_form(PIPELINE, event.conf, scheduled=False)

    assert form.source == "merge_request_event"
    request = form.merge_request
    assert request is not None
    assert (request.iid, request.source_branch, request.target_branch) == (1, "topic", "main")
    assert (request.labels, request.draft, len(request.description)) == (("api",), True, 2700)
    assert (form.sha, event.ref, event.label) == (NEW, "refs/heads/topic", "mr-1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"action": "approved"}, "no new commits"),
        ({"action": "update"}, "no new commits"),
        ({"action": "merge"}, "no new commits"),
        ({"source_project_id": 8}, "from a fork"),
    ],
)
def test_what_starts_no_merge_request_pipeline(change: dict[str, Any], words: str):
    """Only new commits do, and not those of a fork."""
    with pytest.raises(IgnoredEventError, match=words):
        read(merge_request_event(PROJECT, NEW, **change))


def test_new_commits_of_a_merge_request_start_a_pipeline():
    """GitLab then names the commit before them."""
    assert read(merge_request_event(PROJECT, NEW, action="update", oldrev=OLD)).conf["sha"] == NEW


def test_other_events_are_ignored_in_words():
    """Their kind is quoted, and not at length."""
    with pytest.raises(IgnoredEventError, match="'pipeline' are not used"):
        read({"object_kind": "pipeline"})
    with pytest.raises(IgnoredEventError, match=r"\(100000 characters\)"):
        read({"object_kind": "x" * 100_000})


@pytest.mark.parametrize(
    "change",
    [
        {"project": {"path_with_namespace": "../../etc"}},
        {"project": {"path_with_namespace": "group"}},
        {"project": {"path_with_namespace": "g/p?x=@evil.example.com"}},
        {"project": "g/p"},
        {"ref": "main"},
        {"ref": "refs/heads/"},
        {"ref": "refs/heads/a b"},
        {"ref": "refs/heads/../x"},
        {"ref": ["refs/heads/main"]},
        {"before": "xyz"},
        {"checkout_sha": "--upload-pack=x"},
        {"push_options": {"ci": {"variable": {"A B=1": 1}}}},
        {"push_options": {"ci": "skip"}},
    ],
)
def test_a_hostile_body_is_refused(change: dict[str, Any]):
    """It is an error in words, never an exception of another kind."""
    with pytest.raises(ConfigError):
        read(push_event(PROJECT, "refs/heads/main", OLD, NEW) | change)


@pytest.mark.parametrize(
    "change", [{"labels": 5}, {"labels": "api"}, {"labels": [{"title": 5}]}, {"user": "me"}]
)
def test_a_hostile_merge_request_is_refused(change: dict[str, Any]):
    """As a push is."""
    with pytest.raises(ConfigError):
        read(merge_request_event(PROJECT, NEW) | change)


def test_the_name_of_a_person_fits_airflows_database():
    """And no terminal or database has to take a control character."""
    name = "\0\x1b[2J" + "u" * 1000

    for body in (
        push_event(PROJECT, "refs/heads/main", OLD, NEW) | {"user_username": name},
        merge_request_event(PROJECT, NEW) | {"user": {"username": name}},
    ):
        user = read(body).user
        assert user.isprintable()
        assert len(user) < 512
