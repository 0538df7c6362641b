"""Every property of GitLab's CI schema is known here, when the shared copy is at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitlab_ci_provider.config.defaults import ROOT_KEYS
from gitlab_ci_provider.config.includes import locations
from gitlab_ci_provider.config.inputs import spec
from gitlab_ci_provider.config.keywords import (
    artifacts,
    cache,
    environment,
    image,
    job,
    needs,
    release,
    retry,
    rules,
    trigger,
    variables,
    workflow,
)
from gitlab_ci_provider.config.keywords.secrets import SECRET_KEYS

SHARED = Path(os.environ.get("GITLAB_CI_SHARED") or Path(__file__).parents[3] / "shared")
SCHEMA = SHARED / "conformance" / "schema" / "gitlab-ci.schema.json"

if not SCHEMA.exists():
    pytest.skip(f"no schema in {SCHEMA}", allow_module_level=True)

DEFINITIONS = json.loads(SCHEMA.read_text("utf-8"))
RULE_PATHS = ("paths", "regexp", "compare_to", "project", "ref")
NEEDS = {*needs.JOB_KEYS, *needs.PROJECT_KEYS, *needs.PIPELINE_KEYS}
KNOWN: dict[str, Collection[str]] = {
    "": {*ROOT_KEYS, "$schema", "spec", "!reference", "pages"},
    "properties/default": job.DEFAULT_NAMES,
    "properties/workflow": workflow.KEYS,
    "properties/spec": {"inputs", "component", "include"},
    "definitions/job_template": job.JOB_KEYS | job.BRIDGE_KEYS,
    "definitions/artifacts": artifacts.KEYS,
    "definitions/artifacts/properties/reports": artifacts.REPORTS,
    "definitions/cache_item": cache.KEYS,
    "definitions/cache_item/properties/key": ("files", "files_commits", "prefix"),
    "definitions/image": image.IMAGE_KEYS,
    "definitions/services": image.SERVICE_KEYS,
    "definitions/retry": ("max", "when", "exit_codes"),
    "definitions/rules": rules.JOB_RULES.keys,
    "definitions/includeRules": rules.INCLUDE_RULES.keys,
    "definitions/changes": RULE_PATHS,
    "definitions/exists": RULE_PATHS,
    "definitions/rulesNeeds": NEEDS,
    "definitions/allow_failure": ("exit_codes",),
    "definitions/globalVariables": variables.GLOBAL_DATA,
    "definitions/jobVariables": variables.JOB_DATA,
    "definitions/workflowAutoCancel": ("on_new_commit", "on_job_failure"),
    "definitions/filter": ("refs", "kubernetes", "variables", "changes"),
    "definitions/id_tokens": ("aud",),
    "definitions/secrets": SECRET_KEYS,
    "definitions/include_item": locations.KEYS,
    "definitions/baseInput": spec.INPUT_KEYS,
    "definitions/configInputs": spec.INPUT_KEYS,
    "definitions/hooks": ("pre_get_sources_script",),
    "definitions/job_template/properties/needs": NEEDS,
    "definitions/job_template/properties/release": release.KEYS,
    "definitions/job_template/properties/environment": environment.KEYS,
    "definitions/job_template/properties/trigger": {
        *trigger.PROJECT_KEYS,
        *trigger.CHILD_KEYS,
        *trigger.INCLUDE_KEYS,
    },
    "definitions/job_template/properties/inherit": ("default", "variables"),
    "definitions/job_template/properties/pages": ("publish", "path_prefix", "expire_in"),
}
"""Places of the schema, and the keys that are read there."""


def _node(path: str) -> dict[str, Any]:
    node = DEFINITIONS
    for step in path.split("/") if path else ():
        node = node[step]
    return node


def _keys(node: object) -> set[str]:
    """List the properties of a place, through its alternatives and lists, not below them."""
    if not isinstance(node, dict):
        return set()
    found = set(node.get("properties", {}))
    for word in ("oneOf", "anyOf", "allOf"):
        for one in node.get(word, []):
            found |= _keys(one)
    for word in ("items", "additionalProperties"):
        found |= _keys(node.get(word))
    for one in node.get("patternProperties", {}).values():
        found |= _keys(one)
    return found


@pytest.mark.parametrize("path", KNOWN)
def test_every_key_of_the_schema_is_read(path: str):
    """A newer schema with a new key makes this fail until the key is read or reported."""
    assert _keys(_node(path)) - set(KNOWN[path]) - {"!reference"} == set()


NOT_HONOURED = (
    *("definitions/secrets/", "definitions/step"),
    "definitions/job_template/properties/environment/properties/kubernetes",
)
"""What is below keywords that are reported as a whole."""


def _places(node: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """List all properties of the schema, and where each of them is."""
    children: Iterable[tuple[Any, Any]] = node.items() if isinstance(node, dict) else ()
    children = enumerate(node) if isinstance(node, list) else children
    for key, child in children:
        if key == "properties" and isinstance(child, dict):
            steps = [step for step in path if step not in _BETWEEN and not step.isdigit()]
            yield from (("/".join(steps), one) for one in child)
        yield from _places(child, (*path, str(key)))


_BETWEEN = {"oneOf", "anyOf", "allOf", "items", "patternProperties", ".*", "if", "then"}
_REPEATED = {"definitions/configInputs": "definitions/baseInput"}
"""Places whose keys are also listed elsewhere in the schema."""


def test_every_key_of_the_schema_has_a_sample():
    """`test_subkeys.py` looks at each of them."""
    samples = yaml.safe_load(Path(__file__).with_name("subkeys.yml").read_text("utf-8"))
    found = {
        (place or "(root)", key)
        for place, key in _places(DEFINITIONS)
        if not place.startswith(NOT_HONOURED) and key != "!reference"
    }

    def has_sample(place: str, key: str) -> bool:
        return key in {*samples.get(place, ()), *samples.get(_REPEATED.get(place, ""), ())}

    assert {one for one in found if not has_sample(*one)} == set()


def test_every_retry_reason_of_the_schema_is_known():
    """The reasons for a retry are those of the schema."""
    listed = {one["const"] for one in _node("definitions/retry_errors").get("oneOf", [])}
    listed |= set(_node("definitions/retry_errors").get("enum", []))

    assert listed - retry.REASONS == set()
    assert listed
