"""The login of a private repository in a plan."""

from __future__ import annotations

from factories import make_plan_request
from gitlab_ci_provider.model.git_login import GitLogin
from gitlab_ci_provider.planner.plan import plan_job


def test_the_password_is_for_the_container_that_runs_git_only():
    """Neither the script's container nor the one after it sees it; logs hide the password."""
    planned = plan_job(make_plan_request(login=GitLogin(password="the-git-token")))

    assert planned.plan.sources is not None
    assert planned.plan.sources.username == "oauth2"
    assert planned.plan.sources.password == "the-git-token"
    assert "the-git-token" in planned.masked
    assert [name for name, text in planned.secret.items() if "the-git-token" in text] == [
        "prepare.json"
    ]
