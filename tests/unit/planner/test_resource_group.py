"""Names of resource groups, which pipelines must agree on before a job runs."""

from __future__ import annotations

from typing import Any

import pytest

from factories import make_job, make_pipeline, make_run
from gitlab_ci_provider.model.context import MergeRequest
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.planner.resource_group import resource_groups

REQUEST = MergeRequest(iid=5, source_branch="topic", target_branch="main")
FOR_REQUEST = {"source": "merge_request_event", "merge_request": REQUEST}
OF_PROJECT = (
    Variable(name="WHERE", value="eu"),
    Variable(name="SECRET", value="s3cr3t-value", masked=True),
)


@pytest.mark.parametrize(
    ("written", "run", "name"),
    [
        ("production", {}, "production"),
        ("review/$CI_COMMIT_REF_NAME", {}, "review/main"),
        ("review/$CI_MERGE_REQUEST_IID", FOR_REQUEST, "review/5"),
        ("to-$CI_MERGE_REQUEST_TARGET_BRANCH_NAME", FOR_REQUEST, "to-main"),
        ("deploy/$WHERE", {}, "deploy/eu"),
        ("deploy/$SECRET", {}, "deploy/[MASKED]"),
        ("$ABSENT", {}, None),
    ],
)
def test_names_are_expanded(written: str, run: dict[str, Any], name: str | None):
    """All that is known when the pipeline is created counts; a name without text is no group."""
    pipeline = make_pipeline(make_job("job", resource_group=written))
    record = make_run(decisions={"job": JobDecision(job="job", present=True)}, **run)

    found = resource_groups(record, pipeline, ConfiguredVariables(project=OF_PROJECT))

    assert found.get("job") == name
