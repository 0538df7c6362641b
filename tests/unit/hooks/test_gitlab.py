"""The hook of GitLab."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.gitlab import GitLabHook


def test_a_connection_that_does_not_exist_is_named():
    """In words, not as an error of ours."""
    with pytest.raises(SettingsError, match="there is no connection 'nowhere' to a GitLab"):
        _ = GitLabHook("nowhere").server
