"""Resource groups in the ConfigMaps of a real API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from kubernetes import client, config

from gitlab_ci_provider.hooks.resource_groups import LABEL, ResourceGroup
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.runs.resource_group.trigger import ResourceGroupTrigger
from gitlab_ci_provider.schedule.resource_group import Claim, Group, ProcessMode, enter, take
from gitlab_ci_provider.schedule.resource_group import without as leave
from integration.cluster.support import Api, Cluster
from processes.waiting import PATIENCE, wait_until

MODE = ProcessMode.UNORDERED


def claim(pipeline: int, **given: Any) -> Claim:
    known: dict[str, Any] = {"dag_id": "dag", "run_id": f"run{pipeline}", "task_id": "deploy"}
    return Claim(pipeline=pipeline, since=f"2026-01-01T00:00:{pipeline:02d}", **known, **given)


@pytest.fixture
def group(cluster: Cluster, api: Api) -> ResourceGroup:
    """A group of a project, in a namespace of its own."""
    core = client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
    return ResourceGroup(core, api.namespace, "airflow", "group/project", "production/eu west")


def read(group: ResourceGroup) -> Group:
    return group.update(lambda found: found)


def states(**by_run: str | None) -> Callable[[str, str], dict[str, str | None]]:
    """Answer as Airflow does: runs that are not named are gone."""
    return lambda _, run: {"deploy": by_run[run]} if run in by_run else {}


def test_of_many_that_come_at_once_one_gets_it(group: ResourceGroup):
    """Each writes against the version that it has read."""
    claims = [claim(number) for number in range(12)]
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda one: group.update(lambda found: take(found, one, MODE)), claims))

    found = read(group)
    assert found.holder is not None
    assert {found.holder.key, *(one.key for one in found.claims)} == {one.key for one in claims}


def test_nobody_gets_it_twice(group: ResourceGroup):
    """Each in turn takes it and leaves it; two never have it at once."""
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        mine = claim(number)

        def has_it() -> bool:
            holder = group.update(lambda found: take(found, mine, MODE)).holder
            return holder is not None and holder.key == mine.key

        wait_until(has_it, f"the turn of {number}")
        inside.append(number)
        most.append(len(inside))
        inside.remove(number)
        group.update(lambda found: leave(found, {mine.key}))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(8)))

    assert most == [1] * 8
    assert read(group) == Group()


def test_the_dead_are_noticed(group: ResourceGroup):
    """A holder whose task has ended, and jobs in line whose run is gone, are taken out."""
    coming = claim(4, ready=False)
    group.update(lambda _: Group(holder=claim(1), claims=(claim(2), claim(3), coming)))

    group.prune(states(run1="failed", run2="deferred", run4=None))

    assert read(group) == Group(holder=None, claims=(claim(2), coming))


def test_two_installations_in_a_namespace_do_not_share_a_group(group: ResourceGroup):
    """Each asks its own Airflow which jobs live: it would free the other's group at once."""
    other = replace(group, installation="other")
    group.update(lambda found: take(found, claim(1), ProcessMode.UNORDERED))

    other.prune(lambda *_: {})
    other.update(lambda found: take(found, claim(2), ProcessMode.UNORDERED))

    assert [read(one).holder for one in (group, other)] == [claim(1), claim(2)]


def waiting(group: ResourceGroup, number: int) -> ResourceGroupTrigger:
    """Make the trigger of a job, as Airflow makes it from the database."""
    made = ResourceGroupTrigger(
        place=["not asked for", group.namespace],
        group=[group.installation, group.project, group.key],
        claim=msgspec.to_builtins(claim(number)),
        mode="unordered",
    )
    _, given = made.serialize()
    again = ResourceGroupTrigger(**json.loads(json.dumps(given)))
    again._open = lambda: group  # type: ignore[method-assign]
    return again


async def event_of(trigger: ResourceGroupTrigger) -> object:
    return (await anext(trigger.run())).payload


def test_the_trigger_takes_the_group_for_its_job(group: ResourceGroup):
    """When the holder leaves; then the job has it before a worker is asked for."""
    group.update(lambda _: Group(holder=claim(1)))

    with ThreadPoolExecutor(1) as triggerer:
        event = triggerer.submit(asyncio.run, event_of(waiting(group, 2)))
        wait_until(lambda: len(read(group).claims) == 1, "the job in line")
        group.update(lambda found: leave(found, {claim(1).key}))

    assert event.result(timeout=PATIENCE) == {"group": group.key, "problem": ""}
    assert read(group).holder == claim(2)


def test_a_trigger_that_nobody_answers_gives_up(group: ResourceGroup):
    """After the time for which an outage is borne, and the job learns why."""
    trigger = waiting(ResourceGroup(group.client, "no-such-namespace", "a", "p", "k"), 1)
    trigger.outage = 0

    answer = asyncio.run(event_of(trigger))

    assert "no-such-namespace" in str(answer)


@pytest.mark.parametrize("state", ["running", "queued", "scheduled", "deferred", "restarting"])
def test_a_task_that_is_there_holds_it(group: ResourceGroup, state: str):
    """Also while it goes from the triggerer to a worker."""
    group.update(lambda _: Group(holder=claim(1)))

    group.prune(states(run1=state))

    assert read(group).holder == claim(1)


def test_a_pod_holds_it_longer_than_its_task(group: ResourceGroup, api: Api):
    """Airflow has failed the task, but after_script still runs in the pod."""
    metadata = {"name": "busy", "labels": {f"{LABEL_DOMAIN}/{LABEL}": group.name}}
    script = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
    container = {"name": "build", "image": "debian:12", "command": ["sh", "-c", script]}
    body = {"metadata": metadata, "spec": {"containers": [container], "restartPolicy": "Never"}}
    group.client.create_namespaced_pod(group.namespace, body)
    group.update(lambda _: Group(holder=claim(1)))

    group.prune(states(run1="failed"))
    assert read(group).holder == claim(1)

    group.client.delete_namespaced_pod("busy", group.namespace, grace_period_seconds=0)
    wait_until(lambda: not group.has_pods(), "the end of the pod")
    group.prune(states(run1="failed"))
    assert read(group).holder is None


def test_nonsense_in_the_configmap_begins_anew(group: ResourceGroup):
    """Somebody has edited it: jobs go on."""
    group.update(lambda found: enter(found, claim(1)))
    group.client.patch_namespaced_config_map(
        group.name, group.namespace, {"data": {"group.json": "{nonsense"}}
    )

    assert read(group) == Group()


def test_the_configmap_tells_whose_it_is(group: ResourceGroup):
    """A person finds it by project and reads the key."""
    group.update(lambda found: enter(found, claim(1)))

    found = group.client.read_namespaced_config_map(group.name, group.namespace)

    assert found.metadata.annotations[f"{LABEL_DOMAIN}/resource-group-key"] == "production/eu west"
    assert found.metadata.labels[f"{LABEL_DOMAIN}/project"] == "group-project"
