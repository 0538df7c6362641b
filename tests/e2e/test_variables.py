"""Variables of a project, secrets among them, and variables that jobs hand on."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from contextlib import suppress
from pathlib import Path

from e2e.cluster import seen_in_the_cluster
from e2e.embedded import Stack, commit, make_repository
from e2e.runs import ended, raw_log, start, wait_for
from gitlab_ci_provider.hooks.project_settings import VARIABLE
from servers.repositories import git

CONFIG = """
stages: [one, two]
use:
  stage: one
  variables: {COMPOSED: "<$TOKEN>", RAW: {value: "$TOKEN $$", expand: false}, DOLLAR: "a$$b"}
  script:
    - echo "token $TOKEN composed $COMPOSED"
    - printf %s "$TOKEN" | sha256sum
    - printf %s "$RAW" | sha256sum
    - echo "guarded ${GUARDED:-nobody} dollar $DOLLAR"
    - echo "file $CERT says $(cat "$CERT")"
    - printf %s "$TOKEN" | base64
    - echo "VERSION=1.2" > build.env
    - echo "COPY=$TOKEN" >> build.env
  artifacts: {reports: {dotenv: build.env}}
later:
  stage: two
  variables: {FROM_DOTENV: "v$VERSION"}
  script:
    - echo "got $FROM_DOTENV"
    - printf %s "$COPY" | sha256sum
without:
  stage: two
  needs: [{job: use, artifacts: false}]
  script: echo "got ${VERSION:-nothing}"
scoped:
  stage: two
  environment: {name: review/a}
  script: echo "scope $SCOPE"
ruled: {stage: two, script: 'true', rules: [{if: $REGION == "eu-1"}]}
wrong:
  {stage: two, script: 'true', allow_failure: true, variables: {GIT_SUBMODULE_STRATEGY: $TOKEN}}
"""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def files_with(folder: Path, value: str) -> list[Path]:
    """Find files that hold a value, plain or as base64."""
    wanted = (value.encode(), base64.b64encode(value.encode())[:-4])
    found = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError, IsADirectoryError):  # the stack is at work in its folders
            content = path.read_bytes()
            found += [path] if any(text in content for text in wanted) else []
    return found


def test_variables_reach_jobs_and_secrets_nothing_else(stack: Stack, tmp_path: Path):
    """Masked, protected, file and scoped variables and dotenv; a secret is in no log or record."""
    token = secrets.token_urlsafe(24)
    repository = make_repository(tmp_path / "secretive", {".gitlab-ci.yml": CONFIG})
    stack.define(
        "local/secretive",
        [
            {"key": "TOKEN", "value": token, "masked": True},
            {"key": "GUARDED", "value": "guard", "protected": True},
            {"key": "CERT", "value": "line 1\nline 2", "variable_type": "file"},
            {"key": "REGION", "value": "eu-1"},
            {"key": "SCOPE", "value": "any", "environment_scope": "*"},
            {"key": "SCOPE", "value": "review", "environment_scope": "review/*"},
        ],
    )

    with seen_in_the_cluster(stack) as seen:
        report = stack.run(repository, "--logs-dir", str(tmp_path / "logs"))

    logs = {path.stem: path.read_text() for path in (tmp_path / "logs").iterdir()}
    assert {name: job["status"] for name, job in report["jobs"].items()} == {
        **dict.fromkeys(("use", "later", "without", "scoped", "ruled"), "success"),
        "wrong": "failed",
    }
    assert "\ntoken [MASKED] composed <[MASKED]>\n" in logs["use"]
    assert f"\n{digest(token)}  -\n" in logs["use"]
    assert f"\n{digest('$TOKEN $$')}  -\n" in logs["use"]
    assert "\nguarded guard dollar a$b\n" in logs["use"]
    path = "/builds/local/secretive.tmp/CERT"
    assert f"\nfile {path} says line 1\nline 2\n" in logs["use"]
    assert "\ngot v1.2\n" in logs["later"]
    assert f"\n{digest(token)}  -\n" in logs["later"]
    assert "\ngot nothing\n" in logs["without"]
    assert "\nscope review\n" in logs["scoped"]
    assert "GIT_SUBMODULE_STRATEGY is '[MASKED]'" in report["jobs"]["wrong"]["reason"]
    assert len(seen) > 10
    assert not [text for text in seen if token in text]
    for folder in (stack.home.airflow, stack.home.data, stack.home.job_logs, stack.home.logs):
        assert files_with(folder, token) == []


GUARDED = """
job:
  rules: [{when: always}]
  script: 'echo "guarded ${GUARDED:-nobody} ${OPEN:-nobody}"'
"""


def test_protected_variables_are_for_protected_refs(stack: Stack, tmp_path: Path):
    """No run's conf makes a branch a protected one, or a person a bridge; the branch itself is."""
    repository = make_repository(tmp_path / "guarded", {".gitlab-ci.yml": GUARDED})
    git(repository, "checkout", "-q", "-b", "feature")
    sha = git(commit(repository, {"a": "b"}), "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "main")
    stack.define(
        "local/guarded",
        [{"key": "GUARDED", "value": "guard", "protected": True}, {"key": "OPEN", "value": "open"}],
    )
    request = {"iid": 1, "source_branch": "main", "target_branch": "main"}
    above = {"project": "local/guarded", "ref": "main", "source": "push", "pipeline": 1}
    upstream = {"job": "child", "task": "child", "ancestors": [{**above, "dag": "d", "run": "r"}]}

    dag, whole = start(stack, repository)
    confs = (
        {"ref": "feature"},
        {"ref": "main", "sha": sha},
        {"sha": sha, "merge_request": request},
    )
    forged = [stack.api.trigger(dag, conf) for conf in confs]
    claimed = stack.api.trigger(dag, {"upstream": upstream})
    wait_for(lambda: all(ended(stack, dag, run) for run in (whole, *forged, claimed)))

    assert "guarded guard open\n" in raw_log(stack, dag, whole, "job")
    for run in forged:
        assert "guarded nobody open\n" in raw_log(stack, dag, run, "job")
    assert stack.api.run_state(dag, claimed) == "failed"
    assert raw_log(stack, dag, claimed, "job") == ""
    assert "is for `trigger:` jobs only" in (stack.note({"dag_id": dag, "run_id": claimed}) or "")


LIBRARY = """
make:
  script: [echo "$TOKEN" > made, 'echo "HANDED=$TOKEN" > made.env']
  artifacts: {paths: [made], reports: {dotenv: made.env}}
"""
TAKING = """
use:
  needs: [{project: local/library, ref: main, job: make, artifacts: true}]
  script: [cat made, 'echo "handed $HANDED"', base64 made]
"""


def test_what_another_project_masks_is_hidden(stack: Stack, tmp_path: Path):
    """Its artifacts and dotenv variables hold a value that this project does not know."""
    token = secrets.token_urlsafe(24)
    library = make_repository(tmp_path / "library", {".gitlab-ci.yml": LIBRARY})
    taking = make_repository(tmp_path / "taking", {".gitlab-ci.yml": TAKING})
    stack.define("local/library", [{"key": "TOKEN", "value": token, "masked": True}])
    scope = {"local/library": {"job_token_scope": {"allowlist": ["local/taking"]}}}
    stack.api.request("POST", "/variables", json={"key": VARIABLE, "value": json.dumps(scope)})

    made = stack.run(library)
    report = stack.run(taking, "--logs-dir", str(tmp_path / "logs"))
    stack.api.request("DELETE", f"/variables/{VARIABLE}")

    log = (tmp_path / "logs" / "use.log").read_text()
    assert (made["status"], report["status"]) == ("passed", "passed")
    assert "\n[MASKED]\n" in log
    assert "handed [MASKED]\n" in log
    for folder in (stack.home.airflow, stack.home.data, stack.home.job_logs, tmp_path / "logs"):
        assert files_with(folder, token) == []
