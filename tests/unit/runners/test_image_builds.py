"""Jobs that need a Docker daemon, on a runner that rewrites them."""

from __future__ import annotations

from factories import make_job, make_variables
from gitlab_ci_provider.image_builds.kaniko import IMAGE
from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.job import Job, Script
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.runners.image_builds import without_daemon

REWRITES = RunnerProfile(image_builds="rewrite")


def _docker_job(*script: str) -> Job:
    daemon = Service(image=Image(name="docker:28-dind"))
    image, variables = Image(name="docker:28"), make_variables(TAG="v1")
    main = Script(main=script)
    return make_job("build", image=image, services=(daemon,), script=main, variables=variables)


def _rewritten(job: Job, runner: RunnerProfile) -> tuple[Job, list[str], list[str]]:
    notes: list[str] = []
    warnings: list[str] = []
    return without_daemon(job, runner, notes.append, warnings.append), notes, warnings


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
