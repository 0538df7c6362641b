"""Faults under load: whatever is killed or out of reach, a pipeline ends right and runs once.

Each job says a line outside of its pod when it begins and when it ends.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kubernetes import client

from e2e.embedded import Stack, make_repository
from e2e.faulty import (
    TIMES,
    is_deferred,
    job,
    kill_task,
    kill_triggerer,
    left_behind,
    pods_by_job,
)
from e2e.logs import log_lines
from e2e.runs import ended, raw_log, results, start, wait_for
from gitlab_ci_provider.pods.leftovers import RUN
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from integration.cluster.faults import tell
from processes.counter import Heard

MAINTENANCE = Path(__file__).parents[2] / "dags" / "gitlab_ci_maintenance.py"
MOST_RUNS = 10


@pytest.fixture(scope="module")
def stack(unkind_stack: Stack) -> Stack:
    return unkind_stack


@pytest.fixture
def misbehave(stack: Stack) -> Iterator[Callable[..., None]]:
    """Tell the cluster to misbehave; after the test it no longer does."""
    if stack.place:
        pytest.skip("only the embedded cluster misbehaves on request")
    file = stack.home.path / "faults.json"
    yield lambda *faults: tell(file, *faults)
    tell(file)


class Killer:
    """Kills the process of each job once, when its moment has come: its name says which.

    If the triggerer follows the job's pod by then, that is killed instead.

    Attributes:
        hit: jobs whose process was killed.
        followed: jobs whose triggerer was killed.
    """

    def __init__(self, stack: Stack, heard: Heard, run: tuple[str, str], names: list[str]):
        self.stack, self.heard, self.run = stack, heard, run
        self.waiting, self.hit, self.seen = set(names), set[str](), set[str]()
        self.followed = set[str]()
        for name in names:
            if not name.startswith("gone"):
                heard.hold(self._word(name))

    def _word(self, name: str) -> str:
        """Return what a job says before its moment is over, when it waits for its killer."""
        return f"{name} ends" if name.startswith("end") else f"{name} begins"

    def look(self) -> bool:
        """Kill whose moment it is; always False, for there may be more."""
        pods = set(pods_by_job(self.stack))
        self.seen |= pods
        due = [name for name in self.waiting if self._is_time(name, pods)]
        self._kill_triggerer({name for name in due if not name.startswith("gone")})
        for name in [name for name in due if name in self.waiting]:
            killed = kill_task(self.stack, *self.run, name)
            if killed:
                self.hit.add(name)
                self.heard.release(self._word(name))
            if killed or name.startswith("gone"):  # whose process may have been faster
                self.waiting.discard(name)
        return False

    def _kill_triggerer(self, due: set[str]) -> None:
        """Kill it once for all jobs that it follows and whose moment it is."""
        followed = {name for name in due if is_deferred(self.stack, *self.run, name)}
        if followed:
            kill_triggerer(self.stack)
        for name in followed:
            self.heard.release(self._word(name))
        self.followed |= followed
        self.waiting -= followed

    def _is_time(self, name: str, pods: set[str]) -> bool:
        moments = {
            "start": True,
            "middle": self.heard.lines[f"{name} begins"] > 0,
            "end": self.heard.lines[f"{name} ends"] > 0,
            "gone": name in self.seen - pods,
        }
        return moments[name.rstrip("0123456789")]


def test_each_job_runs_once_whenever_its_process_is_killed(
    stack: Stack, heard: Heard, tmp_path: Path
):
    """At its start, while its pod runs, at the pod's end, and when the pod has gone: three each.

    What was not seen of the pod is read later: log, report, outcome.
    """
    moments = ("start", "middle", "end", "gone")
    names = [f"{moment}{number}" for moment in moments for number in range(TIMES)]
    config = "".join(job(heard, name, stage="build") for name in names)
    said = " ".join(f"${name.upper()}" for name in names)
    config += f"last: {{stage: test, script: 'echo {said}'}}\n"
    repository = make_repository(tmp_path / "tasks", {".gitlab-ci.yml": config})
    dag, run = start(stack, repository)
    killer = Killer(stack, heard, (dag, run), names)
    wait_for(lambda: killer.look() or ended(stack, dag, run))
    hit, followed = killer.hit, killer.followed

    assert stack.api.run_state(dag, run) == "success"
    assert {name for name in names if not name.startswith("gone")} <= hit | followed
    assert heard.lines == {f"{name} {what}": 1 for name in names for what in ("begins", "ends")}
    assert " ".join(["done"] * len(names)) in raw_log(stack, dag, run, "last")
    for name in sorted(name for name in hit | followed if not name.startswith("gone")):
        assert stack.api.tasks(dag, run)[name].try_number == (2 if name in hit else 1)
    for name in names:
        if not name.startswith("gone"):
            assert raw_log(stack, dag, run, name).count(f"\noutput of {name}\n") == 1
    wait_for(lambda: left_behind(stack) == [])


def test_a_harvested_failure_is_a_failure_and_retried_as_gitlab_would(
    stack: Stack, heard: Heard, tmp_path: Path
):
    """A lost worker uses up no retry, and gives none: the job runs as often as `retry` says."""
    fails = "  after_script: ['true']\n"
    config = job(heard, "end1", 2).replace("  artifacts", "    - exit 3\n  artifacts") + fails
    config += job(heard, "end2", 2).replace("  artifacts", "    - exit 4\n  artifacts")
    config += "  retry: 1\n"
    repository = make_repository(tmp_path / "failing", {".gitlab-ci.yml": config})
    dag, run = start(stack, repository)
    killer = Killer(stack, heard, (dag, run), ["end1", "end2"])
    wait_for(lambda: killer.look() or ended(stack, dag, run))

    assert killer.hit | killer.followed == {"end1", "end2"}
    assert stack.api.run_state(dag, run) == "failed"
    assert results(stack, dag, run) == {
        "end1": ("failed", "exit code 3"),
        "end2": ("failed", "exit code 4"),
    }
    assert (heard.lines["end1 ends"], heard.lines["end2 ends"]) == (1, 2)
    wait_for(lambda: left_behind(stack) == [])


def test_an_outage_of_kubernetes_fails_no_job(
    stack: Stack, heard: Heard, misbehave: Callable[..., None], tmp_path: Path
):
    """One job runs and ends meanwhile, another starts into it: each runs once, and says so."""
    config = job(heard, "running", 6, stage="build") + job(heard, "starting", 1, needs="[]")
    repository = make_repository(tmp_path / "outage", {".gitlab-ci.yml": config})
    first, second = start(stack, repository), start(stack, repository)
    wait_for(lambda: heard.lines["running begins"] == 2)
    misbehave({"outage": True, "seconds": 20})
    third = start(stack, repository)
    runs = (first, second, third)
    wait_for(lambda: all(ended(stack, *one) for one in runs))

    assert {stack.api.run_state(*one) for one in runs} == {"success"}
    assert set(heard.lines.values()) == {3}
    task = stack.api.tasks(*first)["running"]
    log = "\n".join(log_lines(stack.api, *first, task))
    assert task.try_number == 1
    assert "Kubernetes does not answer" in log
    assert "Kubernetes answers again" in log
    wait_for(lambda: left_behind(stack) == [])


def test_a_busy_and_failing_api_fails_no_job(
    stack: Stack, heard: Heard, misbehave: Callable[..., None], tmp_path: Path
):
    """429, 500, 503, expired watches and lost answers, at every kind of request."""
    config = "".join(job(heard, f"job{number}", 1) for number in range(4))
    repository = make_repository(tmp_path / "busy", {".gitlab-ci.yml": config})
    verbs = ("create", "patch", "get", "list", "watch", "delete")
    kinds = (
        {"status": 429, "retry_after": 1},
        {"status": 500},
        {"status": 503},
        {"expire": True},
        {"after_bytes": 0},
    )
    misbehave(*({"verb": verb, "count": 2, **kind} for kind in kinds for verb in verbs))
    dag, run = start(stack, repository)
    wait_for(lambda: ended(stack, dag, run))

    assert stack.api.run_state(dag, run) == "success"
    assert set(heard.lines.values()) == {1}
    wait_for(lambda: left_behind(stack) == [])


def test_a_refusal_fails_the_job_and_says_why(
    stack: Stack, heard: Heard, misbehave: Callable[..., None], tmp_path: Path
):
    """Kubernetes refuses for good: the job tells its words at once; nothing is left."""
    repository = make_repository(tmp_path / "refused", {".gitlab-ci.yml": job(heard, "job")})
    misbehave({"verb": "create", "path": "*/pods*", "status": 403})
    dag, run = start(stack, repository)
    wait_for(lambda: ended(stack, dag, run))
    misbehave()

    status, reason = results(stack, dag, run)["job"]
    assert status == "failed"
    assert reason.startswith("Kubernetes refused: 403")
    assert heard.lines == {}
    wait_for(lambda: left_behind(stack) == [])


def test_a_pod_that_is_deleted_by_hand_is_an_interruption(
    stack: Stack, heard: Heard, tmp_path: Path
):
    """The job says so with what Kubernetes knew of the pod, and `retry` may run it again."""
    retry = "{max: 1, when: [runner_interrupted]}"
    config = {".gitlab-ci.yml": job(heard, "long", 0, retry=retry)}
    repository = make_repository(tmp_path / "deleted", config)
    heard.hold("long begins")
    dag, run = start(stack, repository)
    wait_for(lambda: heard.lines["long begins"] == 1)
    (pod,) = pods_by_job(stack).values()
    stack.core.delete_namespaced_pod(pod, stack.namespace)
    wait_for(lambda: heard.lines["long begins"] == 2)
    heard.release("long begins")
    wait_for(lambda: ended(stack, dag, run))

    task = stack.api.tasks(dag, run)["long"]
    first = "\n".join(log_lines(stack.api, dag, run, replace(task, try_number=1)))
    assert stack.api.run_state(dag, run) == "success"
    assert heard.lines["long ends"] == 1
    assert first.count("was deleted before it ended (runner_interrupted); try 2") == 1
    assert f"What Kubernetes knows of pod {pod}" in first
    wait_for(lambda: left_behind(stack) == [])


def leave_pod(stack: Stack, name: str, run: str) -> None:
    """Leave the pod of a run, as the worker of a job would that is lost and never replaced."""
    api = stack.core
    pod = api.read_namespaced_pod(name, stack.namespace)
    annotations = {**pod.metadata.annotations, f"{LABEL_DOMAIN}/{RUN}": run}
    container = client.V1Container(name="build", image="x", command=["sleep", "600"])
    left = client.V1Pod(
        metadata=client.V1ObjectMeta(
            name="left", labels=pod.metadata.labels, annotations=annotations
        ),
        spec=client.V1PodSpec(containers=[container], restart_policy="Never"),
    )
    api.create_namespaced_pod(stack.namespace, left)


def test_what_a_deleted_run_has_left_is_reaped(stack: Stack, heard: Heard, tmp_path: Path):
    """The pod of a job that runs is left alone; one whose run Airflow does not have is deleted."""
    repository = make_repository(tmp_path / "reaped", {".gitlab-ci.yml": job(heard, "long")})
    heard.hold("long begins")
    dag, run = start(stack, repository)
    wait_for(lambda: heard.lines["long begins"] == 1)
    (pod,) = pods_by_job(stack).values()
    leave_pod(stack, pod, "deleted")

    listed = stack.command("reap", *stack.flags)
    reaped = json.loads(stack.command("reap", "--delete", "--json", *stack.flags).stdout)
    heard.release("long begins")
    wait_for(lambda: ended(stack, dag, run))

    assert "its run no longer exists" in listed.stdout
    assert [one["name"] for one in reaped["pods"]] == ["left"]
    assert stack.api.run_state(dag, run) == "success"
    wait_for(lambda: left_behind(stack) == [])


def test_the_maintenance_dag_reaps(stack: Stack, heard: Heard, tmp_path: Path):
    """As it is in `dags/`, in a real Airflow: it asks that for the runs, and spares what lives."""
    repository = make_repository(tmp_path / "kept", {".gitlab-ci.yml": job(heard, "long")})
    heard.hold("long begins")
    dag, run = start(stack, repository)
    wait_for(lambda: heard.lines["long begins"] == 1)
    (pod,) = pods_by_job(stack).values()
    leave_pod(stack, pod, "deleted")
    file = stack.home.dags / MAINTENANCE.name
    shutil.copy(MAINTENANCE, file)

    wait_for(lambda: has_dag(stack, MAINTENANCE.stem))
    stack.api.request("PATCH", f"/dags/{MAINTENANCE.stem}", json={"is_paused": False})
    stack.api.trigger(MAINTENANCE.stem, {})
    wait_for(lambda: not stack.api.open_runs(MAINTENANCE.stem))
    reaped = [pod for run in all_runs(stack, MAINTENANCE.stem) for pod in reaped_by(stack, run)]
    file.unlink()
    heard.release("long begins")
    wait_for(lambda: ended(stack, dag, run))

    assert reaped == ["left"]
    assert stack.api.run_state(dag, run) == "success"
    wait_for(lambda: left_behind(stack) == [])


def all_runs(stack: Stack, dag: str) -> list[str]:
    """List all runs of a DAG: besides the one that was asked for, its schedule may begin one."""
    found = stack.api.request("GET", f"/dags/{dag}/dagRuns")
    return [run["dag_run_id"] for run in found["dag_runs"]]


def reaped_by(stack: Stack, run: str) -> list[str]:
    """Return what a run of the maintenance DAG has reaped."""
    reaped: list[str] = stack.api.xcom(MAINTENANCE.stem, run, "reap", "return_value")
    return reaped


def has_dag(stack: Stack, dag: str) -> bool:
    """Tell whether Airflow has read a DAG."""
    found = stack.api.request("GET", "/dags", params={"dag_id_pattern": dag})
    return bool(found["total_entries"])


def test_a_pipeline_is_made_and_ended_once_though_its_own_tasks_are_killed(
    stack: Stack, heard: Heard, tmp_path: Path
):
    """At their start, and when they have left something: the next try does the rest."""
    config = job(heard, "only", 1)
    dag, run = start(stack, make_repository(tmp_path / "own", {".gitlab-ci.yml": config}))
    runs, again = [run], kill_own_tasks(stack, dag, run)
    while len(runs) < MOST_RUNS and again != {"create_pipeline", "finish_pipeline"}:
        runs.append(stack.api.trigger(dag, {}))  # a kill came when the process was done
        again |= kill_own_tasks(stack, dag, runs[-1])
    runs.append(stack.api.trigger(dag, {}))
    wait_for(lambda: ended(stack, dag, runs[-1]))

    assert again == {"create_pipeline", "finish_pipeline"}
    assert {stack.api.run_state(dag, run) for run in runs} == {"success"}
    assert heard.lines == {"only begins": len(runs), "only ends": len(runs)}
    numbers = [stack.api.xcom(dag, run, "create_pipeline", "pipeline")["id"] for run in runs]
    assert numbers == list(range(numbers[0], numbers[0] + len(runs)))
    wait_for(lambda: left_behind(stack) == [])


def kill_own_tasks(stack: Stack, dag: str, run: str) -> set[str]:
    """Kill each task of the pipeline itself up to twice; returns those that have begun again."""
    left = {"create_pipeline": "pin", "finish_pipeline": "pipeline_result"}
    killed = dict.fromkeys(left, 0)

    def kill() -> bool:
        tasks = stack.api.tasks(dag, run)
        for task, key in left.items():
            is_next = task in tasks and tasks[task].try_number == killed[task] + 1
            is_time = killed[task] == 0 or stack.api.xcom(dag, run, task, key) is not None
            if is_next and is_time and killed[task] < 2 and kill_task(stack, dag, run, task):
                killed[task] += 1
        return False

    wait_for(lambda: kill() or ended(stack, dag, run))
    tries = {task: stack.api.tasks(dag, run)[task].try_number for task in left}
    for task, times in killed.items():
        assert tries[task] - 1 <= times
    return {task for task in left if tries[task] > 1}
