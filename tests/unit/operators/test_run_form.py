"""What a person, a schedule or an API call asks of one run."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.variables import Variable
from gitlab_ci_provider.operators.run_form import read_form

PIPELINE = Pipeline(
    stages=(),
    jobs={},
    edges={},
    variables=(
        Variable(name="LEVEL", value="low", description="how much", options=("low", "high")),
        Variable(name="INNER", value="x"),
    ),
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


@pytest.mark.parametrize("params", [{"variables": "A=1"}, {"source": "nowhere"}])
def test_what_cannot_be_read_is_refused(params):
    """A form that means nothing is an error in words."""
    with pytest.raises(ConfigError):
        read_form(PIPELINE, params, scheduled=False)
