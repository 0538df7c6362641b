"""What is said before a run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from factories import make_job, make_pipeline, make_variables
from gitlab_ci_provider.cli.display import starting
from gitlab_ci_provider.cli.display.summary import missed_image
from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.local.stack import lifecycle as stack
from gitlab_ci_provider.model.image import Image
from servers.repositories import commit, make_repository

CONFIG = """
variables: {NODE: 20}
unit: {script: 'true', image: "node:$NODE"}
build: {script: 'true', image: {name: gcc}}
again: {script: 'true', image: node:20}
plain: {script: 'true'}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit; no stack can be started for it."""
    folder = tmp_path / "shop"
    make_repository(folder, {".gitlab-ci.yml": CONFIG})

    def refuse(*_: object) -> bool:
        raise AssertionError("no stack may be started")

    monkeypatch.setenv("GITLAB_DAGS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(stack, "spawn_stack", refuse)
    monkeypatch.setattr(starting, "_READ_FIRST_SECONDS", 600)  # however slow this machine is
    return folder


@pytest.mark.parametrize("flag", ["--job", "--manual", "--follow"])
def test_an_unknown_job_is_said_before_anything_is_started(
    repository: Path, capsys: pytest.CaptureFixture[str], flag: str
):
    """With what may have been meant."""
    assert main(["run", str(repository), flag, "unti"]) == 1
    assert "no job named 'unti'; did you mean 'unit'?" in capsys.readouterr().err


def test_services_that_cannot_run_here_are_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Before anything is started, not when their jobs fail."""
    services = "[redis:7, {name: web, command: [serve]}, {name: db, entrypoint: [db]}]"
    commit(repository, {".gitlab-ci.yml": f"unit: {{script: x, services: {services}}}"}, "x")
    monkeypatch.setattr(stack, "spawn_stack", lambda *_: False)
    monkeypatch.setattr(stack, "wait_for_stack", lambda *_: sys.exit(9))

    with pytest.raises(SystemExit):
        main(["run", str(repository)])

    assert "their jobs fail: redis:7 of unit" in capsys.readouterr().err.splitlines()[-1]


def test_images_are_named_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """One line for all jobs, with the variables of the file in their place."""
    monkeypatch.setattr(stack, "spawn_stack", lambda *_: False)
    monkeypatch.setattr(stack, "wait_for_stack", lambda *_: sys.exit(9))

    with pytest.raises(SystemExit):
        main(["run", str(repository)])

    expected = "images are not used: jobs run with this machine's programs, not node:20, gcc"
    assert capsys.readouterr().err.splitlines() == [expected]


def test_the_first_problems_of_many_stay_on_the_screen(
    repository: Path, capsys: pytest.CaptureFixture[str]
):
    """The first one is often the cause; `lint` lists all."""
    jobs = "".join(f"job-{number:02}: {{script: x, stage: nowhere}}\n" for number in range(25))
    commit(repository, {".gitlab-ci.yml": jobs}, "two")

    main(["run", str(repository)])

    lines = capsys.readouterr().err.splitlines()
    assert "job-00 job" in lines[0]
    assert lines[20:] == ["and 5 more; `gitlab-dags lint` lists all"]


def test_a_broken_file_starts_nothing(repository: Path, capsys: pytest.CaptureFixture[str]):
    """Its errors are printed, and given as JSON to who wants that."""
    commit(repository, {".gitlab-ci.yml": "unit: {scrip: 'true'}\n"}, "two")

    assert main(["run", str(repository), "--json"]) == 1

    said = capsys.readouterr()
    assert '"status": "error"' in said.out
    assert "scrip" in said.out
    assert said.err.count("unit config") == 1


def lint(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what `lint` says next to its findings."""
    assert main(["lint", str(folder), str(folder), "--format", "json"]) == 0
    said = capsys.readouterr()
    assert "not used" not in said.out
    return said.err.splitlines()


def test_lint_names_images_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """One line for all paths, apart from the findings, which hold on every machine."""
    monkeypatch.setenv("GITLAB_CI_CLUSTER_RUNTIME", "process")

    said = lint(repository, capsys)

    assert len(said) == 1
    assert "images are not used" in said[0]
    assert said[0].endswith("not node:20, gcc")


def test_lint_does_not_guess_whether_an_engine_works(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Where one may be, only a start can tell."""
    monkeypatch.setenv("GITLAB_CI_CLUSTER_RUNTIME", "auto")
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/docker.sock")

    assert lint(repository, capsys) == []


def test_a_failed_job_says_which_image_it_missed():
    """With the variables of its file in their place; a job without an image missed none."""
    image = Image(name="node:$NODE")
    job = make_job("unit", image=image, variables=make_variables(NODE="20"))
    pipeline = make_pipeline(job, make_job("plain"))

    assert list(missed_image(pipeline, "unit")) == [
        "    its image was not used: it ran with this machine's programs, not node:20"
    ]
    assert list(missed_image(pipeline, "plain")) == []
