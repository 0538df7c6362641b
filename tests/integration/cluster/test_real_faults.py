"""Jobs on a real Kubernetes on a bad day: what it does, and what a job makes of it."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from clusters.target import Target, read_target
from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.hooks.outages import is_passing, patient
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.pod_worker_io import WorkerIO
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.run import JobResult
from gitlab_ci_provider.pods.starting import Starting
from gitlab_ci_provider.pods.status import has_ended
from gitlab_ci_provider.runs.job.coverage import CoverageScan
from gitlab_ci_provider.runs.job.evidence import explained
from gitlab_ci_provider.runs.job.follower import Follower
from gitlab_ci_provider.runs.job.log import JobLog
from gitlab_ci_provider.runs.job.objects import create, find_again
from gitlab_ci_provider.variables.masking import Masker
from integration.cluster.job_pods import job_objects, pod_worker
from integration.cluster.support import Api, Cluster, refused
from processes.counter import counting
from processes.waiting import PATIENCE, wait_until

WHOLE, ROTATED = 120_000, 200_000
"""Lines of a log that is shorter, or longer, with the node's own words, than the 10 MiB at which
the node rotates it away."""

_OWN_LINES = 20
"""What a job says around its script, at most."""

OUTAGE = 60

pytestmark = pytest.mark.real("it is about what only a real Kubernetes does")


@pytest.fixture
def target(pytestconfig: pytest.Config) -> Target:
    """The cluster, for tests that stop parts of it."""
    found = read_target(Path(pytestconfig.option.kubeconfig))
    if found.stopped is None:
        pytest.skip("nobody can stop the parts of this cluster")
    return found


@dataclass
class Worker:
    """A worker of Airflow that runs jobs in the test's namespace."""

    api: Api
    core: client.CoreV1Api
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("worker"))

    def start(
        self, name: str, *script: str, change: Callable[[client.V1Pod], object] = id
    ) -> PodWatch:
        """Create the pod of a job, changed in some way."""
        made, secret = job_objects(name, self.api.namespace, Script(main=script))
        change(made)
        create(self.core, made, secret)
        return self.watch(name)

    def watch(self, name: str) -> PodWatch:
        return PodWatch(client=self.core, name=name, namespace=self.api.namespace)

    def follow(self, watched: PodWatch, patience: float = PATIENCE) -> JobResult:
        """Follow a job to its end, as its task does."""
        return pod_worker(self.log, patience, core=self.core).follow(watched)

    def failure(self, watched: PodWatch, patience: float = PATIENCE) -> JobFailure:
        """Follow a job that must fail."""
        with pytest.raises(JobFailure) as failed:
            self.follow(watched, patience)
        return failed.value

    @property
    def operator(self) -> Any:
        return SimpleNamespace(client=self.core, log=self.log)


@pytest.fixture
def worker(cluster: Cluster, api: Api, caplog: pytest.LogCaptureFixture) -> Worker:
    """A worker that waits ten minutes for an API that is away."""
    caplog.set_level(logging.INFO)
    log = logging.getLogger("worker")
    core = client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
    return Worker(api, patient(core, 600, log), log)


def limited(**limits: str) -> Callable[[client.V1Pod], None]:
    """Limit what the build container may use."""

    def change(made: client.V1Pod) -> None:
        made.spec.containers[0].resources = client.V1ResourceRequirements(limits=limits)

    return change


def with_image(name: str) -> Callable[[client.V1Pod], None]:
    """Run the script in another image."""

    def change(made: client.V1Pod) -> None:
        made.spec.containers[0].image = name

    return change


@pytest.mark.parametrize("lines", [WHOLE, ROTATED])
def test_a_log_survives_an_api_that_breaks_off_after_the_end(
    worker: Worker, cluster: Cluster, target: Target, lines: int
):
    """D1: the connection breaks when the container has long ended; each line comes once.

    What the node has rotated away meanwhile nobody can read any more: the log counts it.
    """
    watched = worker.start("fast", f"seq {lines}")
    raw, cuts = io.BytesIO(), list[int]()
    log = JobLog(lambda _: None, raw, Masker())

    class Cut(Follower):
        def _put(self, block: bytes) -> None:
            Follower._put(self, block)
            if not cuts and raw.tell() > 100_000:
                worker.watch("fast").until(has_ended, PATIENCE)
                with target.without("apiserver"):
                    wait_until(lambda: refused(cluster), "the end of the API server")
                cuts.append(raw.tell())

    follower = Cut(
        log=log, coverage=CoverageScan(None), starting=Starting(grace=0), patience=PATIENCE
    )
    assert WorkerIO(pod=watched).perform(follower.steps()).kind == "over"
    log.close()

    printed = [int(line) for line in raw.getvalue().split(b"\n") if line.isdigit()]
    missing = sum(map(int, re.findall(rb"(\d+) lines? (?:is|are) missing here", raw.getvalue())))
    assert cuts
    assert printed == sorted(set(printed))
    assert lines <= len(printed) + missing <= lines + _OWN_LINES
    assert missing == 0 or lines > WHOLE


def test_a_job_outlasts_an_api_that_is_away_for_a_minute(
    worker: Worker, cluster: Cluster, target: Target, caplog: pytest.LogCaptureFixture
):
    """D2: the job goes on meanwhile, its log has no gap, and its end counts."""
    script = f"for i in $(seq {OUTAGE + 20}); do echo tick $i; sleep 1; done; echo over"
    watched = worker.start("patient", script)
    with ThreadPoolExecutor(1) as task:
        followed = task.submit(worker.follow, watched)
        wait_until(lambda: "tick 3" in caplog.messages, "the job")
        with target.without("apiserver"):
            wait_until(lambda: refused(cluster), "the end of the API server")
            _let_pass(OUTAGE)
        result = followed.result(PATIENCE)

    ticks = [line for line in caplog.messages if line.startswith("tick ")]
    assert result.exit_code == 0
    assert ticks == [f"tick {number}" for number in range(1, OUTAGE + 21)]


def _let_pass(seconds: int) -> None:
    """Wait for as long as an outage is to last: the only thing here that is about time."""
    with pytest.raises(AssertionError):
        wait_until(lambda: False, "nothing", seconds, pause=1)


def test_a_job_whose_worker_dies_after_its_end_runs_once(worker: Worker):
    """D3: the next worker finds the pod that has ended, and takes its result and its log."""
    with counting() as heard:
        watched = worker.start("once", heard.say("deployed"), "exit 3")
        watched.until(has_ended, PATIENCE)
        wanted, _ = job_objects("once", worker.api.namespace, Script())
        found = find_again(worker.operator, wanted)
        assert found is not None
        failure = worker.failure(worker.watch(found.metadata.name))

    assert (failure.reason, failure.exit_code) == ("script_failure", 3)
    assert heard.lines["deployed"] == 1


def test_words_of_the_node_are_no_output_of_the_job(
    worker: Worker, api: Api, caplog: pytest.LogCaptureFixture
):
    """D4: the log is gone from the node, which says so with status 200."""
    watched = worker.start("lost", "echo said")
    watched.until(has_ended, PATIENCE)
    folder = {"name": "logs", "hostPath": {"path": "/var/log/pods"}}
    mount = {"volumeMounts": [{"name": "logs", "mountPath": "/logs"}]}
    api.output("thief", f"rm -r /logs/{api.namespace}_lost_*", container=mount, volumes=[folder])
    assert b"/var/log/pods" in api.log("lost", container="helper")

    result = worker.follow(watched)

    told = [line for line in caplog.messages if "/var/log/pods" in line]
    assert result.exit_code == 0
    assert told
    assert all("missing here" in line for line in told)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("registry.test/private/x:1", "401 Unauthorized|authorization failed"),
        ("registry.test/missing/x:1", "not found"),
    ],
)
def test_a_failed_pull_says_what_the_registry_has_said(worker: Worker, image: str, words: str):
    """D5: a login that is missing and an image that is not there look different."""
    failure = worker.failure(worker.start("pull", "true", change=with_image(image)))

    assert failure.reason == "image_pull_failure"
    assert image in str(failure)
    assert re.search(words, str(failure))


def test_an_image_without_a_shell_is_named(worker: Worker):
    """The container cannot start; its helper does not wait for it forever."""
    failure = worker.failure(worker.start("bare", "true", change=with_image("pause:1")))

    assert failure.reason == "runner_system_failure"
    assert "sh" in str(failure)
    assert "build" in str(failure)


def test_running_out_of_memory_is_named(worker: Worker):
    """The limit is the container's own; the script's last words are in the log."""
    eat = "python3 -c 'x = bytearray(200_000_000); print(len(x))'"
    failure = worker.failure(worker.start("big", eat, change=limited(memory="64Mi")))

    assert "memory" in str(failure)


def test_a_pod_that_is_evicted_is_interrupted(worker: Worker):
    """The kubelet says what the pod has used too much of."""

    def small(made: client.V1Pod) -> None:
        for volume in made.spec.volumes:
            if volume.empty_dir is not None:
                volume.empty_dir = client.V1EmptyDirVolumeSource(size_limit="1Mi")

    fill = "head -c 20000000 /dev/zero >big; sleep 300"
    failure = worker.failure(worker.start("evicted", fill, change=small))

    assert "evicted" in str(failure)
    assert "exceeds the limit" in str(failure)


def test_the_deadline_of_the_pod_is_a_timeout(worker: Worker):
    """Kubernetes ends a pod whose worker no longer can."""

    def short(made: client.V1Pod) -> None:
        made.spec.active_deadline_seconds = 10

    failure = worker.failure(worker.start("late", "sleep 600", change=short))

    assert failure.reason == "job_execution_timeout"


def test_a_pod_that_is_deleted_by_hand_is_interrupted(worker: Worker, api: Api):
    """Nobody can say how the job would have ended."""
    watched = worker.start("deleted", "sleep 600")
    api.wait("deleted", lambda seen: seen["status"]["phase"] == "Running")
    api.delete("pods", "deleted", gracePeriodSeconds=0)

    failure = worker.failure(watched)

    assert failure.reason == "runner_interrupted"
    assert "deleted" in str(failure)


def test_a_pod_that_no_node_can_run_says_why(worker: Worker):
    """In the scheduler's words."""

    def greedy(made: client.V1Pod) -> None:
        made.spec.containers[0].resources.requests = {"cpu": "1000"}

    failure = worker.failure(worker.start("huge", "true", change=greedy), patience=5)

    assert "Insufficient cpu" in str(failure)


def test_a_pod_that_the_node_refuses_is_interrupted(worker: Worker):
    """A kubelet counts again what the scheduler has counted, and says what is missing."""

    def forced(made: client.V1Pod) -> None:
        made.spec.node_name = "node"
        made.spec.containers[0].resources.requests = {"cpu": "1000"}

    failure = worker.failure(worker.start("refused", "true", change=forced))

    assert failure.reason == "runner_interrupted"
    assert "the node refused the pod: OutOfcpu" in str(failure)


def test_a_pod_that_is_preempted_is_interrupted(worker: Worker, api: Api):
    """The scheduler makes room for a pod that goes before: its event says for which one.

    Since Kubernetes 1.26, the pod itself says that it had to give way.
    """
    dongle = "tests.example.com/dongle"  # so that no other pod has to give way
    capacity = [{"op": "add", "path": f"/status/capacity/{dongle.replace('/', '~1')}", "value": 1}]
    worker.core.patch_node_status("node", capacity)
    scheduling = client.SchedulingV1Api(worker.core.api_client)
    first = client.V1PriorityClass(metadata={"name": api.namespace}, value=1000)
    scheduling.create_priority_class(first)
    wants = client.V1ResourceRequirements(limits={dongle: "1"})

    def wanting(made: client.V1Pod) -> None:
        made.spec.containers[0].resources = wants

    def going_first(made: client.V1Pod) -> None:
        wanting(made)
        made.spec.priority_class_name = api.namespace

    try:
        watched = worker.start("last", "sleep 600", change=wanting)
        api.wait("last", lambda seen: seen["status"]["phase"] == "Running")
        other = worker.start("first", "true", change=going_first)
        failure = worker.failure(watched)
        assert worker.follow(other).exit_code == 0
    finally:
        scheduling.delete_priority_class(api.namespace)

    assert failure.reason == "runner_interrupted"
    metadata = client.V1ObjectMeta(name="last", namespace=api.namespace)
    told = str(explained(failure, worker.core, client.V1Pod(metadata=metadata), str))
    event = f"deleted before it ended: Preempted by {api.namespace}/first"
    assert re.search(f"{event}|the pod was disrupted: .*preempting", told)


def test_a_quota_refuses_in_words(worker: Worker, api: Api):
    """Which quota, and by how much; no Secret stays."""
    quota = {"metadata": {"name": "jobs"}, "spec": {"hard": {"pods": "0"}}}
    api.create("resourcequotas", quota)
    wait_until(lambda: "hard" in api.get("resourcequotas", "jobs")["status"], "the quota")

    with pytest.raises(ApiException, match="exceeded quota: jobs"):
        worker.start("many", "true")

    assert "many" not in api.names("secrets")


def test_a_pod_that_is_too_large_is_refused_at_once(worker: Worker):
    """Kubernetes answers 500, as if it were out of order."""

    def fat(made: client.V1Pod) -> None:
        made.spec.containers[0].env = [client.V1EnvVar(name="FAT", value="x" * 1_600_000)]

    with pytest.raises(ApiException, match="request is too large") as refused_for:
        worker.start("fat", "true", change=fat)

    assert not is_passing(refused_for.value)


def test_the_secret_of_a_job_goes_with_its_pod(worker: Worker, api: Api):
    """The garbage collector of a real cluster deletes what the pod owned."""
    watched = worker.start("owner", "true")
    watched.until(has_ended, PATIENCE)
    assert "owner" in api.names("secrets")

    api.delete("pods", "owner")

    wait_until(lambda: "owner" not in api.names("secrets"), "the end of the Secret")
