"""What the `kwargs` of a DAG bundle mean."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.found_project import FoundProject
from gitlab_ci_provider.model.gitlab_bundle import read_bundle


def project(path: str, *topics: str, active: bool = True) -> FoundProject:
    return FoundProject(key="1", path=path, clone_url="x", topics=topics, active=active)


def test_which_projects_a_bundle_takes():
    """All topics, one of the patterns, and none of those that leave out."""
    bundle = read_bundle(
        "b", {"topics": ["ci", "prod"], "include": ["g/*"], "exclude": ["*/old-*"]}
    )
    taken = [
        project("g/a", "ci", "prod", "more"),
        project("g/b", "ci"),
        project("h/c", "ci", "prod"),
        project("g/sub/old-d", "ci", "prod"),
        project("g/e", "ci", "prod", active=False),
    ]

    assert [found.path for found in taken if bundle.takes(found)] == ["g/a"]


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"group": ["a"]}, "the DAG bundle 'b' has no group: it takes gitlab_conn_id, groups"),
        ({"groups": "a"}, r"kwargs of the DAG bundle 'b': Expected `array`.*groups"),
        ({"sync_interval": "soon"}, "Expected `int`.*sync_interval"),
    ],
)
def test_kwargs_that_are_wrong_are_named(kwargs: dict[str, object], words: str):
    """Nothing is ignored."""
    with pytest.raises(SettingsError, match=words):
        read_bundle("b", kwargs)


def test_without_an_api_only_urls_are_read():
    """Groups, projects and topics are asked for by the API."""
    assert not read_bundle("b", {"urls": ["https://x/y.git"]}).asks_api
    assert read_bundle("b", {"urls": ["https://x/y.git"], "groups": ["g"]}).asks_api
    assert read_bundle("b", {}).asks_api
