"""Versions of components, and what is missing without a server."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.gitlab import GitlabElsewhere, newest


def test_without_a_server_the_flag_is_named():
    """The message names the missing flag."""
    with pytest.raises(SourceError, match="--gitlab-url"):
        GitlabElsewhere(None).project("group/other", None)


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [("~latest", "v2.0.0"), ("1", "1.10.0"), ("1.9", "1.9.3"), ("3", ""), ("1.9.3", "1.9.3")],
)
def test_newest_release(wanted: str, tag: str):
    """Only full semantic versions count."""
    assert newest(["1.9.3", "1.10.0", "v2.0.0", "2.1", "nightly"], wanted) == tag
