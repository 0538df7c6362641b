"""CI/CD variables as one value."""

from __future__ import annotations

import pytest
from msgspec import ValidationError

from factories import make_job, make_variables
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.serialization import convert, decode, encode
from gitlab_ci_provider.model.variables import Variable, Variables


def test_the_stronger_variable_wins_at_the_place_of_the_first():
    """`weaker | stronger` keeps each name where it was first, with the stronger value."""
    joined = make_variables(A="1", B="1") | make_variables(C="2", A="2")

    assert list(joined.as_dict().items()) == [("A", "2"), ("B", "1"), ("C", "2")]
    assert isinstance(joined, Variables)


def test_the_last_of_equal_names_counts():
    """Lookups agree about which of two variables of a name counts."""
    doubled = Variables([*make_variables(A="1"), *make_variables(A="2")])

    assert doubled.get("A") == doubled.as_dict()["A"] == (doubled | ()).get("A") == "2"


def test_a_missing_variable_is_the_default():
    """A name that is not there gives the default, a variable without a value its empty text."""
    known = make_variables(EMPTY="")

    assert (known.get("EMPTY", "x"), known.get("OTHER", "x"), known.get("OTHER")) == ("", "x", "")


def test_masked_values_leave_out_empty_ones():
    """Masking an empty text would put the mask between all characters."""
    masked = [Variable(name="A", value="secret", masked=True), Variable(name="B", value="plain")]
    known = Variables([*masked, Variable(name="C", value="", masked=True)])

    assert known.masked_values == ("secret",)
    assert known.masked.names == {"A", "C"}


def test_variables_go_through_json_as_a_list():
    """What is read back is equal, has the lookups, and gives the same bytes again."""
    job = make_job("a", own_variables=make_variables(B="ü", A="1"))
    data = encode(job)
    read = decode(data, Job)

    assert (read, encode(read)) == (job, data)
    assert read.own_variables.get("B") == "ü"
    assert b'"own_variables":[{"name":"B"' in data


def test_what_is_no_variable_is_refused():
    """A wrong value inside of variables is an error of the whole value."""
    with pytest.raises(ValidationError):
        convert({"name": "a", "stage": "b", "own_variables": [{"name": 1}]}, Job)
