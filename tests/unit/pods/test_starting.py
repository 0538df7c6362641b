"""A pod that starts: what is worth waiting for, for how long, and what is said meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.pods.pulls import is_final
from gitlab_ci_provider.pods.starting import Starting, pending_words

BACK_OFF = 'Back-off pulling image "r/x:1"'
BUSY = 'failed to pull "r/x:1": unexpected status from HEAD request: 503 Service Unavailable'
UNKNOWN = 'failed to resolve reference "r/x:1": r/x:1: not found'


def waits(reason: str, message: str = "") -> k8s.V1Pod:
    """Make a pod whose build container waits for a reason."""
    waiting = k8s.V1ContainerStateWaiting(reason=reason, message=message)
    status = k8s.V1ContainerStatus(
        name="build", image="r/x:1", image_id="", ready=False, restart_count=0,
        state=k8s.V1ContainerState(waiting=waiting),
    )  # fmt: skip
    return k8s.V1Pod(status=k8s.V1PodStatus(phase="Pending", container_statuses=[status]))


def unscheduled(message: str) -> k8s.V1Pod:
    condition = k8s.V1PodCondition(
        type="PodScheduled", status="False", reason="Unschedulable", message=message
    )
    return k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="job"),
        status=k8s.V1PodStatus(phase="Pending", conditions=[condition]),
    )


class Seen:
    """A pod that is seen again and again, and what is said of it."""

    def __init__(self, grace: float):
        self.now, self.said = 0.0, list[str]()
        self.starting = Starting(grace=grace, say=self.said.append, clock=lambda: self.now)

    def at(self, second: float, pod: k8s.V1Pod) -> bool:
        self.now = second
        return self.starting.is_hopeless(pod)


@pytest.mark.parametrize(
    "words",
    [
        UNKNOWN,
        'failed to resolve reference "r/timeout:503": r/timeout:503: not found',
        "manifest unknown: manifest unknown",
        "pull access denied, repository does not exist or may require authorization",
        "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized",
        "unexpected status code 403 Forbidden",
        "no match for platform in manifest: not found",
        "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    ],
)
def test_an_image_that_does_not_exist_fails_at_once(words: str):
    """The registry has answered, and would answer the same again; so does GitLab Runner."""
    seen = Seen(grace=60)

    assert is_final(words)
    assert seen.at(0, waits("ErrImagePull", words))
    assert words in (seen.starting.problem.message if seen.starting.problem else "")


@pytest.mark.parametrize(
    "words",
    [
        BUSY,
        "429 Too Many Requests - toomanyrequests: You have reached your pull rate limit",
        'dial tcp: lookup r.example.com on 10.0.0.10:53: no such host, or "not found"',
        'Get "https://r/v2/": net/http: TLS handshake timeout',
        'Get "https://r/v2/": dial tcp 10.0.0.1:443: connect: connection refused',
        "failed to copy: httpReadSeeker: failed open: unexpected EOF",
        "something that nobody has seen before",
        'Get "https://r/v2/not found/denied": EOF',
    ],
)
def test_a_registry_that_stutters_is_asked_again(words: str):
    """The first try that fails after the grace is the last."""
    seen = Seen(grace=60)

    tries = [
        (0, "ErrImagePull", words),
        (12, "ImagePullBackOff", BACK_OFF),
        (25, "ErrImagePull", words),
        (50, "ErrImagePull", words),
        (70, "ImagePullBackOff", BACK_OFF),
        (90, "ErrImagePull", words),
    ]
    hopeless = [seen.at(at, waits(reason, message)) for at, reason, message in tries]

    assert hopeless == [False] * 5 + [True]
    problem = seen.starting.problem
    assert problem is not None
    assert problem.failure_reason == "image_pull_failure"
    assert "(tried again for 90 s)" in problem.message
    assert seen.said == [f"image r/x:1 cannot be pulled, trying again: {words}"]


@pytest.mark.parametrize("reason", ["RegistryUnavailable", "ImageInspectError"])
def test_a_pull_that_fails_under_another_name_is_tried_again(reason: str):
    """So kubelets call what some runtimes tell them of a registry, or of an image they have."""
    seen = Seen(grace=60)

    assert [seen.at(at, waits(reason, "busy")) for at in (0, 61)] == [False, True]
    assert seen.starting.problem
    assert seen.starting.problem.failure_reason == "image_pull_failure"


def test_an_image_that_comes_at_last_is_no_problem():
    """What was said of it is forgotten."""
    seen = Seen(grace=60)
    seen.at(0, waits("ErrImagePull", BUSY))

    assert not seen.at(80, waits("ContainerCreating"))
    assert seen.starting.problem is None


def test_without_a_grace_the_first_failure_counts():
    """As in GitLab."""
    assert Seen(grace=0).at(0, waits("ErrImagePull", BUSY))


@pytest.mark.parametrize(
    "reason", ["InvalidImageName", "ErrImageNeverPull", "SignatureValidationFailed", "StartError"]
)
def test_what_cannot_come_right_fails_at_once(reason: str):
    """No grace helps a name that is not valid, or a pod that must not pull."""
    assert Seen(grace=60).at(0, waits(reason, "no"))


def test_a_slow_node_is_no_problem():
    """A container that could not be made in time is made again by the kubelet."""
    seen = Seen(grace=60)

    assert not seen.at(0, waits("CreateContainerError", "context deadline exceeded"))
    assert seen.at(5, waits("CreateContainerError", "no such device"))


def test_each_reason_of_the_scheduler_is_told_once():
    """A person sees which pod waits, and why, while an autoscaler may be adding a node."""
    seen = Seen(grace=60)
    for message in ("1 Insufficient cpu", "1 Insufficient cpu", "2 Insufficient cpu"):
        assert not seen.at(0, unscheduled(message))

    assert seen.said == [
        "pod job is waiting for a node: 1 Insufficient cpu",
        "pod job is waiting for a node: 2 Insufficient cpu",
    ]


def test_a_container_that_takes_its_time_is_named_once():
    """While a large image is pulled, Kubernetes shows nothing in the pod's status."""
    pod = unscheduled("")
    pod.status.conditions[0].status = "True"
    seen = Seen(grace=60)

    for _ in range(2):
        seen.starting.tell_slow(pod, "build")

    (said,) = seen.said
    assert said.startswith("pod job is waiting for its container 'build': its image is pulled")


@pytest.mark.parametrize("pod", [unscheduled("full"), waits("ErrImagePull", BUSY)])
def test_a_reason_that_was_told_is_enough(pod: k8s.V1Pod):
    """The scheduler or the registry has said why."""
    seen = Seen(grace=60)

    seen.starting.tell_slow(pod, "build")

    assert seen.said == []


def test_the_newest_warning_says_what_a_pod_waited_for():
    """`ContainerCreating` says nothing; a volume that cannot be mounted is only in the events."""
    warnings = [
        k8s.CoreV1Event(
            metadata=k8s.V1ObjectMeta(), involved_object=k8s.V1ObjectReference(),
            message=message, last_timestamp=datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC),
        )
        for second, message in ((9, 'secret "x" not found'), (1, "older"))
    ]  # fmt: skip

    assert pending_words(waits("ContainerCreating"), warnings) == (
        'ContainerCreating: secret "x" not found'
    )
    assert pending_words(unscheduled("full"), []) == "no node can run it: full"


def test_the_progress_of_a_pull_is_said_now_and_then():
    """At once, then every half a minute, however many lines there are."""
    seen = Seen(grace=0)
    for second in range(0, 100, 10):
        seen.at(second, waits("ContainerCreating", f"pulling image r/x:1: {second} of 900 MiB"))

    assert seen.said == [f"pulling image r/x:1: {at} of 900 MiB" for at in (0, 30, 60, 90)]


def test_a_container_that_is_created_says_nothing():
    """A kubelet gives no message while it pulls; there is nothing to repeat."""
    seen = Seen(grace=0)

    assert not seen.at(0, waits("ContainerCreating"))
    assert seen.said == []
