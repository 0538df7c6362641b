"""A file of runners on a real Airflow: who takes a job, what its pod is like, why it is stuck."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from e2e.cluster import seen_in_the_cluster
from e2e.embedded import Stack, commit, make_repository
from e2e.logs import log_lines
from e2e.runs import ended, start, wait_for
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.lifecycle import StackOptions, running_stack
from servers.repositories import git

pytestmark = pytest.mark.embedded("Airflow's account has no rights in its runners' namespace")

Seen = tuple[Any, list[Any]]
"""The report of a run, and every state of its pods."""

NAMESPACE = "ci-team"
RUNNERS = """
runners:
  - name: team
    tags: [team, linux]
    namespace: ci-team
    pool: team-pool
    queue: team-queue
    priority_weight: 7
    allowed_images: ["debian:*"]
    labels: {cost-center: "42", branch: $CI_COMMIT_REF_NAME}
    scheduling: {node_selector: {kubernetes.io/os: linux}}
    overrides: {pod_labels: ^owner=}
    resources:
      build: {requests: {cpu: 20m}, limits: {memory: 1Gi}, max_limits: {memory: 2Gi}}
    volumes: [{name: shelf, emptyDir: {}}]
    volume_mounts: [{name: shelf, mountPath: /tmp/shelf/$CI_PROJECT_NAME}]
    pod_patches:
      - {name: host name, type: json, patch: [{op: add, path: /hostname, value: builder}]}
  - name: accelerated
    tags: [gpu]
    start_timeout: 5
    scheduling: {node_selector: {gpu: "yes"}}
  - name: pulling
    tags: [pulling]
    pull_policy: [always, if-not-present]
    scheduling: {node_selector: {nobody: "yes"}}
  - name: hasty
    tags: [hasty]
    maximum_timeout: 5
  - name: everyone
    run_untagged: true
    environment: {REGION: of-the-runner, MIRROR: mirror}
    feature_flags: {FF_KUBERNETES_HONOR_ENTRYPOINT: true}
    pre_build_script: echo before-$REGION
    post_build_script: echo after-$MIRROR
    services:
      - name: store
        alias: kept
        entrypoint: [sh, -c, 'echo service of $MIRROR; exec sleep 3600']
"""
PIPELINE = """
untagged:
  image: {name: debian:12, entrypoint: [env, ENTERED=by-the-entrypoint]}
  variables: {REGION: of-the-job, CI_DEBUG_SERVICES: "true"}
  script: echo $REGION $MIRROR $ENTERED; getent hosts kept
tagged:
  tags: [linux]
  image: debian:12
  variables: {KUBERNETES_POD_LABELS_1: owner=ops, KUBERNETES_MEMORY_LIMIT: 2Gi}
  script: echo here
greedy:
  tags: [linux]
  image: debian:12
  variables: {KUBERNETES_MEMORY_LIMIT: 64Gi}
  script: echo never-to-be-seen
forbidden: {tags: [team], image: alpine, script: echo never-to-be-seen}
nowhere: {tags: [gpu], script: echo never-to-be-seen}
slow: {tags: [hasty], timeout: 10 minutes, script: sleep 300}
stuck: {tags: [linux, windows], script: echo never-to-be-seen}
by_variable: {tags: [$KIND], variables: {KIND: team}, image: debian:12, script: echo here}
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with three runners, of which one has a namespace of its own."""
    folder = tmp_path_factory.mktemp("runners")
    file, home = folder / "runners.yml", Home(folder / "home")
    file.write_text(RUNNERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__GITLAB_CI__RUNNERS_FILE", str(file))
        with running_stack(home, StackOptions()) as state:
            config.load_kube_config(str(home.kubeconfig))
            client.CoreV1Api().create_namespace({"metadata": {"name": NAMESPACE}})
            stack = Stack(home, AirflowApi(state.access))
            stack.api.request("POST", "/pools", json={"name": "team-pool", "slots": 3})
            yield stack


@pytest.fixture(scope="module")
def seen(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """The report of one run, and every state of their pods."""
    repository = tmp_path_factory.mktemp("repositories") / "tags"
    make_repository(repository, {".gitlab-ci.yml": PIPELINE})
    with seen_in_the_cluster(stack) as states:
        report = stack.run(repository)
    return report, [json.loads(state) for state in states]


def pods(seen: Seen, job: str) -> list[Any]:
    """List every state of the pods of a job."""
    return [
        found
        for found in seen[1]
        if found["kind"] == "Pod" and found["metadata"]["labels"].get("task_id") == job
    ]


def shown(stack: Stack, seen: Seen, job: str) -> str:
    """Read a job's log as the Airflow UI shows it."""
    dag, run = seen[0]["dag_id"], seen[0]["run_id"]
    return "\n".join(log_lines(stack.api, dag, run, stack.api.tasks(dag, run)[job]))


def result(stack: Stack, seen: Seen, job: str) -> dict[str, Any]:
    """Read how a job says that it has ended."""
    found: dict[str, Any] = stack.api.xcom(seen[0]["dag_id"], seen[0]["run_id"], job, "job_result")
    return found


def test_a_jobs_tags_choose_its_runner_and_that_makes_its_pod(stack: Stack, seen: Seen):
    """Namespace, labels, nodes, resources and patches are those of the first runner that fits."""
    found = pods(seen, "tagged")[-1]
    build = next(one for one in found["spec"]["containers"] if one["name"] == "build")

    assert seen[0]["jobs"]["tagged"]["status"] == "success"
    assert "runner: team" in shown(stack, seen, "tagged")
    assert found["metadata"]["namespace"] == NAMESPACE
    assert found["metadata"]["labels"].items() >= {
        ("cost-center", "42"),
        ("branch", "main"),
        ("owner", "ops"),
    }
    assert found["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert found["spec"]["hostname"] == "builder"
    assert "/tmp/shelf/tags" in [mount["mountPath"] for mount in build["volumeMounts"]]
    assert build["resources"] == {
        "requests": {"cpu": "20m", "memory": "128Mi"},
        "limits": {"memory": "2Gi"},
    }


def slot(stack: Stack, report: Any, job: str) -> tuple[str, str, int]:
    """Read where Airflow has run the task of a job."""
    run = f"/dags/{report['dag_id']}/dagRuns/{report['run_id']}"
    task = stack.api.request("GET", f"{run}/taskInstances/{job}")
    return task["pool"], task["queue"], task["priority_weight"]


def test_tasks_are_in_the_pool_and_queue_of_their_runner(stack: Stack, seen: Seen, tmp_path: Path):
    """Also on a branch where the job has other tags: it has a DAG of its own."""
    weight_of_finish_pipeline = 1
    team = ("team-pool", "team-queue", 7 + weight_of_finish_pipeline)
    repository = make_repository(
        tmp_path / "slots", {".gitlab-ci.yml": "moved: {tags: [team], image: debian:12, script: x}"}
    )
    git(repository, "checkout", "-q", "-b", "topic")
    commit(repository, {".gitlab-ci.yml": "moved: {script: echo here}"})
    git(repository, "checkout", "-q", "main")
    main = stack.run(repository)
    topic = stack.run(repository, "--ref", "topic")

    assert slot(stack, seen[0], "tagged") == team
    assert slot(stack, seen[0], "untagged")[0] == "default_pool"
    assert slot(stack, seen[0], "by_variable")[0] == "default_pool"
    assert "has the pool 'team-pool', this task 'default_pool'" in shown(stack, seen, "by_variable")
    assert slot(stack, main, "moved") == team
    assert slot(stack, topic, "moved")[0] == "default_pool"
    assert topic["dag_id"] != main["dag_id"]


def test_jobs_without_tags_go_to_the_runner_that_takes_them(seen: Seen):
    """They get nothing of the other runners."""
    found = pods(seen, "untagged")[-1]

    assert seen[0]["jobs"]["untagged"]["status"] == "success"
    assert found["metadata"]["namespace"] == "default"
    assert "cost-center" not in found["metadata"]["labels"]
    assert "hostname" not in found["spec"]


def test_a_runner_adds_to_its_jobs(seen: Seen):
    """Variables that are weaker than the job's, scripts, services, and the entrypoint's effect."""
    log = Path(seen[0]["jobs"]["untagged"]["log"]).read_text().splitlines()
    said = [line for line in log if line.startswith(("before-", "of-the", "after-", "127."))]

    assert [words.split() for words in said] == [
        ["before-of-the-job"],
        ["of-the-job", "mirror", "by-the-entrypoint"],
        ["127.0.0.1", "store", "kept"],
        ["after-mirror"],
    ]
    assert any("[service:kept] service of mirror" in line for line in log)


def test_variables_in_tags_are_expanded(seen: Seen):
    """`tags: [$KIND]` asks for the tag that the variable holds."""
    assert seen[0]["jobs"]["by_variable"]["status"] == "success"
    assert pods(seen, "by_variable")[-1]["metadata"]["namespace"] == NAMESPACE


@pytest.mark.parametrize(
    ("job", "reason", "words"),
    [
        (
            "stuck",
            "stuck_pending_no_matching_runners",
            (
                "the job is stuck: it has the tags 'linux', 'windows', and no runner takes it: "
                "'team' lacks 'windows'; 'accelerated' lacks 'linux', 'windows'; "
                "'pulling' lacks 'linux', 'windows'; 'hasty' lacks 'linux', 'windows'; "
                "'everyone' lacks 'linux', 'windows'"
            ),
        ),
        (
            "forbidden",
            "runner_system_failure",
            "'alpine' is not allowed by the runner 'team': its allowed_images are debian:*",
        ),
        (
            "greedy",
            "runner_system_failure",
            "KUBERNETES_MEMORY_LIMIT asks for 64Gi, and the runner 'team' allows 2Gi at most",
        ),
        ("slow", "job_execution_timeout", "ran longer than its timeout of 5 s"),
        ("nowhere", "runner_system_failure", "didn't match Pod's node affinity/selector"),
    ],
)
def test_a_job_that_its_runner_cannot_run_says_why(
    stack: Stack, seen: Seen, job: str, reason: str, words: str
):
    """It fails with GitLab's reason, in words that name what the runner lacks or forbids."""
    assert seen[0]["jobs"][job]["status"] == "failed"
    assert words in seen[0]["jobs"][job]["reason"]
    assert result(stack, seen, job)["failure_reason"] == reason
    assert "never-to-be-seen" not in shown(stack, seen, job)


def unpulled(dag: str) -> list[Any]:
    """List the job's pods whose images nobody has tried to pull."""
    found = client.CoreV1Api().list_namespaced_pod("default", label_selector=f"dag_id={dag}").items
    gone = [pod.metadata.deletion_timestamp for pod in found]
    return [
        pod
        for pod, deleted in zip(found, gone, strict=True)
        if not (deleted or pod.status.init_container_statuses)
    ]


def refuse(dag: str) -> str:
    """Have the registry refuse the image of a pod; tell the policy with which it was asked."""
    wait_for(lambda: unpulled(dag))
    (pod,) = unpulled(dag)
    container: dict[str, Any] = {"name": "prepare", "image": "x", "imageID": "", "ready": False}
    container |= {"restartCount": 0}
    container["state"] = {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}
    status = {"status": {"initContainerStatuses": [container]}}
    client.CoreV1Api().patch_namespaced_pod_status(pod.metadata.name, "default", status)
    return str(pod.spec.init_containers[0].image_pull_policy)


def test_pull_policies_are_tried_in_turn(stack: Stack, tmp_path: Path):
    """Each in a pod of its own, in one try of the job; the last failure is the job's."""
    config_text = "pull: {tags: [pulling], script: echo}"
    repository = make_repository(tmp_path / "pulls", {".gitlab-ci.yml": config_text})
    dag, run = start(stack, repository)

    assert refuse(dag) == "Always"
    assert refuse(dag) == "IfNotPresent"
    wait_for(lambda: ended(stack, dag, run))
    found = stack.api.xcom(dag, run, "pull", "job_result")
    task = stack.api.tasks(dag, run)["pull"]
    log = "\n".join(log_lines(stack.api, dag, run, task))

    assert found["failure_reason"] == "image_pull_failure"
    assert "manifest unknown" in found["reason"]
    assert "pull policy always (1 of 2)" in log
    assert "trying the pull policy if-not-present (2 of 2)" in log
    assert task.try_number == 1
    assert stack.pods(repository) == []
