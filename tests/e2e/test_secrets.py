"""Canaries for every secret, looked for in all that a stack keeps, shows and passes around."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster import seen_in_the_cluster
from e2e.embedded import Stack
from e2e.runs import Run, mark, wait_for
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.local.secrets import load_secrets
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.git_http import GitServer, git_server
from servers.repositories import make_repository

PROJECT = "team/canaries"

# What a job may do that could carry a secret somewhere: print it in many forms, trace, die, hang.
CONFIG = """
stages: [one, two]
default:
  cache: {key: k, paths: [kept/]}
  artifacts: {paths: [out/], when: always}
  before_script:
    - mkdir -p out kept && date > kept/date
    - cat /proc/[0-9]*/cmdline > out/arguments; ls -lR /gitlab-ci > out/control 2>&1
    - cat STACK/secrets.json STACK/airflow/* STACK/cluster/kubeconfig > out/stack 2>&1 || true
    - cat /gitlab-ci/plan/* > out/plan 2>&1 || true
    - git config --list --show-origin > out/git 2>&1 || true
  after_script: ['echo "after $TOKEN"', 'cat "$CERT" | base64']
pass:
  stage: one
  script:
    - echo "$TOKEN" "$GUARDED"; printf %s "$TOKEN" | base64 -w0; env; cat "$CERT"
    - python3 -c 'import json, os; print(json.dumps(dict(os.environ)))' || true
    - printf %q "$TOKEN"; export -p
fail: {stage: one, allow_failure: true, script: ['echo "$TOKEN" >&2', 'cat "$TOKEN"']}
trace:
  stage: one
  variables: {CI_DEBUG_TRACE: "true", GIT_TRACE: "1", GIT_CURL_VERBOSE: "1", GIT_TRACE_CURL: "1"}
  script: ['echo "$TOKEN"', 'test -n "$GUARDED"']
slow: {stage: one, allow_failure: true, timeout: 45 seconds, script: ['echo "$TOKEN"; sleep 600']}
attack:
  stage: one
  allow_failure: true
  variables:
    GIT_FETCH_EXTRA_FLAGS: "'--upload-pack=cat /gitlab-ci/plan/plan.json;git-upload-pack' file:///x"
  script: 'true'
hang:
  stage: one
  rules: [{if: $HANG}]
  script: ['echo "ready $TOKEN"', 'sleep 600']
later: {stage: two, script: ['cat out/git', 'echo "$TOKEN"']}
"""


@dataclass(frozen=True)
class Canaries:
    """The secrets, by what they are."""

    values: Mapping[str, str]

    def found_in(self, data: bytes) -> list[str]:
        """Name those that a text holds, plain or as base64."""
        return [
            name
            for name, value in self.values.items()
            if value.encode() in data or any(form in data for form in _base64(value))
        ]


def _base64(value: str) -> Iterator[bytes]:
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + value.encode())[4:-4]


def plant(stack: Stack, server: GitServer) -> Canaries:
    """Give the stack a secret of each kind that it does not have."""
    values = {name: secrets.token_urlsafe(24) for name in ("masked", "guarded", "file", "registry")}
    plain = [
        {"key": "TOKEN", "value": values["masked"], "masked": True},
        {"key": "GUARDED", "value": values["guarded"], "masked": True, "protected": True},
        {"key": "CERT", "value": values["file"], "variable_type": "file", "masked": True},
        {"key": "CI_REGISTRY_PASSWORD", "value": values["registry"], "masked": True},
    ]
    stack.define(PROJECT, plain)
    connection = {"connection_id": "gitlab_ci_git", "conn_type": "generic"}
    body = {**connection, "host": server.url("")[:-1], "password": server.token}
    stack.api.request("POST", "/connections", json=body)
    own = load_secrets(stack.home)
    return Canaries(
        {
            **values,
            "git": server.token,
            "admin": own.admin_password,
            "jwt": own.jwt_secret,
            "api": own.api_secret,
            "fernet": own.fernet_key,
            "s3": own.s3_secret_key,
        }
    )


@contextmanager
def arguments_of_all_processes(canaries: Canaries) -> Iterator[set[str]]:
    """Look at the command line of every process of the machine, all the time."""
    seen, ended, rounds = set[str](), threading.Event(), [0]

    def look() -> None:
        while not ended.is_set():
            rounds[0] += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    found = canaries.found_in(path.read_bytes())
                except OSError:
                    continue
                seen.update(f"{name} in the arguments of {path.parent.name}" for name in found)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
    assert rounds[0] > 10


def in_files(stack: Stack, canaries: Canaries) -> list[str]:
    """Look into all that the stack keeps, but for the files that are there to hold secrets."""
    home = stack.home
    meant = {home.secrets, home.state, home.airflow / "passwords.json"}
    found: list[str] = []
    for path in sorted(home.path.rglob("*")):
        if path not in meant and path.is_file() and not path.is_symlink():
            with suppress(FileNotFoundError):  # of another test that runs next to this one
                names = canaries.found_in(path.read_bytes())
                found += [f"{name} in {path.relative_to(home.path)}" for name in names]
    return found


def start_two(stack: Stack, url: str) -> tuple[Run, Run]:
    """Start a run, and one with a job that hangs, until somebody cancels it."""
    record = add_project(stack.home, url).record
    assert record is not None
    stack.wait_for_dag(record)
    pipeline = open_state(Settings(home=stack.home.data)).snapshots.load_pipeline(record.digest)
    whole, canceled = (
        Run(stack, pipeline, record.dag_id, stack.api.trigger(record.dag_id, conf))
        for conf in ({}, {"variables": {"HANG": "yes"}})
    )
    return whole, canceled


def job_log(run: Run, job: str) -> str:
    """Read what the first try of a job printed so far."""
    task = task_ids(run.pipeline.jobs)[job]
    path = run.stack.home.job_logs / run.dag / run.id / task / "1.log"
    return path.read_text() if path.exists() else ""


def play(stack: Stack, url: str) -> tuple[Run, Run]:
    """Run everything to its end, one run with a job that is canceled."""
    whole, canceled = start_two(stack, url)
    wait_for(lambda: "ready [MASKED]" in job_log(canceled, "hang"), 400)
    mark(stack, canceled.dag, canceled.id, task_ids(canceled.pipeline.jobs)["hang"], "failed")
    wait_for(lambda: whole.ended() and canceled.ended(), 400)
    return whole, canceled


def test_no_secret_is_anywhere(stack: Stack, tmp_path: Path):
    """Jobs that pass, fail, trace, attack, time out and are canceled leave no secret behind."""
    served, token = tmp_path / "served", secrets.token_urlsafe(24)
    config = CONFIG.replace("STACK", str(stack.home.path))
    make_repository(served / PROJECT, {".gitlab-ci.yml": config})
    with git_server(served, token=token) as server:
        canaries = plant(stack, server)
        with (
            seen_in_the_cluster(stack) as cluster,
            arguments_of_all_processes(canaries) as arguments,
        ):
            url = server.url(PROJECT).replace("//", f"//me:{token}@")
            whole, canceled = play(stack, url)

    assert {job: whole.result(job).get("failure_reason") for job in whole.pipeline.jobs} == {
        **dict.fromkeys(("pass", "trace", "later", "hang")),
        "fail": "script_failure",
        "slow": "job_execution_timeout",
        "attack": "runner_configuration_error",
    }
    assert server.users
    for job, wanted in {"pass": 8, "trace": 3, "fail": 2}.items():
        assert job_log(whole, job).count("[MASKED]") >= wanted, job_log(whole, job)
    # On a busy machine its time is over before it starts.
    _, begun, said = job_log(whole, "slow").partition(":step_script")
    assert "[MASKED]" in said or not begun
    assert "after [MASKED]" in job_log(canceled, "hang")
    assert not [text for text in cluster if canaries.found_in(text.encode())]
    assert arguments == set()
    assert in_files(stack, canaries) == []
    assert canaries.found_in(_audit_log(stack)) == []
    assert canaries.found_in(" ".join(canaries.values.values()).encode()) == [*canaries.values]


def _audit_log(stack: Stack) -> bytes:
    return json.dumps(stack.api.request("GET", "/eventLogs", params={"limit": 100})).encode()
