"""`gitlab-dags run` through a real Airflow on the embedded stack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.embedded import Stack, commit, make_repository
from e2e.logs import log_lines
from e2e.runs import wait_for
from servers.repositories import git

FAILING = """
stages: [build, test, deploy]
compile:
  stage: build
  script:
    - mkdir out
    - echo made > out/file
  artifacts:
    paths: [out/]
unit:
  stage: test
  script:
    - cat out/file
    - echo "about to fail"
    - sh -c 'exit 42'
    - echo never
  after_script:
    - echo "after $CI_JOB_STATUS"
ship:
  stage: deploy
  script: echo never
rescue:
  stage: deploy
  script: echo "rescuing"
  when: on_failure
"""


def test_a_failing_job_stops_later_stages_and_starts_on_failure(stack: Stack, tmp_path: Path):
    """A failed job fails the pipeline, later stages are skipped, `on_failure` jobs run."""
    repository = make_repository(tmp_path / "failing", {".gitlab-ci.yml": FAILING})

    report = stack.run(repository, "--logs-dir", str(tmp_path / "logs"))

    status = {name: job["status"] for name, job in report["jobs"].items()}
    assert report["status"] == "failed"
    assert status == {
        "compile": "success",
        "unit": "failed",
        "ship": "skipped",
        "rescue": "success",
    }
    assert report["jobs"]["unit"]["exit_code"] == 42
    assert "'unit' failed" in report["jobs"]["ship"]["reason"]
    log = (tmp_path / "logs" / "unit.log").read_text()
    assert "made\n" in log
    assert "never\n" not in log.replace("echo never\n", "")
    assert "after failed\n" in log


def test_the_terminal_shows_the_end_of_a_failing_log(stack: Stack, tmp_path: Path):
    """A person sees the failing job's last lines, why others did not run, and the result."""
    repository = make_repository(tmp_path / "shown", {".gitlab-ci.yml": FAILING})

    done = stack.command("run", stack.address(repository))

    assert done.returncode == 1
    assert "about to fail" in done.stderr
    assert "ship was skipped: when: on_success, but 'unit' failed" in done.stderr
    assert "pipeline failed" in done.stderr


def test_artifacts_are_unpacked_though_the_pipeline_fails(stack: Stack, tmp_path: Path):
    """`--artifacts-to` is for them above all."""
    if stack.place:
        pytest.skip("the command reads the folder of the embedded store")
    repository = make_repository(tmp_path / "unpacked", {".gitlab-ci.yml": FAILING})

    done = stack.command("run", str(repository), "--artifacts-to", str(tmp_path / "artifacts"))

    assert done.returncode == 1
    assert (tmp_path / "artifacts" / "compile" / "out" / "file").read_text() == "made\n"


RULES = """
stages: [one, two]
variables:
  LEVEL:
    description: how much
    value: low
    options: [low, high]
always: {stage: one, script: echo "level $LEVEL free $FREE"}
high-only:
  stage: one
  script: 'true'
  rules:
    - if: $LEVEL == "high"
flaky: {stage: one, script: exit 3, allow_failure: true}
by-hand: {stage: two, script: 'true', when: manual}
braces: {stage: two, script: "echo '{{ ds }} {% if %} $CI_JOB_NAME'"}
"""


def test_rules_warnings_and_manual_jobs(stack: Stack, tmp_path: Path):
    """A job that rules leave out is absent, an unplayed one manual, an allowed failure warns."""
    repository = make_repository(tmp_path / "rules", {".gitlab-ci.yml": RULES})

    report = stack.run(repository, "--var", "FREE=text", "--logs-dir", str(tmp_path / "logs"))

    assert (report["status"], report["warnings"]) == ("passed", True)
    assert {name: job["status"] for name, job in report["jobs"].items()} == {
        "always": "success",
        "high-only": "absent",
        "flaky": "failed",
        "by-hand": "manual",
        "braces": "success",
    }
    assert report["jobs"]["flaky"]["allowed_failure"]
    assert "level low free text\n" in (tmp_path / "logs" / "always.log").read_text()
    assert "{{ ds }} {% if %} $CI_JOB_NAME\n" in (tmp_path / "logs" / "braces.log").read_text()


def test_variables_decide_about_rules(stack: Stack, tmp_path: Path):
    """A pipeline variable wins over the file's value, in rules and in scripts."""
    repository = make_repository(tmp_path / "vars", {".gitlab-ci.yml": RULES})

    report = stack.run(repository, "--var", "LEVEL=high", "--job", "high-only")

    assert report["jobs"]["high-only"]["status"] == "success"
    assert report["jobs"]["always"]["status"] == "absent"


CACHED = """
job:
  script:
    - if [ -f .cache/seen ]; then echo "cache hit"; else echo "cache miss"; fi
    - mkdir -p .cache && touch .cache/seen
  cache: {key: one, paths: [.cache/]}
"""


def test_includes_depend_on_the_run(stack: Stack, tmp_path: Path):
    """With the variable there are jobs, in another DAG than that of the ref, which is followed."""
    files = {
        ".gitlab-ci.yml": "include: [{local: more.yml, rules: [{if: $MORE}]}]\n",
        "more.yml": "more: {script: echo more}\n",
    }
    repository = make_repository(tmp_path / "including", files)

    without, included = stack.run(repository), stack.run(repository, "--var", "MORE=1")

    assert (without["status"], without["jobs"]) == ("skipped", {})
    assert included["status"] == "passed"
    assert {name: job["status"] for name, job in included["jobs"].items()} == {"more": "success"}


def test_the_second_run_finds_the_cache(stack: Stack, tmp_path: Path):
    """What a job caches is there in the next pipeline."""
    repository = make_repository(tmp_path / "cached", {".gitlab-ci.yml": CACHED})
    logs = tmp_path / "logs"

    stack.run(repository, "--logs-dir", str(logs))
    first = (logs / "job.log").read_text()
    stack.run(repository, "--logs-dir", str(logs))
    second = (logs / "job.log").read_text()

    assert "cache miss\n" in first
    assert "cache hit\n" in second


def test_a_cleared_cache_is_not_found(stack: Stack, tmp_path: Path):
    """The command lists what the job has saved, and for which ref; then the key is another."""
    if stack.place:
        pytest.skip("the command asks the store of the embedded stack")
    repository = make_repository(tmp_path / "cleared", {".gitlab-ci.yml": CACHED})
    logs = tmp_path / "logs"
    stack.run(repository, "--logs-dir", str(logs))

    listed = stack.command("cache", "list", str(repository), "--json")
    cleared = stack.command("cache", "clear", str(repository))
    stack.run(repository, "--logs-dir", str(logs))

    (cache,) = json.loads(listed.stdout)["caches"]
    assert (cache["ref"], cache["job"], cache["key"][:4]) == ("main", "job", "one-")
    assert "cleared 1 of 1" in cleared.stderr
    assert "cache miss\n" in (logs / "job.log").read_text()


def test_a_ref_runs_its_own_commit(stack: Stack, tmp_path: Path):
    """`--ref` runs the commit of that branch or tag; at a depth of 0 all others are known, too."""
    config = """
job:
  variables: {GIT_DEPTH: "0"}
  script: [cat version, "git diff origin/main...HEAD", 'git show origin/main:version']
"""
    repository = make_repository(tmp_path / "refs", {".gitlab-ci.yml": config, "version": "one\n"})
    git(repository, "tag", "v1")
    commit(repository, {"version": "two\n"})
    logs = tmp_path / "logs"

    report = stack.run(repository, "--ref", "v1", "--logs-dir", str(logs))

    assert report["status"] == "passed"
    assert "\none\n" in (logs / "job.log").read_text()
    assert "\ntwo\n" in (logs / "job.log").read_text()


def test_nothing_is_left_of_a_run(stack: Stack, tmp_path: Path):
    """After a run no pod remains."""
    repository = make_repository(tmp_path / "clean", {".gitlab-ci.yml": "job: {script: 'true'}\n"})

    stack.run(repository)

    wait_for(lambda: stack.pods(repository) == [])


def test_retry_runs_a_job_again(stack: Stack, tmp_path: Path):
    """`retry: 1` runs a failing job twice; a cache tells the second try that it is one."""
    config = """
job:
  script: test -f again || { touch again; exit 9; }
  retry: 1
  cache: {key: tries, paths: [again], when: always}
"""
    repository = make_repository(tmp_path / "retry", {".gitlab-ci.yml": config})

    report = stack.run(repository)

    assert report["jobs"]["job"]["status"] == "success"


def test_a_timeout_fails_the_job_with_its_reason(stack: Stack, tmp_path: Path):
    """A job that runs longer than `timeout` is stopped and says so."""
    config = "slow: {script: sleep 600, timeout: 3 seconds}\n"
    repository = make_repository(tmp_path / "slow", {".gitlab-ci.yml": config})

    report = stack.run(repository)

    assert report["jobs"]["slow"]["status"] == "failed"
    assert "timeout of 3 s" in report["jobs"]["slow"]["reason"]
    wait_for(lambda: stack.pods(repository) == [])


LEFT_OUT = """
stages: [build, test, deploy, notify]
build:
  stage: build
  script:
    - sleep 6
    - echo built > built
  artifacts:
    paths: [built]
never-test: {stage: test, script: "false", rules: [{if: $NEVER}]}
deploy:
  stage: deploy
  script: cat built
never-notify: {stage: notify, script: "false", rules: [{if: $NEVER}]}
tied:
  stage: build
  script: cat knot
  rules: [{needs: [knot]}]
knot:
  stage: build
  script: [sleep 3, echo tied > knot]
  artifacts: {paths: [knot]}
  rules: [{if: $NEVER, needs: [tied]}, {when: always}]
"""


def test_stages_that_rules_leave_out_let_nobody_pass(stack: Stack, tmp_path: Path):
    """Jobs and the end of the run wait for earlier stages, also across stages with no jobs.

    So does a job whose need cannot be an edge of the DAG, as another rule could turn it around.
    """
    repository = make_repository(tmp_path / "left-out", {".gitlab-ci.yml": LEFT_OUT})

    report = stack.run(repository)

    status = {name: job["status"] for name, job in report["jobs"].items()}
    assert report["status"] == "passed"
    assert {name: status[name] for name in ("build", "deploy", "knot", "tied")} == dict.fromkeys(
        ("build", "deploy", "knot", "tied"), "success"
    )
    tied = stack.api.tasks(report["dag_id"], report["run_id"])["tied"]
    log = "\n".join(log_lines(stack.api, report["dag_id"], report["run_id"], tied))
    assert "waiting for knot (deferred" in log


def test_a_failed_jobs_log_in_airflow_ends_with_its_reason(stack: Stack, tmp_path: Path):
    """One line says why, as an error; no traceback of ours stands below the script's output."""
    config = "job: {script: [echo working, exit 2]}\n"
    repository = make_repository(tmp_path / "reason", {".gitlab-ci.yml": config})

    report = stack.run(repository)

    run = f"/dags/{report['dag_id']}/dagRuns/{report['run_id']}"
    entries = stack.api.request("GET", f"{run}/taskInstances/job/logs/1")["content"]
    errors = [one["event"] for one in entries if one.get("level") == "error"]
    assert errors == ["job: exit code 2 (script_failure)"]
    assert not any(one.get("error_detail") for one in entries)


def test_a_commit_that_says_skip_ci_has_no_pipeline(stack: Stack, tmp_path: Path):
    """A push of it is skipped with that reason; who asks for the pipeline gets it."""
    repository = make_repository(tmp_path / "quiet", {".gitlab-ci.yml": "job: {script: 'true'}\n"})
    git(repository, "commit", "-q", "--amend", "-m", "change words [skip ci]")

    skipped = stack.run(repository)
    asked = stack.run(repository, "--source", "web")

    assert skipped["status"] == "skipped"
    assert "[skip ci]" in (stack.note(skipped) or "")
    assert asked["status"] == "passed"
