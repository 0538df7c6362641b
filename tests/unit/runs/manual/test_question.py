"""The form of a manual job, and reading what was answered."""

from __future__ import annotations

from typing import Any

import pytest

from factories import make_job, make_variables
from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.run import Play
from gitlab_ci_provider.runs.manual.question import LEAVE, PLAY, form, has_questions, read_answer

INPUTS = {
    "target": {"default": "staging", "options": ["staging", "production"], "description": "Where"},
    "count": {"type": "number", "default": 1},
    "loud": {"type": "boolean", "default": False},
    "tags": {"type": "array", "default": ["a"]},
    "version": {"default": "v1", "regex": "^v[0-9]+$"},
}
JOB = make_job("deploy", inputs=INPUTS)


def answer(option: str = PLAY, **given: object) -> dict[str, object]:
    user = {"id": "7", "name": "ada"}
    return {"chosen_options": [option], "params_input": given, "responded_by_user": user}


def test_the_form_has_a_typed_field_for_each_input():
    """Type, default, options, pattern and description reach the form; variables come first."""
    fields = form(JOB)

    assert list(fields) == ["variables", *INPUTS]
    assert fields["target"].schema["enum"] == ["staging", "production"]
    assert fields["target"].description == "Where"
    assert [fields[name].schema["type"] for name in ("count", "loud", "tags")] == [
        "number",
        "boolean",
        "array",
    ]
    assert fields["version"].schema["pattern"] == "^v[0-9]+$"
    assert fields["tags"].value == ["a"]


def test_an_answer_names_the_player():
    """Inputs, variables and the person are read; what was not given keeps its default."""
    play = read_answer(JOB, answer(target="production", variables={"A": 1, "B": True}))

    assert play == Play(
        user_id="7",
        user_name="ada",
        inputs={"target": "production"},
        variables=make_variables(A="1", B="true"),
    )


def test_an_array_may_be_typed_as_json():
    """Arrays come from forms as JSON text."""
    play = read_answer(JOB, answer(tags='["x", "y"]'))

    assert play is not None
    assert play.inputs == {"tags": ["x", "y"]}


def test_declining_is_no_play():
    """The option to leave the job alone plays nothing, whatever the form holds."""
    assert read_answer(JOB, answer(LEAVE, target="nowhere")) is None
    assert read_answer(JOB, {}) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": "nowhere"}, "not in the list of allowed options"),
        ({"count": "two"}, "provided value is not a number"),
        ({"tags": "x, y"}, "provided value is not an array"),
        ({"version": "1"}, "does not match required RegEx"),
        ({"other": 1}, "unknown input arguments: other"),
        ({"variables": ["A=1"]}, "must be a mapping"),
    ],
)
def test_what_gitlab_would_refuse(given: dict[str, Any], said: str):
    """A wrong answer is refused with GitLab's words."""
    with pytest.raises(ConfigError, match=said):
        read_answer(JOB, answer(**given))


def test_an_input_may_be_called_variables():
    """Then the field is the input's."""
    job = make_job("deploy", inputs={"variables": {"default": "x"}})

    play = read_answer(job, answer(variables="y"))

    assert play is not None
    assert (play.inputs, play.variables) == ({"variables": "y"}, ())


def test_which_jobs_ask():
    """Inputs and a confirmation, even an empty one, are questions."""
    assert has_questions(JOB)
    assert has_questions(make_job("a", manual_confirmation="Sure?"))
    assert not has_questions(make_job("a"))
