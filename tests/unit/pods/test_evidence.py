"""What is kept of a pod that explains a failure: enough, small, and nothing that must be hidden."""

from __future__ import annotations

from datetime import UTC, datetime

from kubernetes import client as k8s

from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.pods.evidence import evidence_lines, pod_evidence, started_containers

LIMITS = k8s.V1ResourceRequirements(limits={"memory": "128Mi", "cpu": "1"})


def make_event(second: int, message: str, count: int = 1) -> k8s.CoreV1Event:
    return k8s.CoreV1Event(
        metadata=k8s.V1ObjectMeta(name=f"e{second}"),
        involved_object=k8s.V1ObjectReference(),
        last_timestamp=datetime(2026, 11, 28, 12, 0, second, tzinfo=UTC),
        type="Warning",
        reason="BackOff",
        message=message,
        count=count,
    )


def make_pod(message: str = "") -> k8s.V1Pod:
    """Make a pod whose build container was killed, next to a service that waits for its image."""
    ended = k8s.V1ContainerStateTerminated(
        exit_code=137,
        reason="OOMKilled",
        message=message,
        started_at=datetime(2026, 11, 28, 12, 0, 1, tzinfo=UTC),
        finished_at=datetime(2026, 11, 28, 12, 0, 9, tzinfo=UTC),
    )
    waits = k8s.V1ContainerStateWaiting(reason="ImagePullBackOff", message="Back-off")
    states = {
        "build": k8s.V1ContainerState(terminated=ended),
        "svc-0": k8s.V1ContainerState(waiting=waits),
    }
    containers = [
        k8s.V1Container(name="build", image="debian:12", resources=LIMITS),
        k8s.V1Container(name="svc-0", image="postgres:16"),
    ]
    statuses = [
        k8s.V1ContainerStatus(
            name=name, state=state, image="i", image_id="", ready=False, restart_count=2
        )
        for name, state in states.items()
    ]
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="p"),
        spec=k8s.V1PodSpec(containers=containers, node_name="node-1"),
        status=k8s.V1PodStatus(phase="Failed", container_statuses=statuses),
    )


def mask(text: str) -> str:
    return text.replace("s3cret", "[MASKED]")


def test_statuses_events_and_logs_are_told_in_lines():
    """A person reads exit code, reason, limits, times and restarts, and the newest events."""
    events = [make_event(7, "later", 3), make_event(5, "earlier")]

    found = pod_evidence("p", make_pod(), events, {"build": "one\ntwo\n"}, mask)

    assert list(evidence_lines(found, shown=())) == [
        "pod p on node node-1: Failed",
        (
            "container 'build' (debian:12): terminated with exit code 137 (OOMKilled); "
            "limits: cpu 1, memory 128Mi; restarted 2 times; "
            "from 2026-11-28T12:00:01+00:00 to 2026-11-28T12:00:09+00:00"
        ),
        "container 'svc-0' (postgres:16): waiting (ImagePullBackOff: Back-off); restarted 2 times",
        "event 2026-11-28T12:00:05+00:00 Warning BackOff: earlier",
        "event 2026-11-28T12:00:07+00:00 Warning BackOff: later (3 times)",
        "the last lines of the log of container 'build':",
        "  | one",
        "  | two",
    ]


def test_what_every_pod_goes_through_is_not_told():
    """Starting, and the same warning of several containers, would hide what is special."""
    boring = make_event(1, "Container started")
    boring.reason = "Started"
    events = [boring, make_event(2, "the same"), make_event(2, "the same")]

    found = pod_evidence("p", make_pod(), events, {}, mask)

    told = [line for line in evidence_lines(found, shown=()) if line.startswith("event")]
    assert told == ["event 2026-11-28T12:00:02+00:00 Warning BackOff: the same"]
    assert len(found.events) == 3


def test_a_log_that_was_shown_is_not_shown_again():
    """The record has the end of every log; the task's log has each only once."""
    found = pod_evidence("p", make_pod(), [], {"build": "one\n"}, mask)

    assert found.containers[0].log == ("one",)
    assert "  | one" not in list(evidence_lines(found, shown={"build"}))


def test_secrets_and_control_characters_are_removed():
    """Services and images may print anything, in their logs and as their last words."""
    pod = make_pod(message="s3cret\x1b[31m red")
    events = [make_event(1, "pulling with s3cret\x07")]

    found = pod_evidence("p", pod, events, {"build": "\x1b[2Ja s3cret\x00"}, mask)

    assert "s3cret" not in encode(found).decode()
    assert found.containers[0].message == "[MASKED] red"
    assert found.containers[0].log == ("a [MASKED]",)
    assert found.events[0].message == "pulling with [MASKED]"


def test_evidence_is_bounded():
    """However much a pod says, its result fits into what Airflow's state store accepts."""
    pod = make_pod(message="x" * 9000)
    pod.spec.containers += [
        k8s.V1Container(name=f"svc-{n}", image="i" * 9000) for n in range(1, 90)
    ]
    logs = {one.name: f"{'y' * 9000}\n" * 100 for one in pod.spec.containers}
    events = [make_event(n % 60, "z" * 9000) for n in range(500)]

    found = pod_evidence("p", pod, events, logs, mask)

    assert len(encode(found)) < 100_000


def test_the_helpers_report_is_no_message():
    """Its termination message is for the outcome, which has read it."""
    found = pod_evidence("p", make_pod(message='{"phase":"x"}'), [], {}, mask)

    assert found.containers[0].message == ""


def test_a_pod_that_is_gone_leaves_its_events():
    """Kubernetes keeps them for an hour."""
    found = pod_evidence("p", None, [make_event(1, "node was drained")], {}, mask)

    assert list(evidence_lines(found, shown=())) == [
        "pod p: it does not exist anymore",
        "event 2026-11-28T12:00:01+00:00 Warning BackOff: node was drained",
    ]


def test_only_started_containers_have_a_log():
    """Of one that waits, the API would answer with an error."""
    assert started_containers(make_pod()) == ["build"]
