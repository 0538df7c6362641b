"""A job's pod is followed in three ways, which end alike: in the worker, deferred, and adaptive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.pods.grace import noted_grace
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.runs.job.trigger import JobPodTrigger
from integration.cluster.faults import misbehaving, tell
from integration.cluster.support import Cluster, has_ended, refused
from integration.cluster.waiting_task import CONNECTION, Task
from processes.waiting import wait_until

COUNT = "for i in $(seq {}); do echo line $i; [ $((i % 50)) != 0 ] || sleep 0.2; done"


def shown(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the task's log shows."""
    return [line for record in caplog.records for line in record.getMessage().split("\n")]


def numbered(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("line ")]


def expected(count: int) -> list[str]:
    return [f"line {number}" for number in range(1, count + 1)]


def test_a_job_passes(task: Task, caplog: pytest.LogCaptureFixture):
    """With every line once, in order, in the task's log and in the kept one, and its coverage."""
    result = task.run(f"{COUNT.format(500)}; echo coverage 93%")

    assert (result.status, result.exit_code, result.coverage) == ("success", 0, 93)
    assert numbered(task.kept.splitlines()) == expected(500)
    assert numbered(shown(caplog)) == expected(500)
    assert task.hops == (task.way != "worker")


def test_a_job_fails(task: Task):
    """With the exit code of its script."""
    with pytest.raises(JobFailure, match="exit code 7"):
        task.run("sleep 1.5; exit 7")


def test_a_line_goes_on_over_the_handover(task: Task):
    """Dots that are shown one by one stay one line of the kept log."""
    task.run("for i in $(seq 25); do printf .; sleep 0.1; done; echo; echo done")

    assert f"{'.' * 25}\ndone\n" in task.kept


def test_no_line_is_lost_over_broken_connections(
    task: Task, faults: Path, caplog: pytest.LogCaptureFixture
):
    """Logs that are cut and refused, watches that break and expire."""
    cuts = [
        {"verb": "log", "count": 1, "skip": 1, "after_bytes": 3000},
        {"verb": "log", "count": 1, "status": 503},
        {"verb": "log", "count": 1, "after_lines": 20},
        {"verb": "watch", "count": 1, "after_lines": 1},
        {"verb": "watch", "count": 1, "expire": True},
        {"verb": "watch", "count": 1, "status": 410},
    ]
    with misbehaving(faults, *cuts):
        result = task.run(COUNT.format(800))

    assert result.status == "success"
    assert numbered(task.kept.splitlines()) == expected(800)
    assert numbered(shown(caplog)) == expected(800)


def test_an_outage_is_borne(
    task: Task, faults: Path, unkind: tuple[Cluster, Path], caplog: pytest.LogCaptureFixture
):
    """Nobody listens for a while after the triggerer has the pod; the job goes on meanwhile.

    Its log says so once, and once that it is over.
    """

    def outage() -> None:
        tell(faults, {"outage": True, "seconds": 3})
        wait_until(lambda: refused(unkind[0]), "an outage")

    task.after = outage
    result = task.run(f"{COUNT.format(500)}; sleep 2; echo last")

    assert result.status == "success"
    assert numbered(task.kept.splitlines()) == expected(500)
    assert numbered(shown(caplog)) == expected(500)
    assert "\nlast\n" in task.kept
    for words in ("Kubernetes does not answer (", "Kubernetes answers again after "):
        assert caplog.text.count(words) == task.hops


def test_a_worker_stays_when_no_triggerer_is_alive(task: Task, caplog: pytest.LogCaptureFixture):
    """The job passes, nobody waits for a triggerer that never comes, and the log says so once."""
    task.triggerer = "dead"
    result = task.run(COUNT.format(800))

    assert result.status == "success"
    assert task.hops == 0
    assert numbered(shown(caplog)) == expected(800)
    assert caplog.text.count("no triggerer is alive") == (task.way != "worker")


def test_a_pod_that_has_ended_is_not_handed_over(task: Task):
    """When the worker's time is up, a log that is slow to read is all that is left of the job."""
    if task.way != "adaptive":
        pytest.skip("the worker stays anyway, or leaves at once")
    task.made = lambda: task.api.wait("job", has_ended)
    result = task.run("sleep 1; echo last")

    assert result.status == "success"
    assert task.hops == 0
    assert "\nlast\n" in task.kept


@pytest.mark.parametrize("known", ["killed", "marked"])
def test_a_worker_whose_task_was_ended_stays_for_the_last_words(task: Task, known: str):
    """A person has ended the task: it cannot be deferred, and after_script has yet to run."""
    setattr(task, known, True)
    result = task.run("sleep 2; echo last")

    assert result.status == "success"
    assert task.hops == 0
    assert "\nlast\n" in task.kept


def test_a_worker_takes_back_what_no_triggerer_can_follow(
    task: Task, caplog: pytest.LogCaptureFixture
):
    """One that lacks this package, say; no line is lost, and the pod does not hop again."""
    if task.way == "worker":
        pytest.skip("there is no triggerer")
    task.unfit = True
    result = task.run(f"{COUNT.format(500)}; sleep 2")

    assert result.status == "success"
    assert task.hops == 1
    assert numbered(task.kept.splitlines()) == expected(500)
    assert numbered(shown(caplog)) == expected(500)


def test_secrets_are_hidden(task: Task, caplog: pytest.LogCaptureFixture):
    """Nothing of a masked value is in a log, nor in what goes through Airflow's database."""
    task.run('echo "1 $TOKEN"; sleep 1.5; echo "2 $TOKEN"', TOKEN="top-secret-value")

    texts = [task.kept, *shown(caplog), json.dumps(task.handed)]
    assert "1 [MASKED]\n2 [MASKED]\n" in task.kept
    assert [text for text in texts if "top-secret-value" in text] == []


PLACE = "gitlab_ci_secret_variables__g__p"


def test_secrets_of_other_projects_are_hidden_in_the_triggerer(
    task: Task, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """The helper does not know them; the triggerer reads them, and nobody hands them to it."""
    if task.way == "worker":
        pytest.skip("the worker hides what the plan names")
    stored = [{"key": "THEIRS", "value": "their-secret-value", "masked": True}]
    monkeypatch.setenv(f"AIRFLOW_VAR_{PLACE.upper()}", json.dumps(stored))
    task.hides = (PLACE,)
    task.run('sleep 2; echo "1 their-secret-value"')

    assert task.hops == 1
    assert "1 [MASKED]\n" in task.kept
    seen = [line for line in shown(caplog) if line.startswith("1 ")]
    assert seen == ["1 [MASKED]"]
    assert "their-secret-value" not in json.dumps(task.handed)


def test_a_triggerer_that_cannot_hide_shows_nothing(
    task: Task, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """A worker takes the pod back and stays."""
    if task.way == "worker":
        pytest.skip("the worker hides what the plan names")
    task.hides = (PLACE,)
    result = task.run(f"{COUNT.format(100)}; sleep 2; echo last")

    assert result.status == "success"
    assert [event["why"] for event in task.handed] == ["unfit"]
    assert numbered(task.kept.splitlines()) == expected(100)
    assert numbered(shown(caplog)) == expected(100)


def test_a_triggerer_without_the_kubeconfig_gives_the_pod_back(
    task: Task,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """A worker stays with it to the end, and the log says once what the triggerer lacks."""
    if task.way == "worker":
        pytest.skip("there is no triggerer")
    nowhere = {"conn_type": "kubernetes", "extra": {"kube_config_path": "/nowhere"}}
    name = f"AIRFLOW_CONN_{CONNECTION.upper()}"
    task.after = lambda: monkeypatch.setenv(name, json.dumps(nowhere))
    result = task.run(f"{COUNT.format(100)}; sleep 2; echo last")

    assert result.status == "success"
    assert [event["why"] for event in task.handed] == ["unfit"]
    assert numbered(shown(caplog)) == expected(100)
    said = capsys.readouterr().out
    assert said.count(f"so a worker does: the Airflow connection {CONNECTION}: its kubeconfig") == 1
    assert "Traceback" not in said


def test_a_pod_that_is_deleted_is_noticed(task: Task):
    """As when a person cancels the job."""
    task.after = lambda: task.api.delete("pods", "job")
    script = "sleep 1.5; echo here"
    if task.way == "worker":
        pytest.skip("there is no moment between the worker and the triggerer")

    with pytest.raises(JobFailure, match="deleted before it ended"):
        task.run(f"{script}; sleep 600")


def test_the_timeout_holds_in_the_triggerer(task: Task):
    """It is that of the job, from its first worker on; Airflow's own ends with the worker."""
    if task.way == "worker":
        pytest.skip("Airflow ends the task")
    task.timeout = 3

    with pytest.raises(JobFailure, match="ran longer than its timeout of 3 s"):
        task.run("sleep 600")


def test_a_job_that_is_ended_in_the_triggerer_has_the_time_that_it_needs(task: Task):
    """More than its pod's spec says, which is short where there are services."""
    if task.way == "worker":
        pytest.skip("there is no triggerer")

    def prepare(pod: Any) -> None:
        pod.metadata.annotations |= noted_grace(90)
        pod.metadata.finalizers = [f"{LABEL_DOMAIN}/test"]  # so that it can be looked at

    async def end(trigger: JobPodTrigger) -> None:
        trigger._state = lambda: "failed"  # type: ignore[method-assign]
        trigger._tell = task.told.append  # type: ignore[method-assign, assignment]
        await trigger.on_kill()

    task.change, task.triggered = prepare, end  # type: ignore[method-assign]
    result = task.run("sleep 600")
    pod = task.core.read_namespaced_pod("job", task.api.namespace)
    task.api.patch("pods", "job", {"metadata": {"finalizers": None}})

    assert result.status == "canceled"
    assert pod.metadata.deletion_grace_period_seconds == 90
    assert pod.spec.termination_grace_period_seconds == 30
