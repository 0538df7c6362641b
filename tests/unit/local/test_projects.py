"""Repositories that the stack can run, and those that it cannot."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from e2e.embedded import make_repository
from gitlab_ci_provider.exceptions import GitlabCiError, StackError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.projects import add_project


@pytest.mark.parametrize("location", ["http://[/project", "/no/such/folder"])
def test_what_is_no_address_is_left_to_the_sync(tmp_path: Path, location: str):
    """Its message says what is wrong, without a traceback."""
    with suppress(GitlabCiError):
        assert not add_project(Home(tmp_path / "home"), location).ok


@pytest.mark.parametrize("spelling", ["{}", "file://{}"])
def test_a_repository_in_the_folder_of_the_stack_is_refused(tmp_path: Path, spelling: str):
    """Jobs cannot see that folder, so that their clone would fail; the message says what to do."""
    home = Home(tmp_path / "home")
    inside = home.path / "sub" / "project"
    make_repository(inside, {".gitlab-ci.yml": "job: {script: 'true'}"})

    with pytest.raises(StackError, match="hidden from jobs: move the repository"):
        add_project(home, spelling.format(inside))
