"""Where an installation has its runners from."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.runners import load_runners, places
from gitlab_ci_provider.settings import Settings

TEXT = "runners: [{name: a, tags: [x], namespace: ci}, {name: b, connection: other}]"


def test_without_a_file_one_runner_takes_every_job():
    """An installation that knows nothing of runners works as before."""
    (runner,) = load_runners(Settings(home=Path("x"), helper_image="helper:1", namespace="jobs"))

    assert runner.any_tags
    assert (runner.namespace, runner.image, runner.helper_image) == (
        "jobs",
        "debian:12",
        "helper:1",
    )


def test_runners_of_a_file_inherit_the_settings(tmp_path: Path):
    """What a runner does not say is as in the settings, but it does not take every job."""
    path = tmp_path / "runners.yml"
    path.write_text(TEXT)
    runners = load_runners(Settings(home=tmp_path, runners_file=path, default_image="ruby:3"))

    assert [(one.name, one.image, one.any_tags) for one in runners] == [
        ("a", "ruby:3", False),
        ("b", "ruby:3", False),
    ]
    assert places(runners) == (("gitlab_ci_kubernetes", "ci"), ("other", ""))


def test_runners_may_be_in_an_airflow_variable(monkeypatch: pytest.MonkeyPatch):
    """People who may not change files on the workers can change runners."""
    monkeypatch.setenv("AIRFLOW_VAR_RUNNERS", TEXT)
    runners = load_runners(Settings(home=Path("x"), runners_variable="runners"))

    assert [runner.name for runner in runners] == ["a", "b"]


@pytest.mark.parametrize("text", [None, "runners: [{nam: a}]"])
def test_runners_that_cannot_be_read_fail_the_job(tmp_path: Path, text: str | None):
    """A job never falls back to a runner that nobody meant; the message says file and line."""
    path = tmp_path / "runners.yml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemFailure, match=r"runners\.yml") as failure:
        load_runners(Settings(home=tmp_path, runners_file=path))

    assert failure.value.reason is FailureReason.RUNNER_CONFIGURATION_ERROR
