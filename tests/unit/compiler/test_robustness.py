"""Whatever a file holds, compiling ends with a pipeline or with diagnostics.

`GITLAB_CI_FUZZ_SECONDS` makes the search longer than the second of a usual run, and
`GITLAB_CI_FUZZ_SEED` makes it another one. Where real files of public projects are at hand, they
are broken, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories import MemoryFiles, make_context
from gitlab_ci_provider.cli.configuration import explain, table
from gitlab_ci_provider.cli.configuration.compiled import Compiled, as_object
from gitlab_ci_provider.cli.configuration.merged import as_yaml
from gitlab_ci_provider.compiler.compile import compile_pipeline
from gitlab_ci_provider.config.defaults import ROOT_KEYS
from gitlab_ci_provider.config.keywords.job import BRIDGE_KEYS, JOB_KEYS
from gitlab_ci_provider.linter.lint import lint
from gitlab_ci_provider.rules.evaluate import decide_pipeline
from gitlab_ci_provider.rules.expression.evaluator import is_true
from gitlab_ci_provider.rules.expression.lexer import ExpressionError
from gitlab_ci_provider.rules.globs import matches

SECONDS = float(os.environ.get("GITLAB_CI_FUZZ_SECONDS", "1"))
GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*/*.yml"))
REAL = Path(__file__).parents[4] / "shared" / "conformance" / "real-public"
SEEDS = [
    *GOLDEN,
    *sorted((Path(__file__).parents[2] / "golden").glob("*/.gitlab-ci.yml")),
    *sorted(path for path in REAL.glob("*/.gitlab-ci.yml") if path.stat().st_size < 50_000),
]
CONTEXTS = (
    make_context(changed_paths=frozenset({"src/a.c"})),
    make_context(source="merge_request_event", target_branch="main"),
    make_context(source="schedule", tree_paths=frozenset({"Dockerfile", "src/a.c"})),
)
PIECES = [
    *("script", "rules", "needs", "extends", "!reference [a, b]", "<<: *x", "&x", "*x", "---"),
    *("null", "[]", "{}", "- ", ": ", "\t", "'", '"', "|", ">", "#", "$[[ inputs.a ]]", "yes"),
    *("parallel", "matrix", "trigger", "include", "spec", "inputs", "variables", "cache", "0x"),
    *("stage", "stages", "default", "workflow", "only", "environment", "[[[[", "}}}}", "\x00"),
]


def _everywhere(content: bytes) -> MemoryFiles:
    """A repository in which each file that is asked for has the same content."""
    return MemoryFiles({"a.yml": content, "dir/b.yml": content}, otherwise=content)


def _compile(content: bytes) -> None:
    context = CONTEXTS[len(content) % len(CONTEXTS)]
    result = compile_pipeline(_everywhere(content), context)
    if result.config:
        lint(result.config)
        as_yaml(result.config.tree)
    if result.pipeline is None:
        assert result.diagnostics
        return
    decision = decide_pipeline(result.pipeline, context)
    compiled = Compiled(context, result, decision, result.diagnostics)
    json.dumps(as_object(compiled))
    list(table.lines(compiled))
    for name in list(result.pipeline.jobs)[:3]:
        list(explain.lines(compiled, name))


def _mutate(content: bytes, chance: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.randrange(20))
        kind = chance.randrange(4)
        if kind == 0:
            del data[start:end]
        elif kind == 1:
            data[start:start] = chance.choice(PIECES).encode()
        elif kind == 2:
            data[start:start] = data[end : end + chance.randrange(60)]
        elif data:
            data[min(start, len(data) - 1)] = chance.randrange(256)
    return bytes(data)


def test_mutated_files_never_crash():
    """Broken copies of the golden files give diagnostics, never an exception."""
    chance = random.Random(os.environ.get("GITLAB_CI_FUZZ_SEED", "1"))
    seeds = [path.read_bytes() for path in SEEDS]
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        content = _mutate(chance.choice(seeds), chance)
        try:
            _compile(content)
        except Exception as error:  # noqa: BLE001 - any exception is what is looked for
            pytest.fail(f"{type(error).__name__}: {error}\n{content!r}")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_KEYWORDS = st.sampled_from(sorted({*JOB_KEYS, *BRIDGE_KEYS, *ROOT_KEYS, "spec"}))


@settings(
    max_examples=int(50 * SECONDS),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(st.dictionaries(_KEYWORDS, _VALUES, max_size=5), st.dictionaries(_KEYWORDS, _VALUES))
def test_any_value_of_any_keyword(job: dict[str, object], top: dict[str, object]):
    """Every keyword, in a job and at the top, takes every value without an exception."""
    import yaml

    _compile(yaml.safe_dump({**top, "job": {"script": "x", **job}}, allow_unicode=True).encode())


@given(st.text(alphabet="$ABab /\\=~!&|()'\"nul.*+[]{}?", max_size=40))
def test_any_expression(text: str):
    """An expression is true, false or wrong, whatever it holds."""
    with contextlib.suppress(ExpressionError):
        assert is_true(text, {"A": "a", "B": "/b/"}) in (True, False)


@given(st.text(alphabet="ab*?[]{},/\\!^-.", max_size=30), st.text(alphabet="ab/.", max_size=10))
def test_any_glob(pattern: str, path: str):
    """A glob matches or not, whatever it holds."""
    assert matches(pattern, path) in (True, False)
