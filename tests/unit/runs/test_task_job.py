"""Tasks of hand-written DAGs as jobs: compiled from what the operator takes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import ConfigError, SystemFailure
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.operators.job_pod import GitlabJobPodOperator
from gitlab_ci_provider.operators.task_parts import TaskArtifacts, TaskCache, TaskService
from gitlab_ci_provider.planner.plan import PlannedJob, plan_job
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.job.objects import life_token
from gitlab_ci_provider.runs.task.task_job import TaskJob, compiled_job, project_of
from gitlab_ci_provider.runs.task.task_run import TaskRun, task_request, task_run
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.storage.keys import task_artifacts_key, task_cache_key

RUN = "manual__2026-01-01T00:00:00+00:00"
STORE = '{"conn_type": "aws", "login": "a", "password": "b", "extra": {"bucket": "bucket"}}'


@pytest.fixture(autouse=True)
def object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_OBJECT_STORE", STORE)


def make_run(tmp_path: Path, operator: GitlabJobPodOperator, **left: Any) -> TaskRun:
    """Make one try of a task; `left` are the XComs of others."""
    settings = Settings(home=tmp_path)
    ti = SimpleNamespace(
        dag_id="dag",
        run_id=RUN,
        task_id=operator.task_id,
        map_index=left.pop("map_index", -1),
        try_number=3,
        max_tries=2,
        log_url="",
        xcom_pull=lambda task_ids, key: left.get(task_ids) if key == "return_value" else None,
    )
    dag_run = SimpleNamespace(run_after=SimpleNamespace(isoformat=lambda: "2026-01-01"))
    context: Any = {"ti": ti, "dag_run": dag_run}
    opened = TaskContext(context=context, settings=settings, state=open_state(settings))
    return task_run(opened, operator.task_job())


def plan(tmp_path: Path, operator: GitlabJobPodOperator, **left: Any) -> PlannedJob:
    return plan_job(task_request(make_run(tmp_path, operator, **left)))


def operator(**given: Any) -> GitlabJobPodOperator:
    usual = {"task_id": "task", "image": "debian:12", "script": "true"}
    return GitlabJobPodOperator(**{**usual, **given})


def test_a_task_has_the_objects_of_the_other_operators(tmp_path: Path):
    """Caches and artifacts have the keys of `S3CacheSaveOperator` and `ArtifactUploadOperator`."""
    task = operator(
        cache=TaskCache(key="k", paths=["c/"], fallback_keys=["f"]),
        cache_scope="s",
        artifacts=TaskArtifacts(paths=["d/"]),
    )

    planned = plan(tmp_path, task).plan

    keys = (task_cache_key("s", "k"), task_cache_key("s", "f"))
    assert planned.restores[0].object_keys == keys
    assert planned.archives[0].object_key == keys[0]
    assert planned.uploads[0].object_key == task_artifacts_key("dag", RUN, "task", 3)


def test_keywords_of_gitlab_mean_the_same_as_values(tmp_path: Path):
    """Both forms of caches, artifacts and services make the same plan."""
    values = operator(
        cache=[TaskCache(key="k", paths=["c/"], policy="pull")],
        artifacts=TaskArtifacts(paths=["d/"], expire_in="1 day", when="always"),
        services=[TaskService(name="redis:7", alias="store", command=["redis-server"])],
    )
    keywords = operator(
        cache={"key": "k", "paths": ["c/"], "policy": "pull"},
        artifacts={"paths": ["d/"], "expire_in": "1 day", "when": "always"},
        services=[{"name": "redis:7", "alias": "store", "command": ["redis-server"]}],
    )

    first, second = plan(tmp_path, values), plan(tmp_path, keywords)

    assert first.plan.uploads[0].expire_in == 86_400
    assert first.plan.restores == second.plan.restores
    assert first.plan.uploads == second.plan.uploads
    assert first.services == second.services


def test_variables_name_things_and_are_not_expanded(tmp_path: Path):
    """`$NAME` in a key is a variable of the task; a `$` in its value stays one."""
    task = operator(env_vars={"REF": "a$b"}, cache=TaskCache(key="k-$REF", paths=["c"]))

    planned = plan(tmp_path, task).plan

    assert planned.value("REF") == "a$b"
    assert planned.restores[0].name == "k-a$b"


def test_there_is_nothing_of_a_repository(tmp_path: Path):
    """No sources are fetched, and no variable tells of a commit."""
    planned = plan(tmp_path, operator()).plan

    assert planned.sources is None
    assert not [each for each in planned.variables if each.name.startswith("CI_COMMIT")]
    assert planned.value("AIRFLOW_CTX_DAG_RUN_ID") == RUN


@pytest.mark.parametrize("task_id", ["image", "services", "stages", "default", "pages", ".hidden"])
def test_a_task_may_be_called_like_a_keyword(task_id: str):
    """The ID of a task is never read as a key of the file."""
    job = compiled_job(TaskJob(keywords={"script": ["true"]}), project_of("dag"), task_id)

    assert job.name == task_id


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"cache": [{"paths": ["a"], "policy": "pul"}]}, "policy"),
        ({"artifacts": {"paths": ["a"], "expire_in": "soon"}}, "expire in"),
        ({"cache": [{"paths": ["a"], "polcy": "pull"}]}, "polcy"),
        ({"cache": [{"paths": ["a"], "key": {"files": ["f"]}}]}, "needs a repository"),
        ({"artifacts": {"untracked": True}}, "needs a repository"),
        ({"services": [{"name": object()}]}, "plain data"),
    ],
)
def test_what_gitlab_refuses_is_refused(keywords: dict[str, Any], words: str):
    """In GitLab's words; so is what only a repository could answer."""
    task = TaskJob(keywords={"script": ["true"], **keywords})

    with pytest.raises(ConfigError, match=words):
        compiled_job(task, project_of("dag"), "task")


def test_artifacts_come_from_tasks_of_the_run(tmp_path: Path):
    """From one task, and from all instances of a mapped one, in their order."""
    keys = [task_artifacts_key("dag", RUN, name, 1) for name in ("a", "b.0", "b.1")]
    left = [{"object_key": key, "name": "artifacts"} for key in keys]
    task = operator(from_task_ids=["a", "b"])

    planned = plan(tmp_path, task, a=left[0], b=left[1:]).plan

    assert [download.object_key for download in planned.downloads] == keys


@pytest.mark.parametrize(
    "left",
    [
        None,
        "text",
        {"object_key": 7},
        {"object_key": task_artifacts_key("dag", "another run", "a", 1)},
        {"object_key": f"{task_artifacts_key('dag', RUN, 'a', 1)}/../../../../../b"},
    ],
)
def test_nothing_else_is_fetched(tmp_path: Path, left: Any):
    """A task that has left no artifacts of this run fails the one that wants them."""
    with pytest.raises(SystemFailure, match="the task a"):
        plan(tmp_path, operator(from_task_ids=["a"]), a=left)


def test_instances_of_a_mapped_task_are_kept_apart(tmp_path: Path):
    """Each has its own pod and its own artifacts, and a worker follows it."""
    task = operator(artifacts=TaskArtifacts(paths=["a"]), deferrable=True)
    runs = [make_run(tmp_path, task, map_index=index) for index in (0, 1)]

    keys = {plan_job(task_request(run)).plan.uploads[0].object_key for run in runs}
    pods = {life_token(run.context, "1") for run in runs}

    assert keys == {task_artifacts_key("dag", RUN, f"task.{index}", 3) for index in (0, 1)}
    assert len(pods) == 2
    assert {run.settings.waiting for run in runs} == {"worker"}


def test_env_vars_are_variables(tmp_path: Path):
    """As a mapping, or as Kubernetes' objects once Airflow has rendered them."""
    task = operator(env_vars={"A": "1"})
    task.render_template_fields({})

    assert task.task_job().variables == Variables([Variable(name="A", value="1", expand=False)])
