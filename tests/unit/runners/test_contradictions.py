"""Options of a runner that contradict each other."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.diagnostic import Severity
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.runners.file import RunnersFile, read_runners

MANY = 20_000


def read(text: str) -> RunnersFile:
    """Read the text of a file."""
    return read_runners(text.encode(), "runners.yml", RunnerProfile())


def found(options: str, severity: Severity) -> list[tuple[int, str]]:
    """Return lines and words of what is found in the options of a runner, which begin in line 4."""
    lines = "".join(f"    {line}\n" for line in options.splitlines())
    read_file = read(f"runners:\n  - name: a\n    tags: [x]\n{lines}")
    return [
        (problem.location.line, problem.message)
        for problem in read_file.diagnostics
        if problem.severity is severity
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("allowed_users: [0, 7]\nsecurity: {standard: restricted}", "0 cannot be allowed"),
        ("allowed_users: [0]\nsecurity: {pod: {runAsNonRoot: true}}", "0 cannot be allowed"),
        ("allowed_users: [0]\nsecurity: {build: {runAsNonRoot: true}}", "0 cannot be allowed"),
        ("image_builds: rewrite\nsecurity: {standard: restricted}", "Kaniko"),
        ("network: {dns_policy: None}", "nameservers"),
        ("resources: {pod: {limits: {ephemeral_storage: 1Gi}}}", "no ephemeral storage"),
        ("network: {host_aliases: [{ip: here, hostnames: [a]}]}", "'here' is not an address"),
        ("scheduling: {tolerations: [{key: a, operator: Exists, value: b}]}", "no value"),
        ("scheduling: {tolerations: [{value: b}]}", "must be Exists"),
        ("scheduling: {tolerations: [{key: a, tolerationSeconds: 3}]}", "NoExecute"),
    ],
)
def test_what_no_pod_could_ever_be_is_an_error(options: str, words: str):
    """Before Kubernetes refuses a job's pod, or its image never starts."""
    (problem,) = found(options, Severity.ERROR)

    assert problem[0] == 4
    assert words in problem[1]


@pytest.mark.parametrize(
    "options",
    [
        "allowed_users: [0]",
        "allowed_users: [7]\nsecurity: {standard: restricted}",
        "network: {dns_policy: None, dns_config: {nameservers: [1.1.1.1]}}",
        "network: {host_aliases: [{ip: '::1', hostnames: [a]}]}",
        "scheduling: {tolerations: [{operator: Exists}, {key: a, value: b}]}",
        "resources: {build: {limits: {memory: 64Mi}}}",
        "resources: {build: {limits: {memory: 1Gi}, max_limits: {memory: 1024Mi}}}",
        "cap_add: []\npull_policy: always\nallowed_pull_policies: [always, never]",
    ],
)
def test_what_can_be_satisfied_is_left_alone(options: str):
    """A built-in request above a limit is lowered to it, which nobody has to be told."""
    assert not [words for _, words in found(options, Severity.ERROR) if "cap_add" not in words]
    assert not found(options, Severity.WARNING)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("resources: {build: {requests: {cpu: 2}, limits: {cpu: 500m}}}", "500m is requested"),
        ("resources: {helper: {limits: {memory: 2Gi}, max_limits: {memory: 1Gi}}}", "own 2Gi"),
        ("resources: {build: {max_requests: {memory: 1Mi}}}", "below the runner's own 128Mi"),
        ("security: {cap_add: [CHOWN], cap_drop: [CHOWN]}", "cap_drop, which wins"),
        ("pull_policy: never\nallowed_pull_policies: always", "never is not in"),
        ("allowed_users: [7]\nsecurity: {build: {runAsUser: 8}}", "sets runAsUser"),
        ("allowed_groups: [7]\nsecurity: {pod: {runAsGroup: 8}}", "sets runAsGroup"),
    ],
)
def test_what_never_matters_is_a_warning(options: str, words: str):
    """The runner works, but one of its options is not what its author thinks."""
    (problem,) = found(options, Severity.WARNING)

    assert problem[0] == 4
    assert words in problem[1]


@pytest.mark.parametrize(
    ("first", "second", "never"),
    [
        ("tags: [a, b]", "tags: [a]", True),
        ("any_tags: true", "tags: [a]", True),
        ("tags: [a]", "tags: [a, b]", False),
        ("tags: [a], projects: [g/**]", "tags: [a]", False),
        ("tags: [a], projects: [g/**]", "tags: [a], projects: [g/**]", True),
        ("tags: [a]", "tags: [a], projects: [g/**]", True),
        ("tags: [a], access_level: ref_protected", "tags: [a]", False),
        ("tags: [a]", "tags: [a], run_untagged: true", False),
        ("tags: [a]", "any_tags: true", False),
    ],
)
def test_a_runner_that_gets_no_job_is_told(first: str, second: str, never: bool):
    """The first runner that takes a job gets it, so a later one may never get any."""
    said = read(f"runners:\n- {{name: one, {first}}}\n- {{name: two, {second}}}\n").diagnostics

    assert [(each.location.line, each.code) for each in said] == (
        [(3, "runner-contradiction")] if never else []
    )


def test_thousands_of_unknown_options_are_not_compared_with_all_others():
    """What was meant is looked for a hundred times: it takes long, and nobody reads more."""
    options = "".join(f"  imag{number}: x\n" for number in range(MANY))

    said = read(f"runners:\n- name: a\n  tags: x\n{options}").errors

    assert len(said) == 2001
    assert len([problem for problem in said if problem.hint]) == 100


def test_patterns_and_names_have_a_length():
    """To compile a pattern of a megabyte takes minutes; the message is not as long."""
    for option in ("allowed_images: '{}'", "name: '{}'", "overrides: {{pod_labels: '{}'}}"):
        text = option.format("a" * 1_000_000)

        (problem,) = read(f"runners:\n- tags: x\n  {text}\n").errors[-1:]

        assert problem.code == "runner-value"
        assert len(problem.message) < 200


def test_a_name_is_one_line():
    """It is in logs and in messages."""
    (problem,) = read('runners:\n- tags: x\n  name: "a\\n\\e[31m"\n').errors

    assert problem.code == "runner-value"
