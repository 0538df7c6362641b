"""Warnings with their places, from whole files."""

from __future__ import annotations

import pytest

from factories import make_variables, try_compile
from gitlab_ci_provider.linter.checks.secrets import secret_shape
from gitlab_ci_provider.linter.checks.variables import cycle
from gitlab_ci_provider.linter.lint import lint

WORKFLOW = "workflow: {rules: [{when: always}]}\n"


def _lint(text: str) -> list[tuple[int, str]]:
    config = try_compile(text).config
    assert config is not None
    return [(one.location.line, one.code) for one in lint(config)]


def test_findings_about_rules_name_the_line_of_the_rule():
    """In a long list nobody counts to the seventh rule, and references nest lists."""
    text = """
.shared:
  rules:
    - if: $CI_COMMIT_BRANCH && $CI_COMMIT_TAG
job:
  script: x
  rules:
    - !reference [.shared, rules]
    - if: $A
    - if: $A
      changes: [a]
    - when: manual
    - if: $B
"""
    found = _lint(WORKFLOW + text)

    assert found == [
        (5, "rules-never-match"),
        (11, "rules-unreachable"),
        (14, "rules-unreachable"),
    ]


def test_shared_rule_that_comes_twice_is_no_finding():
    """Templates refer to the same list of rules: what the second copy never does, the first did."""
    text = """
.shared:
  rules:
    - if: $A
.more:
  rules:
    - !reference [.shared, rules]
    - if: $B
job:
  script: x
  rules:
    - !reference [.shared, rules]
    - !reference [.more, rules]
    - if: $B
"""
    assert _lint(WORKFLOW + text) == [(15, "rules-unreachable")]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("[{when: always}]", True),
        ("[{when: never}]", False),
        ("[{if: $CI_COMMIT_TAG}]", False),
        ('[{if: $CI_PIPELINE_SOURCE == "merge_request_event"}]', False),
        ('[{if: $CI_PIPELINE_SOURCE == "merge_request_event"}, {if: $CI_COMMIT_BRANCH}]', True),
        ("[{if: $CI_MERGE_REQUEST_IID}, {if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]", False),
        ("[{if: $CI_OPEN_MERGE_REQUESTS, when: never}, {if: $CI}]", False),
        ("[{changes: [a]}]", True),
        ("[{if: '${BROKEN}'}]", False),
    ],
)
def test_jobs_of_two_pipelines_for_one_push(rules: str, expected: bool):
    """A job in the branch pipeline and in the merge request's runs twice."""
    found = _lint(f"job:\n  script: x\n  rules: {rules}\n")

    assert ((3, "pipelines-duplicate") in found) is expected
    assert "pipelines-duplicate" not in {code for _, code in _lint(
        f"{WORKFLOW}job: {{script: x, rules: {rules}}}"
    )}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("glpat-" + "a" * 20, "a GitLab token"),
        ("curl -H 'Authorization: token ghp_" + "a" * 36 + "'", "a GitHub token"),
        ("AKIA" + "A" * 16, "an AWS access key"),
        ("AIza" + "b" * 35, "a Google API key"),
        ("https://hooks.slack.com/services/T012/B345/" + "c" * 24, "a Slack token"),
        ("npm_" + "d" * 36, "an npm token"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
        ("git clone https://oauth2:hunter2hunter2@gitlab.com/a/b", "a password in a URL"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + "e" * 20, "a signed token"),
        ("git clone https://oauth2:$TOKEN@gitlab.com/a/b", None),
        ("git clone https://oauth2:${TOKEN}@gitlab.com/a/b", None),
        ("git clone https://gitlab-ci-token:%TOKEN%@gitlab.com/a/b", None),
        ("docker login -u u -p $CI_REGISTRY_PASSWORD $CI_REGISTRY", None),
        ("image: registry.example.com:5000/a/b@sha256:" + "0" * 64, None),
        ("glpat-$TOKEN", None),
        ("echo http://localhost:8080/@scope/pkg", None),
    ],
)
def test_shapes_of_secrets(text: str, shape: str | None):
    """Secrets with a known shape are found in any text; variables are none."""
    assert secret_shape(text) == shape


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("API_TOKEN: abcdefgh12", True),
        ("API_TOKEN: {value: abcdefgh12}", True),
        ("DB_PASSWORD: hunter2hunter2", True),
        ("API_TOKEN: $OTHER_VALUE", False),
        ("API_TOKEN: short", False),
        ("API_TOKEN: ''", False),
        ("POSTGRES_PASSWORD: postgres", False),
        ("TOKEN_URL: https://example.com/token", False),
        ("ACCESS_TOKEN: /var/run/secrets/token", False),
        ("ACCESS_TOKEN: ci.some-project.access_token", False),
        ("ACCESS_TOKEN: Ci.Some-Project.2ccess", True),
        ("SECRET: two words here", False),
        ("API_KEY: changeme-please", False),
    ],
)
def test_names_of_secrets(variable: str, expected: bool):
    """A literal value of a variable that is called a secret is one."""
    found = _lint(f"{WORKFLOW}variables:\n  {variable}\njob: {{script: x}}\n")

    assert ((3, "secret-in-plain-sight") in found) is expected


def test_a_secret_that_jobs_share_is_told_once():
    """A text that comes through extends is one text, wherever it is used."""
    text = (
        f".base:\n  script: [curl glpat-{'a' * 20}]\na: {{extends: .base}}\nb: {{extends: .base}}\n"
    )

    assert _lint(WORKFLOW + text) == [(3, "secret-in-plain-sight")]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"A": "$B", "B": "$A"}, ("A", "B")),
        ({"A": "$B", "B": "x${C}", "C": "%A%", "D": "$A"}, ("A", "B", "C")),
        ({"A": "$A"}, ()),
        ({"A": "$B", "B": "$$A"}, ()),
        ({"A": "$B", "B": "$C"}, ()),
    ],
)
def test_circles_of_variables(values: dict[str, str], expected: tuple[str, ...]):
    """GitLab refuses cycles of two or more; a value may name itself."""
    assert cycle(make_variables(**values)) == expected


def test_a_circle_is_told_at_its_variable():
    """The words are GitLab's."""
    found = _lint(WORKFLOW + "variables:\n  A: $B\n  B: $A\njob: {script: x}\n")

    assert found == [(3, "variables-circular")]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("docker:dind", True),
        ("docker:28.0.1-dind", True),
        ("registry.example.com/docker:28-dind@sha256:0", True),
        ("docker:28-dind-rootless", True),
        ("$CI_REGISTRY/ubuntu-dind", True),
        ("docker:28", False),
        ("redis:7", False),
        ("example/bindind:1", False),
    ],
)
def test_docker_in_docker(service: str, expected: bool):
    """Any image of a Docker daemon needs a privileged pod."""
    found = _lint(f"{WORKFLOW}job:\n  script: x\n  services:\n    - {service}\n")

    assert ((5, "docker-in-docker") in found) is expected


def test_a_broken_rule_is_not_held_against_the_others():
    """A rule with a wrong condition is not a rule without one."""
    assert _lint(WORKFLOW + "job: {script: x, rules: [{if: '!$A'}, {if: $B}]}\n") == []


def test_inputs_of_an_unknown_type_are_linted():
    """What the file has wrong is an error of its own and no reason to stop."""
    inputs = "{verbose: {type: bool, default: false}}"

    assert _lint(f"{WORKFLOW}job: {{script: x, inputs: {inputs}}}\n") == []


def test_a_docker_command_in_a_block_has_a_line():
    """In a literal block the line is that of the command, in other scripts that of the item."""
    block = "    - |\n      echo\n      docker run x\n"
    folded = "    - >\n      docker\n      run x\n"

    assert _lint(f"{WORKFLOW}job:\n  script:\n{block}{folded}") == [
        (6, "docker-command"),
        (6, "docker-in-docker"),
        (7, "docker-command"),
    ]


def test_a_docker_command_in_a_list_of_lists_has_a_line():
    """Lists in lists are flattened; the place is that of the command."""
    found = _lint(WORKFLOW + "job:\n  script:\n    - echo\n    - [echo, [docker run x]]\n")

    assert found == [(5, "docker-command"), (5, "docker-in-docker")]


def test_variables_that_change_only_gitlab_runner_are_named_where_they_are_written():
    """Feature flags that are honoured, and variables that the runner does not read, are not."""
    text = """variables:
  FF_TIMESTAMPS: "true"
  FF_USE_GIT_NATIVE_CLONE: "true"
  LEVEL: fast
a:
  variables: {CACHE_COMPRESSION_FORMAT: zip, CACHE_COMPRESSION_LEVEL: fastest}
  script: x
"""

    assert [found for found in _lint(text) if found[1] == "runner-variable"] == [
        (2, "runner-variable"),
        (6, "runner-variable"),
    ]


@pytest.mark.parametrize(
    ("variable", "wrong"),
    [
        ("GIT_STRATEGY: pull", True),
        ("GIT_STRATEGY: empty", False),
        ("GIT_STRATEGY: $HOW", False),
        ("GIT_DEPTH: x", False),
        ("GIT_CHECKOUT: 'no'", True),
        ("GIT_SUBMODULE_STRATEGY: all", True),
        ("GIT_SUBMODULE_PATHS: ':(exclude) a'", True),
        ("GIT_CLONE_PATH: /elsewhere", True),
        ("GIT_CLEAN_FLAGS: --force", False),
        ("GIT_CLEAN_FLAGS: --upload-pack=x", True),
        ("GIT_SSL_NO_VERIFY: '1'", True),
        ("GET_SOURCES_ATTEMPTS: '11'", True),
        ("RUNNER_SCRIPT_TIMEOUT: 1 hour", True),
        ("RUNNER_SCRIPT_TIMEOUT: 1h", False),
        ("ARTIFACT_COMPRESSION_LEVEL: best", True),
        ("CACHE_COMPRESSION_LEVEL: slowest", False),
        ("TRANSFER_METER_FREQUENCY: often", True),
        ("CI_DEBUG_TRACE: 'yes'", True),
        ("CACHE_REQUEST_TIMEOUT: {value: never}", True),
        ("MINE: 'yes'", False),
    ],
)
def test_values_that_the_runner_cannot_read_are_found(variable: str, wrong: bool):
    """Where they are written, unless only the job knows the value."""
    job = f"a: {{script: x, variables: {{{variable}}}}}\n"
    for text, line in ((f"variables:\n  {variable}\na: {{script: x}}\n", 2), (job, 1)):
        found = [place for place, code in _lint(text) if code == "runner-variable-value"]

        assert found == ([line] if wrong else [])
