"""Expansion as GitLab's server and runner do it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from factories import make_variables
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.variables.expand import (
    MAX_LENGTH,
    expand,
    expand_all,
    expand_in_rules,
    expand_known,
    expand_on_server,
    expand_values,
)

KNOWN = make_variables(A="a", LONG_NAME="long", EMPTY="")


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"), ("$A", "a"), ("${A}b", "ab"), ("$A$A", "aa"), ("%A%", "%A%"),
        ("$UNKNOWN-", "-"), ("${UNKNOWN:-x}", ""), ("$$A", "$A"), ("$$$A", "$a"), ("$", "$"),
        ("$ 5", "$ 5"), ("$5", ""), ("%Y-%m", "%Y-%m"), ("100%", "100%"), ("$LONG_NAME.", "long."),
        ("$EMPTY", ""), ("${A", "A"), ("$A-$(date)", "a-$(date)"),
    ],
)  # fmt: skip
def test_text_of_a_job(text: str, expanded: str):
    """Unknown names vanish, `$$` is a dollar sign, `%` is nothing, as Go's os.Expand has it."""
    assert expand(text, KNOWN) == expanded


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A/$UNKNOWN", "a/$UNKNOWN"),
        ("$$A", "$a"),
        ("$$", "$$"),
        ("${A}%A%", "aa"),
        ("${X}", "${X}"),
    ],
)
def test_text_of_a_rule(text: str, expanded: str):
    """Rules leave unknown names as they are, and know no `$$`."""
    assert expand_known(text, {"A": "a"}) == expanded


def test_variables_expand_recursively_in_any_order():
    """A variable may use others that come later."""
    values = expand_values(make_variables(C="$B-c", B="$A-b", A="a"))

    assert values == {"C": "a-b-c", "B": "a-b", "A": "a"}


@pytest.mark.parametrize(
    ("value", "expanded"),
    [
        ("%A%", "a"),
        ("%%A%%", "%%A%%"),
        ("%%%A%", "%%a"),
        ("%%A%", "%%A%"),
        ("%A%%A%", "aa"),
        ("%NONE%", "%NONE%"),
        ("$$A %%", "$A %%"),
    ],
)
def test_value_of_a_variable(value: str, expanded: str):
    """GitLab's server knows `%A%` in values and leaves `%%` alone; the runner takes `$$` away."""
    assert expand_values(make_variables(A="a", B=value))["B"] == expanded


def test_text_that_the_server_reads():
    """It knows `%A%`, and neither `%%` nor `$$`."""
    assert expand_on_server("%A% $A %%A%% $$A $X.", KNOWN) == "a a %a% $a ."


def test_cycles_stay_literal():
    """References in a circle neither hang nor fail."""
    values = expand_values(make_variables(A="x$B", B="y$A", C="$C"))

    assert values["C"] == "$C"
    assert values["A"].startswith("xy")


def test_raw_variables_stay_raw_inside_others():
    """`expand: false` holds wherever the value ends up."""
    raw = replace(make_variables(RAW="$A")[0], expand=False)

    assert expand_values(Variables((*make_variables(A="a", B="<$RAW>"), raw)))["B"] == "<$A>"


def test_file_variables_give_their_path_to_others():
    """Inside another variable a file variable is the path that the runner writes it to."""
    file = replace(make_variables(KEY="content")[0], file=True)
    layers = Variables((*make_variables(CI_PROJECT_DIR="/builds/p", B="$KEY"), file))

    values = {one.name: one.value for one in expand_all(layers)}

    assert values["B"] == "/builds/p.tmp/KEY"
    assert values["KEY"] == "content"


def test_growth_is_bounded():
    """Variables that double with each level stay small."""
    layers = make_variables(**{f"V{n}": f"$V{n + 1}$V{n + 1}" for n in range(60)}, V60="0123456789")

    assert max(len(value) for value in expand_values(layers).values()) <= 2_000_000


def test_the_server_expands_values_without_the_runner():
    """In rules unknown names in values vanish, `$$` stays, files stand for their contents."""
    variables = Variables(
        [
            Variable(name="A", value="a-$B-$UNKNOWN"),
            Variable(name="B", value="b$$C%%", expand=True),
            Variable(name="RAW", value="$A", expand=False),
            Variable(name="USES_RAW", value="[$RAW]"),
            Variable(name="FILE", value="text", file=True),
            Variable(name="USES_FILE", value="$FILE"),
            Variable(name="SELF", value="x$SELF"),
        ]
    )

    found = expand_in_rules(variables)

    assert found["A"] == "a-b$$C%%-"
    assert (found["USES_RAW"], found["USES_FILE"]) == ("[$A]", "text")
    assert found["SELF"] == "x"


@pytest.mark.parametrize("by", [expand_values, expand_in_rules])
def test_values_that_refer_to_each_other_do_not_explode(
    by: Callable[[Variables], Mapping[str, str]],
):
    """Twelve levels of ten references each would be a value of a terabyte."""
    bomb = {"A0": "x" * 10, **{f"A{n}": f"$A{n - 1}" * 10 for n in range(1, 12)}}

    values = by(make_variables(**bomb))

    assert values["A4"] == "x" * 100_000
    assert max(map(len, values.values())) <= MAX_LENGTH
