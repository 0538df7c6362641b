"""What a `trigger:` job hands to the pipeline that it creates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from factories import RUN, make_plan_request, make_variables, with_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.bridge import Ancestor, Bridge
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.planner.downstream import ancestor, check_lineage, plan_downstream

SIMPLE = Bridge()


def forwarded(bridge: Bridge = SIMPLE, **given: Any) -> dict[str, str]:
    plan = plan_downstream(make_plan_request(**given), bridge)
    return {one.name: one.value for one in plan.variables}


def test_the_variables_of_the_file_are_forwarded_expanded():
    """The other pipeline cannot know what the names in a value mean here."""
    job = with_variables(UPSTREAM="$CI_COMMIT_REF_NAME of $CI_PIPELINE_ID", PLAIN="x")

    assert forwarded(job=job) == {"UPSTREAM": "main of 7", "PLAIN": "x"}


def test_what_only_a_running_job_has_is_empty():
    """A bridge never runs, so that GitLab's job-level variables do not exist for it."""
    job = with_variables(MINE="<$CI_JOB_ID$CI_JOB_URL$CI_PROJECT_DIR>")

    assert forwarded(job=job) == {"MINE": "<>"}


def test_a_raw_variable_stays_raw():
    """`expand: false` holds downstream, too."""
    raw = Variables([Variable(name="RAW", value="$CI_PIPELINE_ID", expand=False)])
    job = replace(with_variables(), variables=raw, own_variables=raw)

    plan = plan_downstream(make_plan_request(job=job), Bridge())

    assert plan.variables == raw


@pytest.mark.parametrize(
    ("yaml", "pipeline", "expected"),
    [
        (True, False, {"A": "file"}),
        (False, True, {"A": "form", "B": "form", "C": "dotenv"}),
        (True, True, {"A": "form", "B": "form", "C": "dotenv"}),
        (False, False, {}),
    ],
)
def test_forward_chooses(yaml: bool, pipeline: bool, expected: dict[str, str]):
    """`forward:` chooses between the file's and the pipeline's variables; the latter win."""
    bridge = Bridge(forward_yaml_variables=yaml, forward_pipeline_variables=pipeline)
    run = replace(RUN, variables=make_variables(A="form", B="form"))
    dotenv = make_variables(B="dotenv", C="dotenv")

    found = forwarded(bridge, run=run, job=with_variables(A="file"), dotenv=dotenv)

    assert found == expected


def test_a_secret_is_handed_on_by_its_name():
    """Nothing that is masked here gets into the other run's conf, however deep it is wrapped."""
    secret = Variable(name="TOKEN", value="s3cret-token", masked=True)
    run = replace(RUN, variables=Variables([secret]))
    job = with_variables(
        WRAPPED="key=$TOKEN", TWICE="${WRAPPED}@$CI_PIPELINE_ID", WINDOWS="%TOKEN% %WRAPPED%"
    )

    assert forwarded(run=run, job=job) == {
        "WRAPPED": "key=$TOKEN",
        "TWICE": "${WRAPPED}@7",
        "WINDOWS": "%TOKEN% %WRAPPED%",
    }


def test_project_and_branch_may_be_variables():
    """GitLab expands both."""
    bridge = Bridge(project="group/$APP", branch="$CI_COMMIT_REF_NAME-next")

    plan = plan_downstream(make_plan_request(job=with_variables(APP="shop")), bridge)

    assert (plan.project, plan.ref) == ("group/shop", "main-next")


def lineage(*pipelines: tuple[str, bool]) -> tuple[Ancestor, ...]:
    return tuple(
        Ancestor(project=project, ref="main", source="x", pipeline=1, dag="d", run="r", child=child)
        for project, child in pipelines
    )


def refusal(pipelines: tuple[Ancestor, ...], project: str) -> str:
    with pytest.raises(SystemFailure) as caught:
        check_lineage(pipelines, project)
    return str(caught.value.reason)


def test_children_have_two_levels():
    """A grandchild may not have children; a pipeline of another project starts from zero."""
    grandchild = lineage(("a", False), ("a", True), ("a", True))

    check_lineage(grandchild[:2], "")
    check_lineage((*grandchild, *lineage(("b", False))), "")
    assert refusal(grandchild, "") == "reached_max_descendant_pipelines_depth"


def test_a_loop_of_projects_is_found():
    """The same pipeline may be twice among its ancestors, as in GitLab, not three times."""
    once = lineage(("a", False), ("b", False))

    check_lineage(once * 2, "a")
    assert refusal((*once * 2, *once[:1]), "b") == "pipeline_loop_detected"


def test_a_project_does_not_trigger_itself():
    """GitLab wants a child pipeline for that."""
    assert refusal((ancestor(RUN),), "group/project") == "invalid_bridge_trigger"
