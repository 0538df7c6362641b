"""Jobs that need a Docker daemon, on a runner that rewrites them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from factories import make_job, make_pipeline, make_plan_request, make_variables
from gitlab_ci_provider.image_builds.kaniko import IMAGE
from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.job import Job, Script
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.runners.image_builds import without_daemon

REWRITES = RunnerProfile(image_builds="rewrite")


def _docker_job(*script: str) -> Job:
    daemon = Service(image=Image(name="docker:28-dind"))
    image, variables = Image(name="docker:28"), make_variables(TAG="v1")
    main = Script(main=script)
    return make_job("build", image=image, services=(daemon,), script=main, variables=variables)


def _rewritten(job: Job, runner: RunnerProfile, **given: Any) -> tuple[Job, list[str], list[str]]:
    notes: list[str] = []
    warnings: list[str] = []
    request = make_plan_request(job, **given)
    return without_daemon(request, runner, notes.append, warnings.append), notes, warnings


def test_a_job_becomes_an_image_build():
    """The runner runs what `lint --fix` prints, and the log says so."""
    job, notes, warnings = _rewritten(_docker_job("docker build -t app:$TAG ."), REWRITES)

    assert job.image == Image(name=IMAGE, entrypoint=("",))
    assert job.services == ()
    assert job.script.main[0].startswith("/kaniko/executor ")
    assert len(notes) == 1
    assert warnings == []


def test_a_job_that_cannot_be_rewritten_stays_as_it_is():
    """Nothing changes in silence: the log has a line for each reason."""
    written = _docker_job("docker build -t app .", "docker run app test")
    job, notes, warnings = _rewritten(written, REWRITES)

    assert job is written
    assert notes == []
    assert "script, command 2: `docker run` needs a Docker daemon" in warnings[1]


def test_other_runners_and_other_jobs_change_nothing():
    """Only a runner with `image_builds: rewrite` rewrites, and only jobs for a daemon."""
    written = _docker_job("docker build -t app .")
    other = make_job("test", script=Script(main=("echo docker build",)))

    assert _rewritten(written, RunnerProfile()) == (written, [], [])
    assert _rewritten(other, REWRITES) == (other, [], [])


def test_the_runner_pins_the_image_of_kaniko():
    """A rewritten job runs in the image that the runner names, by its digest."""
    pinned = f"r.example.com/kaniko@sha256:{'0' * 64}"
    runner = RunnerProfile(image_builds="rewrite", kaniko_image=pinned)
    job, _, _ = _rewritten(_docker_job("docker build -t app ."), runner)

    assert job.image == Image(name=pinned, entrypoint=("",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOCKER_CONTENT_TRUST", "1"),
        ("DOCKER_DEFAULT_PLATFORM", "linux/arm64"),
        ("SOURCE_DATE_EPOCH", "0"),
        ("BUILDX_GIT_LABELS", "full"),
        ("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY", "policy.json"),
        ("DOCKER_BUILDKIT", "0"),
        ("DOCKER_HOST", "tcp://builder.example.com:2376"),
        ("DOCKER_HOST", "ssh://builder"),
        ("DOCKER_CONTEXT", "remote"),
        ("DOCKER_CONFIG", "/root/.docker"),
        ("DOCKER_CONFIG", "$CI_PROJECT_DIR/../../../root"),
    ],
)
@pytest.mark.parametrize("source", ["project", "pipeline", "runner"])
def test_a_variable_that_only_a_run_knows_is_heeded(name: str, value: str, source: str):
    """It changes what docker would do: the job stays as it is, and its log says which one."""
    written = _docker_job("docker build -t app .")
    runner, given = REWRITES, dict[str, Any]()
    if source == "project":
        variable = Variable(name=name, value=value)
        given["configured"] = ConfiguredVariables(project=(variable,))
    elif source == "pipeline":
        given["pipeline"] = make_pipeline(written, variables=make_variables(**{name: value}))
    else:
        runner = replace(REWRITES, environment={name: value})

    job, notes, warnings = _rewritten(written, runner, **given)

    assert job is written
    assert notes == []
    assert name in warnings[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOCKER_CONTENT_TRUST", "0"),
        ("DOCKER_CONTENT_TRUST", "false"),
        ("DOCKER_BUILDKIT", "1"),
        ("DOCKER_HOST", "tcp://docker:2376"),
        ("DOCKER_HOST", "tcp://localhost:2375"),
        ("DOCKER_HOST", "unix:///certs/client/docker.sock"),
        ("DOCKER_CONTEXT", "default"),
        ("DOCKER_CONFIG", "$CI_PROJECT_DIR/.docker"),
        ("DOCKER_CONFIG", "/kaniko/.docker"),
        ("COMPOSE_FILE", "other.yml"),
    ],
)
def test_a_variable_that_changes_nothing_keeps_no_job_from_it(name: str, value: str):
    """What docker does by itself, the job's own daemon, and what no command of the job reads."""
    variable = Variable(name=name, value=value)
    configured = ConfiguredVariables(project=(variable,))

    _, _, warnings = _rewritten(
        _docker_job("docker build -t app ."), REWRITES, configured=configured
    )

    assert warnings == []


def test_what_a_variable_holds_decides_about_quotes():
    """A project's value wins over the file's: two words in it are two for docker, and one here."""
    written = _docker_job("docker build -t app:$TAG .")
    variable = Variable(name="TAG", value="v1 --no-cache s3cret", masked=True)
    configured = ConfiguredVariables(project=(variable,))

    job, _, warnings = _rewritten(written, REWRITES, configured=configured)

    assert job is written
    assert "$TAG may be several words" in warnings[1]
    assert "s3cret" not in "".join(warnings)
