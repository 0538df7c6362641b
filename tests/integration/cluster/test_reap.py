"""Deleting what jobs have left, and nothing that is still needed or somebody else's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks.resource_groups import LABEL, ResourceGroup
from gitlab_ci_provider.pods.leftovers import INSTALLATION
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.runs.job.objects import give_secret
from gitlab_ci_provider.runs.reap import delete, find_leftovers
from gitlab_ci_provider.schedule.resource_group import Claim, ProcessMode, take, without
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from integration.cluster.faults import misbehaving
from integration.cluster.support import Api, Cluster, has_ended, is_running, pod
from processes.waiting import wait_until
from servers.fake_airflow import Answer, answering

States = Mapping[str, str | None]


def make(api: Api, name: str, run: str = "gone", installation: str = "this", **spec: Any) -> Any:
    """Create the pod of a job's task `t`."""
    names = {"airflow-dag": "d", "airflow-run": run, "airflow-task": "t", "job": "j"}
    made = pod(name, spec.pop("script", "sleep 600"), **spec)
    made["metadata"] |= {
        "labels": {INSTALLATION: installation},
        "annotations": {f"{LABEL_DOMAIN}/{key}": value for key, value in names.items()},
    }
    created = api.create("pods", made)
    metadata = {key: created["metadata"][key] for key in ("name", "namespace", "uid")}
    return client.V1Pod(metadata=client.V1ObjectMeta(**metadata))


def states(_dag: str, run: str) -> States | None:
    """Tell of a run that goes on, one that has ended, and none else."""
    return {"live": {"t": "running"}, "over": {"t": "failed"}}.get(run)


def reap(api: Api) -> list[str]:
    """Delete what is left; return the names."""
    core = api.core()
    found = find_leftovers(core, api.namespace, "this", states)
    assert [delete(core, one) for one in found] == [""] * len(found)
    return sorted(one.name for one in found)


def opaque(api: Api) -> list[str]:
    return [name for name in api.names("secrets") if not name.startswith("default")]


def test_only_what_nobody_needs_is_deleted(api: Api):
    """Pods of live tasks, of other installations and of others altogether stay."""
    make(api, "over", run="over")
    make(api, "gone", run="gone")
    make(api, "live", run="live")
    make(api, "others", installation="another")
    api.create("pods", pod("stranger", "sleep 600"))

    deleted = reap(api)

    assert deleted == ["gone", "over"]
    wait_until(lambda: set(api.names("pods")) == {"live", "others", "stranger"}, "their end")


@pytest.mark.parametrize("step", ["pod", "secret", "running", "ended"])
def test_nothing_is_left_wherever_a_worker_dies(api: Api, step: str):
    """Right after the pod, after its Secret, while it runs, and when it has ended."""
    volume = {"name": "s", "secret": {"secretName": "job"}}
    script = "exit 3" if step == "ended" else "sleep 600"
    made = make(api, "job", volumes=[volume], script=script)
    if step != "pod":
        secret = client.V1Secret(metadata=client.V1ObjectMeta(name="job"), string_data={"k": "v"})
        give_secret(api.core(), made, secret)
    if step in {"running", "ended"}:
        api.wait("job", has_ended if step == "ended" else is_running)

    assert reap(api) == ["job"]
    wait_until(lambda: api.names("pods") == [] and opaque(api) == [], "the end of both")


def test_a_secret_that_is_deleted_changes_no_pod_that_runs(api: Api):
    """Its containers have read it."""
    volume = {"name": "s", "secret": {"secretName": "job"}}
    mount = {"volumeMounts": [{"name": "s", "mountPath": "/s"}]}
    script = "trap 'cat /s/k; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    made = make(api, "job", volumes=[volume], script=script, container=mount)
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="job"), string_data={"k": "read"})
    give_secret(api.core(), made, secret)
    api.wait("job", is_running)
    wait_until(lambda: b"ready" in api.log("job"), "the script")

    api.delete("secrets", "job")
    api.delete("pods", "job", gracePeriodSeconds=30)
    ended = api.wait("job", has_ended)

    assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0


def test_another_pod_of_the_name_is_spared(api: Api):
    """Between listing and deleting, a new try may have made a pod of the same name."""
    make(api, "job")
    (found,) = find_leftovers(api.core(), api.namespace, "this", states)
    api.delete("pods", "job")
    api.wait_gone("job")
    make(api, "job", run="live")

    assert delete(api.core(), found) == ""
    assert api.names("pods") == ["job"]


def take_group(api: Api, key: str, run: str) -> ResourceGroup:
    """Have a job of a run take a resource group."""
    group = ResourceGroup(api.core(), api.namespace, "this", "group/project", key)
    claim = Claim(pipeline=1, since="", dag_id="d", run_id=run, task_id="t")
    group.update(lambda found: take(found, claim, ProcessMode.UNORDERED))
    return group


def test_a_resource_group_that_a_killed_worker_has_left_is_deleted(api: Api):
    """One that a live job has, or a pod of which still runs, or that has just been used, stays."""
    gone, live, busy = (
        take_group(api, key, run) for key, run in (("a", "gone"), ("b", "live"), ("c", "over"))
    )
    make(api, "pod", run="live")
    api.patch("pods", "pod", {"metadata": {"labels": {f"{LABEL_DOMAIN}/{LABEL}": busy.name}}})
    unused = take_group(api, "d", "gone")
    unused.update(lambda found: without(found, {("d", "gone", "t")}))

    assert reap(api) == [gone.name]
    left = {name for name in api.names("configmaps") if name.startswith("resource-group-")}
    assert left == {live.name, busy.name, unused.name}


def test_a_resource_group_that_is_taken_meanwhile_is_spared(api: Api):
    """It has changed since it was judged."""
    group = take_group(api, "a", "gone")
    (found,) = find_leftovers(api.core(), api.namespace, "this", states)
    take_group(api, "a", "live")

    assert delete(api.core(), found) == ""
    assert group.name in api.names("configmaps")


def test_a_cluster_that_does_not_answer_is_told(unkind_api: Api, faults: Path):
    """Nothing is deleted on the word of half a list."""
    with (
        misbehaving(faults, {"verb": "list", "status": 403}),
        pytest.raises(SystemFailure, match="cannot list what is in"),
    ):
        find_leftovers(unkind_api.core(), unkind_api.namespace, "this", states)


class Airflow:
    """Knows the runs that `states` knows."""

    def __call__(self, _method: str, path: str, _body: Any) -> Answer:
        _, _, rest = path.partition("/dagRuns/")
        run, _, tasks = rest.partition("/")
        found = states("d", run)
        if found is None:
            return Answer(404, {"detail": "no such run"})
        if not tasks:
            return Answer(200, {"dag_run_id": run, "state": "running"})
        instances = [
            {
                **dict.fromkeys(("start_date", "end_date", "duration", "note")),
                "task_id": name,
                "state": state,
                "id": name,
                "try_number": 1,
                "map_index": -1,
            }
            for name, state in found.items()
        ]
        return Answer(200, {"task_instances": instances, "total_entries": len(instances)})


@pytest.fixture
def command(cluster: Cluster, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command, for an Airflow whose state is on this machine."""
    monkeypatch.setenv("GITLAB_DAGS_AIRFLOW_TOKEN", "token")
    with answering(Airflow()) as url:
        given = ("--airflow-url", url, "--home", str(tmp_path), "--namespace", api.namespace)
        yield lambda *more: main(["reap", *given, "--kubeconfig", str(cluster.kubeconfig), *more])


def test_the_command_lists_first_and_deletes_when_told(
    command: Any, api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Without --delete nothing changes; a table says what, why and how old."""
    name = open_state(Settings(home=tmp_path)).installation.name()
    make(api, "left", run="over", installation=name)
    make(api, "live", run="live", installation=name)

    assert command() == 0
    listed = capsys.readouterr()
    assert api.names("pods") == ["left", "live"]
    assert command("--delete", "--json") == 0
    told = json.loads(capsys.readouterr().out)

    lines = listed.out.splitlines()
    assert lines[0].split() == ["NAME", "AGE", "PHASE", "JOB", "WHY", "RUN"]
    assert len(lines) == 2
    assert "its task has ended (failed)" in lines[1]
    assert "nothing was deleted" in listed.err
    assert [(one["name"], one["problem"]) for one in told["pods"]] == [("left", "")]
    wait_until(lambda: api.names("pods") == ["live"], "the end of the pod")


def test_the_command_reaps_for_a_named_installation(
    command: Any, api: Api, capsys: pytest.CaptureFixture[str]
):
    """The state of an installation may be lost, and its pods still be there."""
    make(api, "left", installation="lost")

    assert command("--installation", "lost") == 0
    assert "its run no longer exists" in capsys.readouterr().out
    assert command() == 0
    assert "nothing is left" in capsys.readouterr().err
