"""What a person reads when a real Kubernetes lets a job down, in each way of waiting.

docs/reference/faults.md shows the same sentences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from clusters.target import Target, read_target
from e2e.bad_days import RUNNERS, SLICE, SLICES, Told, bad_days
from e2e.embedded import Stack, a_stack, make_repository
from e2e.faulty import calmly, pods_by_job
from e2e.logs import log_lines
from e2e.runs import end_of, raw_log, start, wait_for
from processes.waiting import wait_until

pytestmark = [
    pytest.mark.real("it is about what only a real Kubernetes does"),
    pytest.mark.timeout(3600),
]

SYSTEM, PULL, INTERRUPTED = "runner_system_failure", "image_pull_failure", "runner_interrupted"

ENDS = {
    "no-login": (
        PULL,
        r"\(image registry.test/private/x:1\): .*(401 Unauth|authorization failed)",
    ),
    "no-image": (PULL, r"container 'build' \(image registry.test/missing/x:1\): .*not found"),
    "busy-registry": (PULL, r"503 Service Unavailable.* \(tried again for \d+ s\)"),
    "bad-name": (PULL, r"InvalidImageName: Failed to apply default image tag"),
    "no-shell": (SYSTEM, r"container 'build' .*: StartError: .*\"sh\": executable file not found"),
    "nowhere": (SYSTEM, r"did not start within 20 s: no node can run it: 0/1 nodes are available"),
    "huge": (SYSTEM, r"Kubernetes refused: the pod asks for more than the namespace's whole quota"),
    "beyond": (SYSTEM, r"a LimitRange of the namespace does not allow these resources: .*is 8Gi"),
    "hooked": (SYSTEM, r"an admission webhook of the cluster denies it: .*not on a Friday"),
    "accountless": (SYSTEM, r"Kubernetes refused: the pod's service account does not exist: .*"),
    "unranked": (SYSTEM, r"Kubernetes refused: the pod's priority class does not exist: .*"),
    "unmounted": (SYSTEM, r"did not start within 20 s: .*secret \"nothing\" not found"),
    "tight": ("script_failure", r"out of memory: the kernel killed .*limit 64 MiB, peak 6\d MiB"),
    "full": (SYSTEM, r"the pod was evicted: .*ephemeral local storage usage exceeds .*limit"),
    "served": ("runner_unsupported", r"this Kubernetes cannot run services"),
    "deleted": (INTERRUPTED, r"was deleted before it ended"),
    "drained": (INTERRUPTED, r"was deleted before it ended|the pod was disrupted: Eviction API"),
    "late": ("job_execution_timeout", r"the pod ran past its deadline"),
}
"""GitLab's reason for the end of each job, and ours in words."""

SIDECARS = (1, 29)
SERVED = (SYSTEM, r"service \S+ \(redis:7\) is not ready after \d+ s")
"""The end of `served` where services can run: that image of the tests has no Redis."""


WAYS = {
    "worker": {"WAITING": "worker"},
    "deferred": {"WAITING": "deferred"},
    "adaptive": {"WAITING": "adaptive", "DEFER_AFTER": "10"},
}
"""How the settings say who waits: adaptive jobs change hands in the midst of it."""


@pytest.fixture(scope="module", params=WAYS)
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack with many runners that waits for pods in one way."""
    folder = tmp_path_factory.mktemp(request.param)
    file = folder / "runners.yml"
    file.write_text(RUNNERS)
    settings = {"RUNNERS_FILE": str(file), "IMAGE_PULL_GRACE": "15", **WAYS[request.param]}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(f"AIRFLOW__GITLAB_CI__{name}", value)
        with a_stack(request.config, folder) as own:
            yield own


@pytest.fixture(scope="module")
def told(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What one run of all jobs has told."""
    return bad_days(stack, tmp_path_factory.mktemp("told"))


@pytest.mark.parametrize("job", ENDS)
def test_a_job_says_what_has_happened_to_it(told: Told, target: Target, job: str):
    """In its result, and as the last words of its log in Airflow."""
    runs_services = job == "served" and target.version >= SIDECARS
    reason, words = SERVED if runs_services else ENDS[job]
    result = told.results[job]

    assert result["status"] == "failed"
    assert (result["failure_reason"], bool(re.search(words, result["reason"]))) == (reason, True), (
        result["reason"]
    )
    assert f"({reason})" in told.logs[job]
    assert result["reason"].count("failed to resolve reference") < 2


def test_no_line_of_a_loud_job_is_lost_in_silence(told: Told):
    """The node rotates its log at 10 MiB: each line comes once, or the log counts those missing.

    Kubernetes 1.20 may cut a line in the middle where it goes on with the next file.
    """
    seen = re.findall(r"^line (\d+)th of slice (\d+) ", told.loud, re.MULTILINE)
    gaps = list(map(int, re.findall(r"(\d+) lines? (?:is|are) missing here", told.loud)))

    assert told.results["loud"]["status"] == "success"
    assert len(seen) == len(set(seen))
    assert SLICES * SLICE - len(gaps) <= len(seen) + sum(gaps) <= SLICES * SLICE


TICKS = 100

DECISION = "authorization.k8s.io/decision"
"""What the API server's audit log says of a request's permission; admission refuses otherwise."""


@pytest.fixture
def target(pytestconfig: pytest.Config) -> Target:
    """The cluster, whose parts can be stopped."""
    found = read_target(Path(pytestconfig.option.kubeconfig))
    if found.stopped is None:
        pytest.skip("nobody can stop the parts of this cluster")
    return found


@dataclass(frozen=True)
class Ticking:
    """A run whose only job writes a line a second."""

    stack: Stack
    dag: str
    run: str

    @property
    def ticks(self) -> list[str]:
        lines = raw_log(self.stack, self.dag, self.run, "job").splitlines()
        return [line for line in lines if line.startswith("tick ")]

    @property
    def log(self) -> str:
        return "\n".join(
            log_lines(
                self.stack.api, self.dag, self.run, self.stack.api.tasks(self.dag, self.run)["job"]
            )
        )

    def end(self) -> str:
        return end_of(self.stack.api, self.dag, self.run)


@pytest.fixture
def ticking(stack: Stack, tmp_path: Path) -> Ticking:
    """A job that has begun."""
    script = f"for i in $(seq {TICKS}); do echo tick $i; sleep 1; done"
    name = f"ticking-{tmp_path.name[-20:]}".lower().replace("_", "-").replace("[", "-")
    files = {".gitlab-ci.yml": f"job: {{script: '{script}'}}\n"}
    job = Ticking(stack, *start(stack, make_repository(tmp_path / name, files)))
    wait_for(lambda: len(job.ticks) > 5)
    return job


ALL_TICKS = [f"tick {number}" for number in range(1, TICKS + 1)]


def test_a_job_outlasts_an_api_server_that_is_away_for_a_minute(ticking: Ticking, target: Target):
    """It goes on meanwhile, its log has no gap, and its end counts."""
    with target.without("apiserver"):
        let_pass(60)

    assert ticking.end() == "success"
    assert ticking.ticks == ALL_TICKS


def test_a_node_that_comes_back_costs_a_job_nothing(ticking: Ticking, target: Target):
    """Without kubelet and containerd until Kubernetes calls the node lost: the containers go on."""
    with target.without("kubelet"), target.without("containerd"):
        wait_for(lambda: not node_is_ready(ticking.stack))

    assert ticking.end() == "success"
    assert ticking.ticks == ALL_TICKS


def test_a_pod_that_is_given_up_with_its_node_is_interrupted(ticking: Ticking, target: Target):
    """Once Kubernetes, or a person, deletes the pod of a node that does not answer.

    When the node comes back, it removes the pod; the reaper does so where the kubelet cannot.
    """
    stack = ticking.stack
    (pod,) = pods_by_job(stack).values()
    with target.without("kubelet"):
        wait_for(lambda: not node_is_ready(stack))
        stack.core.delete_namespaced_pod(pod, stack.namespace)
        assert ticking.end() == "failed"
    wait_for(lambda: node_is_ready(stack))

    result = stack.api.xcom(ticking.dag, ticking.run, "job", "job_result")
    assert result["failure_reason"] == INTERRUPTED
    assert "the node was lost" in result["reason"]
    wait_until(lambda: reaped(stack), "the end of the pod", pause=10)


def test_a_pod_that_its_node_evicts_is_interrupted(ticking: Ticking, target: Target):
    """The node is short of memory, which is not the job's fault."""
    stack = ticking.stack
    short = {"memory.available": "95%"}  # more than any machine has on which all this runs
    with target.with_kubelet(evictionHard=short, evictionPressureTransitionPeriod="1s"):
        assert ticking.end() == "failed"
    wait_for(lambda: not node_has(stack, "MemoryPressure"))

    result = stack.api.xcom(ticking.dag, ticking.run, "job", "job_result")
    assert result["failure_reason"] == INTERRUPTED
    assert "the pod was evicted: The node was low on resource: memory" in result["reason"]
    wait_for(lambda: pods_by_job(stack) == {})


def test_a_quota_that_is_used_up_is_waited_for(stack: Stack, tmp_path: Path):
    """The job's log says for what; it runs once others have made room."""
    other = client.V1Pod(
        metadata=client.V1ObjectMeta(name="other"),
        spec=client.V1PodSpec(
            containers=[client.V1Container(name="main", image="debian:12")],
            node_selector={"gpu": "1"},
        ),
    )
    stack.core.create_namespaced_pod(stack.namespace, other)
    allow_pods(stack, 1)
    name = f"quota-{tmp_path.name[-12:]}".lower().replace("_", "-").replace("[", "-")
    repository = make_repository(tmp_path / name, {".gitlab-ci.yml": "job: {script: 'true'}\n"})
    job = Ticking(stack, *start(stack, repository))
    wait_for(lambda: calmly(lambda: "the namespace's quota is used up" in job.log))
    stack.core.delete_namespaced_pod("other", stack.namespace)

    assert job.end() == "success"
    allow_pods(stack, 200)


def allow_pods(stack: Stack, number: int) -> None:
    """Set the namespace's quota, and wait until Kubernetes has counted."""
    hard = {"pods": str(number)}
    stack.core.patch_namespaced_resource_quota("jobs", stack.namespace, {"spec": {"hard": hard}})

    def counted() -> bool:
        quota = stack.core.read_namespaced_resource_quota("jobs", stack.namespace).status
        return bool(quota.hard["pods"] == str(number))

    wait_for(counted)


def test_airflow_asks_for_nothing_that_its_role_forbids(stack: Stack, target: Target):
    """In all tests above, whoever waited: worker, triggerer, `finish_pipeline`.

    An API server that has just started forbids for a moment what it allows otherwise.
    """
    assert target.audit
    assert stack.place
    asked = [json.loads(line) for line in target.audit.read_text().splitlines()]
    own = [one for one in asked if one["user"]["username"] == stack.place.user]
    allowed = {kind_of(one) for one in own if one["annotations"].get(DECISION) == "allow"}

    assert allowed
    assert {kind_of(one) for one in own} - allowed == set()


def kind_of(request: dict[str, Any]) -> tuple[str, str, str]:
    """Tell what a role has to allow for a request."""
    about = request["objectRef"]
    return request["verb"], about["resource"], about.get("subresource", "")


def reaped(stack: Stack) -> bool:
    """Have the reaper delete what is left; tells whether nothing is."""
    done = stack.command("reap", "--delete", *stack.flags)
    assert done.returncode == 0, done.stderr
    return pods_by_job(stack) == {}


def node_is_ready(stack: Stack) -> bool:
    return node_has(stack, "Ready")


def node_has(stack: Stack, condition: str) -> bool:
    (node,) = stack.core.list_node().items
    return any(one.type == condition and one.status == "True" for one in node.status.conditions)


def let_pass(seconds: int) -> None:
    """Wait for as long as an outage is to last: the only thing here that is about time."""
    with pytest.raises(AssertionError):
        wait_until(lambda: False, "nothing", seconds, pause=1)
