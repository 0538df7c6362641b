"""`${{ job.inputs.x }}` in a job."""

from __future__ import annotations

import pytest

from factories import make_job
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.cache import Cache, CacheKey
from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.planner.job_inputs import with_inputs

INPUTS = {"env": {"default": "staging", "options": ["staging", "production"]}}
USE = "${{ job.inputs.env }}"


def test_the_keywords_that_take_inputs():
    """Scripts, image, services, artifacts and cache take inputs; other keywords keep the text."""
    job = make_job(
        "deploy",
        inputs=INPUTS,
        script=Script(main=(USE,), before=(USE,), after=(USE,)),
        image=Image(name=f"tools:{USE}"),
        services=(Service(image=Image(name=USE)),),
        artifacts=Artifacts(paths=(USE,), name=USE),
        caches=(Cache(key=CacheKey(value=USE), paths=(USE,)),),
        tags=(USE,),
    )

    changed = with_inputs(job, {"env": "production"})

    assert changed.script == Script(
        main=("production",), before=("production",), after=("production",)
    )
    assert changed.image == Image(name="tools:production")
    assert changed.services[0].image.name == "production"
    assert changed.artifacts is not None
    assert (changed.artifacts.paths, changed.artifacts.name) == (("production",), "production")
    assert changed.caches[0].key.value == "production"
    assert changed.tags == (USE,)


def test_the_default_is_used_when_nothing_was_given():
    """A job that nobody asked about runs with its defaults."""
    job = make_job("deploy", inputs=INPUTS, script=Script(main=(USE,)))

    assert with_inputs(job, {}).script.main == ("staging",)


def test_a_job_without_inputs_keeps_its_text():
    """Without `inputs:` nothing is interpolated: shells may use these signs, too."""
    job = make_job("deploy", script=Script(main=("${{ whatever",)))

    assert with_inputs(job, {}) is job


@pytest.mark.parametrize(
    ("script", "given", "said"),
    [
        (USE, {"env": "nowhere"}, "not in the list of allowed options"),
        (USE, {"other": "x"}, "unknown input arguments: other"),
        ("${{ job.inputs.nope }}", {}, "failed to interpolate job inputs: attribute 'nope'"),
    ],
)
def test_what_the_runner_would_refuse(script: str, given: dict[str, object], said: str):
    """A wrong value or expression fails the job as `runner_configuration_error`."""
    job = make_job("deploy", inputs=INPUTS, script=Script(main=(script,)))

    with pytest.raises(SystemFailure, match=said) as failed:
        with_inputs(job, given)

    assert failed.value.reason == "runner_configuration_error"
