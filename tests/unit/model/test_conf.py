"""What a run's conf may hold: everybody who may start a run writes one."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import make_pipeline
from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.conf import check_conf
from gitlab_ci_provider.runs.form import read_form

MEGABYTES = "k" * 5_000_000
HALF = "\ud800"
REFS = {
    "long": "r" * 200_000,
    "nul": "a\0b",
    "newline": "a\nb",
    "escape": "\x1b[31mred",
    "half": f"a{HALF}",
    "space": "a b",
    "option": "--upload-pack=touch",
    "parents": "../../etc/passwd",
    "magic": "main@{1}",
    "ancestor": "main~1",
    "pattern": "refs/heads/*",
    "slash": "a//b",
    "end": "a/",
    "lock": "a.lock",
}
CONFS: dict[str, dict[str, Any]] = {
    **{f"ref {name}": {"ref": ref} for name, ref in REFS.items()},
    "numbers": {"variables": {}, "x": [0] * 2_000_000},
    "empty texts": {"merge_request": {"labels": [""] * 2_000_000}},
    "source branch": {"merge_request": {"source_branch": "a\0", "target_branch": "main"}},
    "target branch": {"merge_request": {"source_branch": "a", "target_branch": "r" * 200_000}},
    "title": {"merge_request": {"source_branch": "a", "target_branch": "b", "title": HALF}},
    "iid": {"merge_request": {"source_branch": "a", "target_branch": "b", "iid": "9" * 5000}},
    "labels": {"merge_request": {"source_branch": "a", "target_branch": "b", "labels": 5}},
    "request": {"merge_request": "x"},
    "sha": {"sha": MEGABYTES},
    "before": {"before_sha": "a\0"},
    "source": {"source": MEGABYTES},
    "key": {"variables": {MEGABYTES: "1"}},
    "name": {"variables": {"A-B": "1"}},
    "name half": {"variables": {HALF: "1"}},
    "value": {"variables": {"A": "v" * 200_000}},
    "value nul": {"variables": {"A": "a\0b"}},
    "value half": {"variables": {"A": HALF}},
    "values": {"variables": {f"A{number}": "v" * 90_000 for number in range(20)}},
    "variables": {"variables": [1]},
    "input key": {"inputs": {MEGABYTES: 1}},
    "input half": {"inputs": {"a": [{"b": HALF}]}},
    "input deep": {"inputs": json.loads('{"a":' * 100 + "1" + "}" * 100)},
    "inputs": {"inputs": "x"},
    "field": {"input_a": "a\0"},
    "job": {"jobs": [MEGABYTES]},
    "job half": {"jobs": [HALF]},
    "jobs": {"jobs": 5},
    "schedule": {"schedule": {"description": HALF}},
    "unknown": {MEGABYTES: 1},
}


@pytest.mark.parametrize("conf", CONFS.values(), ids=CONFS)
def test_what_no_run_can_have_is_refused_in_words(conf: dict[str, Any]):
    """Short ones, that any terminal and database can hold."""
    with pytest.raises(ConfigError) as refused:
        read_form(make_pipeline(), conf, scheduled=False)

    words = str(refused.value)
    assert len(words) < 1000
    assert words.isprintable()
    words.encode()


@pytest.mark.parametrize(
    "conf",
    [
        {"ref": "main"},
        {"ref": "feature/Ünïcode-1.x_#@"},
        {"ref": "refs/tags/v1.0"},
        {"ref": "HEAD"},
        {"ref": "a" * 40},
        {"ref": ""},
        {"ref": None},
        {"variables": {"A": "two\nlines\tand \x1b[31mcolours 🎉", "_1": "v" * 100_000}},
        {"inputs": {"a-b.c": [1, {"x": None}]}},
        {"jobs": ["test: [a, b]"]},
    ],
)
def test_what_a_run_can_have_is_taken(conf: dict[str, Any]):
    """Values may hold what a script can read."""
    check_conf(conf)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=8,
)
_KEYS = ("ref", "sha", "before_sha", "source", "variables", "inputs", "merge_request", "schedule")


@settings(deadline=None)  # a busy machine is not slow code
@given(st.dictionaries(st.sampled_from((*_KEYS, "jobs", "input_a", "LEVEL")), _JSON))
def test_any_conf_is_read_or_refused(conf: dict[str, Any]):
    """Nothing but words comes of whatever JSON somebody sends."""
    with suppress(ConfigError):
        read_form(make_pipeline(), conf, scheduled=False)


@pytest.mark.parametrize("flag", ["--var", "--input"])
@pytest.mark.parametrize(
    "value", ["A=\udcff", "A=a\0b", f"{MEGABYTES}=1"], ids=["half", "nul", "key"]
)
@pytest.mark.parametrize("command", ["trigger", "run", "backfill"])
def test_flags_are_checked_before_anything_is_started(
    command: str, flag: str, value: str, capsys: pytest.CaptureFixture[str]
):
    """Bytes that are no UTF-8 arrive as halves of characters."""
    more = ["--from", "main"] if command == "backfill" else []

    assert main([command, "/nowhere", *more, flag, value]) == 1

    said = capsys.readouterr().err
    assert "of the run" in said
    assert len(said) < 1000


@pytest.mark.parametrize("ref", REFS.values(), ids=REFS)
@pytest.mark.parametrize(
    "command",
    [
        ["trigger", "--ref={}"],
        ["trigger", "--tag={}"],
        ["run", "--ref={}"],
        ["backfill", "--from={}"],
    ],
    ids=" ".join,
)
def test_refs_of_flags_are_checked(
    command: list[str], ref: str, capsys: pytest.CaptureFixture[str]
):
    """Whichever command takes one."""
    name, flag = command
    if (flag, ref) == ("--tag={}", REFS["option"]):
        pytest.skip("refs/tags/--x is a ref like any other")

    assert main([name, "/nowhere", flag.format(ref)]) == 1

    said = capsys.readouterr().err
    assert "of the run" in said
    assert len(said) < 1000
