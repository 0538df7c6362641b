"""What a person, a schedule or an API call asks of one run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from factories import make_pipeline
from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.context import MergeRequest
from gitlab_ci_provider.model.pipeline import PipelineInput
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.runs.form import read_form

PIPELINE = make_pipeline(
    variables=Variables(
        [
            Variable(name="LEVEL", value="low", description="how much", options=("low", "high")),
            Variable(name="INNER", value="x"),
        ]
    )
)


def test_an_untouched_field_is_no_pipeline_variable():
    """A field left at the file's value must not win over variables of jobs."""
    assert read_form(PIPELINE, {"LEVEL": "low"}, scheduled=False).variables == ()


def test_a_changed_field_is_a_pipeline_variable():
    """What a person fills in wins over the file."""
    form = read_form(PIPELINE, {"LEVEL": "high"}, scheduled=False)

    assert form.variables == (Variable(name="LEVEL", value="high"),)


def test_an_emptied_field_is_empty():
    """A field that was emptied comes as null and means the empty text."""
    form = read_form(PIPELINE, {"LEVEL": None}, scheduled=False)

    assert form.variables == (Variable(name="LEVEL", value=""),)


def test_free_variables_are_texts():
    """Numbers and booleans of the JSON become what a script would see."""
    form = read_form(PIPELINE, {"variables": {"A": 1, "B": True}}, scheduled=False)

    assert [(one.name, one.value) for one in form.variables] == [("A", "1"), ("B", "true")]


def test_a_scheduled_run_has_the_source_schedule():
    """CI_PIPELINE_SOURCE of a scheduled run is `schedule`, whatever the form's default says."""
    assert read_form(PIPELINE, {"source": "web"}, scheduled=True).source == "schedule"


def test_a_merge_request_makes_its_source():
    """Nobody has to say twice that a pipeline is for a merge request."""
    request = {"iid": "5", "source_branch": "topic", "target_branch": "main", "labels": ["a"]}

    form = read_form(PIPELINE, {"merge_request": request, "source": "web"}, scheduled=False)

    assert form.source == "merge_request_event"
    assert form.merge_request == MergeRequest(
        iid=5, source_branch="topic", target_branch="main", labels=("a",)
    )


def test_a_schedule_makes_its_source():
    """A run that some scheduler starts tells the description of the schedule."""
    form = read_form(PIPELINE, {"schedule": {"description": "nightly"}}, scheduled=False)

    assert (form.source, form.schedule) == ("schedule", "nightly")


def test_zeros_before_a_push_mean_a_new_ref():
    """Webhooks tell of a new branch with a commit id of zeros."""
    form = read_form(PIPELINE, {"before_sha": "0" * 40, "sha": "a" * 40}, scheduled=False)

    assert (form.before_sha, form.sha) == ("", "a" * 40)


def test_inputs_come_from_fields_and_from_the_conf():
    """A field that was left alone is not given: the commit's own default counts."""
    inputs = (
        PipelineInput(name="a", type="number", required=False, default=1),
        PipelineInput(name="b"),
        PipelineInput(name="c", type="boolean", required=False, default=True),
    )
    params = {"input_a": 1, "input_b": None, "input_c": False, "inputs": {"b": "x"}}

    form = read_form(replace(PIPELINE, inputs=inputs), params, scheduled=False)

    assert form.inputs == {"c": False, "b": "x"}


@pytest.mark.parametrize(
    "params",
    [
        {"variables": "A=1"},
        {"source": "nowhere"},
        {"source": "merge_request_event"},
        {"merge_request": {"iid": 1}},
        {"merge_request": {"iid": "1; rm", "source_branch": "a", "target_branch": "b"}},
        {"merge_request": [1]},
        {"sha": "--upload-pack=evil"},
        {"before_sha": "main"},
        {"inputs": ["a"]},
    ],
)
def test_what_cannot_be_read_is_refused(params: dict[str, Any]):
    """A form that means nothing is an error in words."""
    with pytest.raises(ConfigError):
        read_form(PIPELINE, params, scheduled=False)
