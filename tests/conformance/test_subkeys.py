"""Supported means done: each key of GitLab's schema changes something, or is reported.

`subkeys.yml` has two configurations for each key that differ in it. What they mean must differ: in
errors, decisions, DAGs or plans, or in how jobs end. `test_schema.py` holds that no key is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitlab_ci_provider.model.cache import CacheKey
from processes.effects import compiled, effects

Sample = Mapping[str, Any]
SAMPLES: Mapping[str, Mapping[str, Sample]] = yaml.safe_load(
    Path(__file__).with_name("subkeys.yml").read_text("utf-8")
)
INPUT = "j: {script: ['$[[ inputs.a ]]']}"
DIGESTS = {CacheKey(files=("b",)).source: "1", CacheKey(files_commits=("b",)).source: "2"}


def _job(_: str, keywords: object) -> str:
    """Write a job with keywords, or one of another kind that these make it."""
    own = keywords if isinstance(keywords, dict) else {}
    return json.dumps({"j": {"script": ["x"], **own}})


def _release(key: str, value: object) -> str:
    return _job(key, {"release": {"tag_name": "t", "description": "d", key: value}})


WRITERS: Mapping[str, Callable[[str, object], str]] = {
    "file": lambda _, value: json.dumps(value),
    "job": _job,
    "child": lambda _, value: json.dumps({"j": value}),
    "default": lambda key, value: json.dumps({"default": {key: value}, "j": {"script": ["x"]}}),
    "spec": lambda _, value: f"spec: {json.dumps({'inputs': value})}\n---\n{INPUT}",
    "release": _release,
    "release_links": lambda _, value: _release("assets", {"links": [value]}),
    "child_include": lambda _, value: json.dumps({"j": {"trigger": {"include": [value]}}}),
    "workflow_rules": lambda _, value: json.dumps(
        {"workflow": {"rules": [value]}, "j": {"script": ["x"]}}
    ),
    "report": lambda _, value: _job("", {"artifacts": {"reports": {value: "a"}}}),
}


def _texts(key: str, sample: Sample) -> list[str]:
    for kind, write in WRITERS.items():
        if kind in sample:
            values = sample[kind] if isinstance(sample[kind], list) else [sample[kind]]
            return [write(key, value) for value in values]
    raise AssertionError(f"{key} has no sample")


def _cases(*, reported: bool) -> list[Any]:
    return [
        pytest.param(key, sample, id=f"{place}/{key}")
        for place, samples in SAMPLES.items()
        for key, sample in samples.items()
        if "none" not in sample and reported is bool({"reported", "report"} & set(sample))
    ]


@pytest.mark.parametrize(("key", "sample"), _cases(reported=False))
def test_a_supported_key_changes_something(key: str, sample: Sample):
    """Two configurations that differ in a key alone mean something else."""
    context = {"inputs": sample["as"]} if "as" in sample else {}
    one, other = (effects(text, context, digests=DIGESTS) for text in _texts(key, sample))

    assert one != other


@pytest.mark.parametrize(("key", "sample"), _cases(reported=True))
def test_a_key_that_is_not_honoured_is_reported(key: str, sample: Sample):
    """The author is told that it does nothing here."""
    word = sample.get("reported", "artifacts:reports")
    result = compiled(_texts(key, sample)[0], {})

    assert result.pipeline is not None, [str(one) for one in result.diagnostics]
    assert [one for one in result.diagnostics if word in one.message]
