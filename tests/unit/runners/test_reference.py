"""What is published about the file of runners."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.runners.file import read_runners

ROOT = Path(__file__).parents[3]


def test_schema_and_reference_page_are_fresh():
    """Both are made from the dataclasses that the file is read into; `.ci/runners` writes them."""
    done = subprocess.run(
        [ROOT / ".ci" / "runners", "--check"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_the_schema_refuses_unknown_options():
    """An editor marks what `gitlab-dags runners check` would refuse."""
    schema = json.loads((ROOT / "docs" / "reference" / "runners.schema.json").read_text("utf-8"))
    runner = schema["properties"]["runners"]["items"]

    assert runner["additionalProperties"] is False
    assert runner["properties"]["security"]["additionalProperties"] is False
    assert runner["properties"]["tags"]["oneOf"][1] == {"type": "string"}


SCHEMA = json.loads((ROOT / "docs" / "reference" / "runners.schema.json").read_text("utf-8"))
EDITOR = Draft202012Validator(SCHEMA)
VALUES: list[Any] = [
    *(5, -1, 10**12, 1.5, True, "", "x", "5", "2Gi", "4Gig", "Not a name", "always", "merge"),
    *([], ["x"], [1], [[]], [{}], {}, {"a": "b"}, {"a": 1}, {"FF_A": True}),
]
ONLY_THE_READER = {
    *("runner-kubernetes", "runner-patch", "runner-volume", "runner-cluster", "runner-service"),
    *("runner-name", "runner-takes-nothing", "runner-security"),
}
"""What is wrong with a whole, or what Kubernetes' client decides about."""

ONLY_AS_TEXT = (
    *("is not a pattern", "regular expression", "key of a label", "bucket", "a path", "printable"),
    *("name of a variable", "feature flag", "patch '"),
)


def options(schema: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """List the options of a runner, all the way down."""
    for name, option in schema["properties"].items():
        yield (*above, name)
        group = option["oneOf"][1] if "oneOf" in option else option
        if "properties" in group:
            yield from options(group, (*above, name))


def written(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Write a file whose runner says this."""
    runner: dict[str, Any] = {"name": "r", "tags": ["t"]}
    node = runner
    for name in path[:-1]:
        node = node.setdefault(name, {})
    node[path[-1]] = value
    return {"runners": [runner]}


@pytest.mark.parametrize(
    "path", list(options(SCHEMA["properties"]["runners"]["items"])), ids=".".join
)
def test_an_editor_and_the_reader_agree(path: tuple[str, ...]):
    """Of each option and each kind of value, the schema refuses what the reader refuses."""
    for value in VALUES:
        document = written(path, value)
        errors = read_runners(yaml.safe_dump(document).encode(), "r.yml", RunnerProfile()).errors
        refused = [
            error
            for error in errors
            if error.code not in ONLY_THE_READER
            and not any(words in error.message for words in ONLY_AS_TEXT)
        ]
        if EDITOR.is_valid(document):
            assert not refused, (value, refused)
        else:
            assert errors, value


def test_the_examples_are_valid_in_an_editor():
    """Nobody copies what is underlined at once."""
    assert list((ROOT / "dags" / "examples").rglob("runners.yml"))
    for path in (ROOT / "dags" / "examples").rglob("runners.yml"):
        assert not list(EDITOR.iter_errors(yaml.safe_load(path.read_text())))
