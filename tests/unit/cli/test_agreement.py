"""Where two readings of one configuration differ."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.cli.configuration.agreement import Verdict, differences, read_merged

JOBS = {"build": {"stage": "build", "when": "on_success"}}


def verdict(merged: object, **given: Any) -> Verdict:
    return Verdict(**{"valid": True, "jobs": JOBS, "merged": merged, **given})


def told(here: Verdict, gitlab: Verdict) -> list[str]:
    return [str(difference) for difference in differences(here, gitlab)]


def test_what_gitlab_adds_is_no_difference():
    """Its merged YAML has the edge stages; `extends` and `include` have been resolved."""
    ours = {"stages": ["build"], "build": {"script": ["x"], "extends": ".a"}, "include": "a.yml"}
    theirs = '---\nbuild:\n  script:\n  - x\nstages:\n- ".pre"\n- build\n- ".post"\n'

    assert told(verdict(ours), verdict(read_merged(theirs))) == []


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        ("build: {script: [y]}", "build:script: here ['x'], in GitLab ['y']"),
        ("build: {script: [x], tags: [a]}", "build:tags: here nothing, in GitLab ['a']"),
        ("{}", "build: here {'script': ['x']}, in GitLab nothing"),
        ("- 1", "the file: here {'build': {'script': ['x']}}, in GitLab ['1']"),
    ],
)
def test_each_difference_names_its_place(theirs: str, words: str):
    """With both values, in the order of the file."""
    ours = {"build": {"script": ["x"]}}
    found = told(verdict(ours), verdict(read_merged(theirs)))

    assert found == [words.replace("'1'", "1")]


def test_jobs_are_compared_by_name_stage_and_when():
    """One that only one side has, and one in another stage."""
    theirs = {"build": {"stage": "test", "when": "manual"}, "test": {"stage": "test"}}

    assert told(verdict({}), verdict({}, jobs=theirs)) == [
        "job build: stage: here build, in GitLab test",
        "job build: when: here on_success, in GitLab manual",
        "job test: here no such job, in GitLab a job",
    ]


def test_validity_comes_first():
    """One that is refused by one side only has no other differences."""
    wrong = verdict(None, valid=False, errors=("no",))

    assert told(verdict({}), wrong) == ["the file: here valid, in GitLab not valid"]
    assert told(wrong, wrong) == []


def test_yaml_that_cannot_be_read_is_a_difference():
    """It is neither an error of ours nor agreement."""
    assert told(verdict({}), verdict(read_merged("a: [")))
