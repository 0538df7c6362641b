"""Thirty projects of a GitLab as DAGs, on machines that share no folder, with workers of Celery.

All that is configured is a connection and a bundle. The tests use one installation, in their order.
"""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from e2e.apart import WORKERS, Apart, airflow_apart
from gitlab_ci_provider.local.processes.tree import descendants, kill_tree
from gitlab_ci_provider.model.names import child_dag_id
from processes.counter import Heard, counting
from processes.waiting import wait_until
from servers.databases import why_not
from servers.gitlab.faults import Fault
from servers.gitlab.server import GitLab, gitlab_server
from servers.gitlab.world import Project
from servers.repositories import git

TOKEN = "glpat-0123456789"
SIGNING = f"whsec_{base64.b64encode(b'0123456789abcdef0123456789abcdef').decode()}"
TRIGGER = "a-trigger-token"
TRIGGER_HASH = hashlib.sha256(TRIGGER.encode()).hexdigest()
DAG = "group__app"
PLAIN = "test: {script: 'true'}\n"
PATHS = [
    f"group/{below}p{number}"
    for below in ("", "web/", "web/deep/", "tools/")
    for number in range(7)
]
WANTED = {path.replace("/", "__") for path in [*PATHS, "group/app", "group/nightly"]}
NIGHTLY = """
nightly: {script: 'test "$GREETING $CI_PIPELINE_SOURCE" = "hello schedule"'}
"""
GREETING = {"key": "GREETING", "variable_type": "env_var", "value": "hello"}
SCHEDULE = {
    "id": 5,
    "description": "each minute",
    "ref": "refs/heads/main",
    "cron": "* * * * *",
    "cron_timezone": "UTC",
    "active": True,
    "variables": [GREETING],
}
BUNDLE = {
    "classpath": "gitlab_ci_provider.bundles.gitlab.GitLabDagBundle",
    # After the first look, only webhooks and the command tell of changes.
    "kwargs": {"groups": ["group"], "sync_interval": 3600, "refresh_interval": 1},
}

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitLab]:
    """Run a GitLab with thirty projects in nested groups, and a token that may do everything."""
    with gitlab_server(tmp_path_factory.mktemp("gitlab")) as running:
        running.world.add_token(TOKEN, admin=True)
        for path in PATHS:
            running.world.add_project(path, {".gitlab-ci.yml": PLAIN})
        nightly = running.world.add_project("group/nightly", {".gitlab-ci.yml": NIGHTLY})
        nightly.things["pipeline_schedules"] = [SCHEDULE]
        yield running


@pytest.fixture(scope="module")
def heard() -> Iterator[Heard]:
    """Hear the jobs of all tests: they share a repository."""
    with counting() as found:
        yield found


@pytest.fixture(scope="module")
def apart(
    gitlab: GitLab, heard: Heard, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Apart]:
    """Run an Airflow with PostgreSQL and two workers of Celery, connected to that GitLab."""
    connection = {
        "conn_type": "gitlab",
        "host": gitlab.url,
        "password": TOKEN,
        "extra": {"webhook_signing_token": SIGNING, "report": "jobs"},
    }
    more = {
        "AIRFLOW_CONN_GITLAB_DEFAULT": json.dumps(connection),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW_VAR_GITLAB_CI_TRIGGER_TOKENS": json.dumps({"group/app": {"bot": TRIGGER_HASH}}),
    }
    gitlab.world.add_project("group/app", config(heard, "zero"))
    with airflow_apart(tmp_path_factory.mktemp("events"), BUNDLE, more, celery=True) as running:
        url = f"{running.api.url}/gitlab-webhooks/gitlab_default"
        hook = {"id": 1, "url": url, "push_events": True, "signing_token": SIGNING, "answers": []}
        gitlab.world.groups["group"].things["hooks"] = [hook]
        wait_until(lambda: dags(running) >= WANTED, "the DAGs", pause=1)
        yield running


def config(heard: Heard, name: str) -> dict[str, str]:
    """Write a pipeline of two jobs; the first can be held."""
    first = f"{name}: {{stage: build, script: [{heard.say(name)!r}]}}\n"
    return {".gitlab-ci.yml": f"{first}after-{name}: {{stage: test, script: 'true'}}\n"}


def push(gitlab: GitLab, project: Project, files: dict[str, str], message: str = "change") -> str:
    """Commit and push through git, as a person does; the stand-in then reports it."""
    for name, text in files.items():
        (project.work / name).write_text(text)
    git(project.work, "add", "--all")
    git(project.work, "commit", "--quiet", "--message", message)
    url = f"{gitlab.url}/{project.path}.git".replace("://", f"://robot:{TOKEN}@")
    git(project.work, "push", "--quiet", url, "HEAD:main")
    return git(project.work, "rev-parse", "HEAD")


def runs(apart: Apart) -> dict[str, dict[str, Any]]:
    """List all runs by the commit that they are for; of one that was moved, the one it became."""
    found = apart.api.request("GET", "/dags/~/dagRuns")["dag_runs"]
    found.sort(key=lambda run: "moved_from" in run["conf"])
    return {run["conf"].get("sha", run["dag_run_id"]): run for run in found}


def run_for(apart: Apart, sha: str) -> dict[str, Any]:
    """Wait for the run of a commit."""
    wait_until(lambda: sha in runs(apart), f"a run for {sha}\n{apart.log('api-server')}", pause=1)
    return runs(apart)[sha]


def test_the_projects_of_a_group_appear(apart: Apart):
    """Thirty of them, in nested groups, and nothing is wrong."""
    assert len(WANTED) == 30
    assert dags(apart) == WANTED
    assert errors(apart) == []


def test_from_a_push_to_the_end_of_its_pipeline(apart: Apart, gitlab: GitLab, heard: Heard):
    """A push starts a run of its commit; a later push does not change it; a dead worker neither."""
    project = gitlab.world.projects["group/app"]

    heard.hold("one")
    first = push(gitlab, project, config(heard, "one"))
    answers = gitlab.world.groups["group"].things["hooks"][0]["answers"]
    wait_until(lambda: answers, "an answer to the webhook")
    assert [status for status, _ in answers] == [202], answers
    older = run_for(apart, first)
    heard.wait_for("one")

    second = push(gitlab, project, config(heard, "two"))
    newer = run_for(apart, second)
    heard.wait_for("two")
    _ends_well(apart, runs(apart)[second], {"two", "after-two"})

    older = runs(apart)[first]
    killed = _kill_worker_of(apart, older, "one")
    heard.release("one")
    _ends_well(apart, older, {"one", "after-one"})

    assert killed in WORKERS
    assert heard.lines["one"] == 1, "the job ran again"
    conf = older["conf"]
    assert (conf["source"], conf["ref"]) == ("push", "refs/heads/main")
    assert (newer["conf"]["before_sha"], newer["triggering_user_name"]) == (first, "jsmith")
    for sha, name in ((first, "one"), (second, "two")):
        assert _statuses(project, sha) == {
            (told, "success") for told in ("Airflow", name, f"after-{name}")
        }


def test_a_project_that_is_new_is_found_by_its_first_push(apart: Apart, gitlab: GitLab):
    """No refresh has seen it: the webhook of its group is enough."""
    project = gitlab.world.add_project("group/web/new", {".gitlab-ci.yml": PLAIN})

    sha = push(gitlab, project, {"README.md": "new"})

    _ends_well(apart, run_for(apart, sha), {"test"})
    assert "group__web__new" in dags(apart)


def test_an_edited_script_makes_no_version_of_the_dag(apart: Apart, gitlab: GitLab, heard: Heard):
    """Its run has the new script; Airflow, which shows no scripts, has nothing new to show."""
    project = gitlab.world.projects["group/web/new"]

    sha = push(gitlab, project, {".gitlab-ci.yml": f"test: {{script: [{heard.say('edited')!r}]}}"})

    _ends_well(apart, run_for(apart, sha), {"test"})
    assert heard.lines["edited"] == 1
    listed = apart.api.request("GET", "/dags/group__web__new/dagVersions")["dag_versions"]
    assert [version["version_number"] for version in listed] == [1]


def test_a_job_of_an_ended_run_runs_again_after_its_dag_has_changed(
    apart: Apart, gitlab: GitLab, heard: Heard
):
    """The DAG has other jobs now; the run is pinned to the version of the bundle that had its."""
    project, dag = gitlab.world.projects["group/web/new"], "group__web__new"
    old = next(run for run in runs(apart).values() if run["conf"].get("sha") == _head(project))
    newer = push(gitlab, project, {".gitlab-ci.yml": "other: {script: 'true'}\n"})
    _ends_well(apart, run_for(apart, newer), {"other"})
    body = {"dry_run": False, "dag_run_id": old["dag_run_id"], "task_ids": ["test"],
            "only_failed": False, "include_downstream": True}  # fmt: skip

    apart.api.request("POST", f"/dags/{dag}/clearTaskInstances", json=body)

    wait_until(lambda: heard.lines["edited"] == 2, "the job to run again", pause=1)
    _ends_well(apart, old, {"test"})
    listed = apart.api.request("GET", f"/dags/{dag}/dagVersions")["dag_versions"]
    assert len({version["bundle_version"] for version in listed}) == len(listed) == 2


def _head(project: Project) -> str:
    return git(project.work, "rev-parse", "HEAD")


def test_a_schedule_of_gitlab_starts_a_pipeline(apart: Apart):
    """The scheduler starts it in its minute, with variables that GitLab alone keeps."""

    def scheduled() -> list[dict[str, Any]]:
        return [run for run in _runs_of(apart, "group__nightly") if run["run_type"] == "scheduled"]

    wait_until(lambda: bool(scheduled()), "the scheduled run", pause=1)
    run = min(scheduled(), key=lambda run: run["logical_date"])
    _ends_well(apart, run, {"nightly"})
    record = apart.api.xcom("group__nightly", run["dag_run_id"], "create_pipeline", "pipeline")
    assert record["schedule_id"] == 5
    assert run["dag_run_id"] == f"{record['id']}-main"
    assert not record.get("variables"), record
    # Not before: Airflow starts no task of a paused DAG, not even of a run under way.
    apart.api.request("PATCH", "/dags/group__nightly", json={"is_paused": True})


def test_a_child_whose_dag_is_read_late_runs_with_its_jobs(apart: Apart, gitlab: GitLab):
    """Its run begins when Airflow has read them: one that began before would never have them."""
    project = gitlab.world.projects[PATHS[5]]
    parent = {".gitlab-ci.yml": "child: {trigger: {include: child.yml, strategy: depend}}\n"}
    sha = push(gitlab, project, {**parent, "child.yml": "one: {script: 'true'}\n"})
    _ends_well(apart, run_for(apart, sha), {"child"})
    processor = apart.parts["dag-processor"].popen
    processor.send_signal(signal.SIGSTOP)

    sha = push(gitlab, project, {"child.yml": "two: {script: 'true'}\n"})
    run = run_for(apart, sha)
    wait_until(lambda: _state(apart, run, "child") == "deferred", "a bridge that waits", pause=1)
    processor.send_signal(signal.SIGCONT)

    _ends_well(apart, run, {"child"})
    dag = child_dag_id(run["dag_id"], "child")
    newest = max(_runs_of(apart, dag), key=lambda one: str(one["run_after"]))
    _ends_well(apart, newest, {"two"})


def _state(apart: Apart, run: dict[str, Any], task: str) -> str | None:
    return apart.api.tasks(run["dag_id"], run["dag_run_id"])[task].state


def _runs_of(apart: Apart, dag: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = apart.api.request("GET", f"/dags/{dag}/dagRuns")["dag_runs"]
    return found


def test_one_broken_file_is_one_import_error(apart: Apart, gitlab: GitLab):
    """Its DAG stays and says why it is not newer; all others run."""
    projects = gitlab.world.projects
    push(gitlab, projects[PATHS[0]], {".gitlab-ci.yml": "test:\n  script: [\n"})
    sha = push(gitlab, projects[PATHS[1]], {"README.md": "changed"})

    _ends_well(apart, run_for(apart, sha), {"test"})
    wait_until(lambda: len(errors(apart)) == 1, "the import error", pause=1)

    said = errors(apart)[0]["stack_trace"]
    assert f"{PATHS[0]}, main at" in said
    assert ".gitlab-ci.yml:" in said
    assert PATHS[0].replace("/", "__") in dags(apart)


def test_projects_are_renamed_archived_and_deleted(apart: Apart, gitlab: GitLab):
    """Their DAGs follow, and no others do; what is mended is no error any more."""
    before = dags(apart)
    push(gitlab, gitlab.world.projects[PATHS[0]], {".gitlab-ci.yml": PLAIN})
    world, names = gitlab.world, [path.replace("/", "__") for path in PATHS]
    world.move(PATHS[2], "group/tools/renamed")
    world.projects[PATHS[3]].archived = True
    world.projects.pop(PATHS[4])

    apart.command("laptop", "gitlab-dags", "sync", "--bundle", "gitlab")

    wanted = before.difference(names[2:5]) | {"group__tools__renamed"}
    wait_until(lambda: dags(apart) == wanted, "the DAGs", pause=1)
    wait_until(lambda: not errors(apart), "no import error", pause=1)


def test_a_group_that_gitlab_hides_is_one_import_error(apart: Apart, gitlab: GitLab):
    """As from a token that has lost its rights: all DAGs stay, and so says Airflow, until then."""
    before = dags(apart)
    gitlab.faults.order(Fault("GET /api/v4/groups/group/projects", -1, status=404))
    apart.command("laptop", "sh", "-c", "gitlab-dags sync --bundle gitlab || test $? = 1")
    wait_until(lambda: len(errors(apart)) == 1, "the import error", pause=1)

    said = errors(apart)[0]["stack_trace"]
    assert "cannot list the projects of group" in said
    assert "Its projects keep their DAGs" in said
    assert dags(apart) == before
    gitlab.faults.clear()
    apart.command("laptop", "gitlab-dags", "sync", "--bundle", "gitlab")
    wait_until(lambda: not errors(apart), "no import error", pause=1)
    assert dags(apart) == before


def test_a_script_starts_a_pipeline_with_a_token(apart: Apart, gitlab: GitLab):
    """As at GitLab, by its number; and after all that, no secret is in a log of Airflow."""
    number = str(gitlab.world.projects["group/app"].id)
    name = trigger(apart, number, {"token": TRIGGER, "ref": "main"})["run_id"]
    wait_until(lambda: all_ended(apart, name), f"the end of {name}", pause=1)

    found = all_runs(apart, name)
    assert {run["state"] for run in found} == {"success"}, found
    assert {run["conf"]["source"] for run in found} == {"trigger"}
    ran = [task for run in found for task in apart.api.tasks(run["dag_id"], name).values()]
    passed = [task.task_id for task in ran if task.state == "success"]
    assert any(task.startswith("after-") for task in passed), passed
    logs = [path.read_text(errors="replace") for path in apart.folder.glob("*.log")]
    assert not any(secret in text for text in logs for secret in (TOKEN, SIGNING, TRIGGER))


def trigger(apart: Apart, project: str, fields: dict[str, str]) -> Any:
    """Start a pipeline as a script does that knows GitLab's API."""
    url = f"{apart.api.url}/gitlab-api/v4/projects/{project}/trigger/pipeline"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, urlencode(fields).encode(), timeout=60) as answer:
        return json.load(answer)


def all_runs(apart: Apart, name: str) -> list[dict[str, Any]]:
    """List the runs with an ID; one that was moved has it in two DAGs."""
    found = apart.api.request("GET", "/dags/~/dagRuns")["dag_runs"]
    return [run for run in found if run["dag_run_id"] == name]


def all_ended(apart: Apart, name: str) -> bool:
    """Return whether there are runs with an ID, and all have ended."""
    states = {run["state"] for run in all_runs(apart, name)}
    return bool(states) and states <= {"success", "failed"}


def dags(apart: Apart) -> set[str]:
    """Name the projects' DAGs that Airflow has; not those of single commits."""
    found = apart.api.request("GET", "/dags?limit=100")["dags"]
    return {dag["dag_id"] for dag in found if ".." not in dag["dag_id"]}


def errors(apart: Apart) -> list[dict[str, Any]]:
    """List what Airflow could not import."""
    found: list[dict[str, Any]] = apart.api.request("GET", "/importErrors")["import_errors"]
    return found


def _statuses(project: Project, sha: str) -> set[tuple[str, str]]:
    """List what GitLab was told about a commit."""
    told = project.things["statuses"]
    return {(one["name"], one["status"]) for one in told if one["sha"] == sha}


def _ends_well(apart: Apart, run: dict[str, Any], jobs: set[str]) -> None:
    """Wait for the end of a run; these jobs, and no others, have run in it."""
    dag, name = run["dag_id"], run["dag_run_id"]
    wait_until(
        lambda: apart.api.run_state(dag, name) in {"success", "failed"}, f"{dag} {name}", pause=1
    )
    tasks = apart.api.tasks(dag, name)
    ran = {task for task, found in tasks.items() if found.state == "success"}
    assert apart.api.run_state(dag, name) == "success", (tasks, apart.log("scheduler")[-3000:])
    assert ran - {"create_pipeline", "finish_pipeline"} == jobs, tasks


def _kill_worker_of(apart: Apart, run: dict[str, Any], task: str) -> str:
    """Kill the worker that runs a task, with all that it has started."""
    found = apart.api.tasks(run["dag_id"], run["dag_run_id"])[task]
    for worker in WORKERS:
        pid = apart.parts[worker].popen.pid
        if any(found.id in _title(child) for child in descendants(pid)):
            kill_tree(pid)
            return worker
    raise AssertionError(f"no worker runs {found}")


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
