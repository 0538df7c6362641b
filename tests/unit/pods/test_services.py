"""Services in a job's pod."""

from __future__ import annotations

import json
from dataclasses import replace

from kubernetes import client as k8s

from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Network, PodPatch
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.pods.grace import SERVICES_GRACE, grace_of_job
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from gitlab_ci_provider.pods.services import lacks_sidecars, service_names

POSTGRES = PlannedService(
    name="db",
    image=Image(name="postgres:16", entrypoint=("run",), pull_policies=("always",), user="70:70"),
    hosts=("postgres", "db"),
    command=("-c", "x"),
    environment={"PASSWORD": "service.db.PASSWORD"},
)
REDIS = PlannedService(
    name="svc-0", image=Image(name="redis"), hosts=("redis", "db"), command=None, environment={}
)
REQUEST = PodRequest(
    name="pod",
    image=Image(name="ruby:3"),
    profile=RunnerProfile(helper_image="helper:1"),
    deadline=60,
    services=(POSTGRES, REDIS),
    labels={},
    annotations={},
)


def services() -> list[k8s.V1Container]:
    return build_pod(REQUEST).spec.init_containers[:2]


def test_services_start_first_and_go_on():
    """They are native sidecars before `prepare`, in the order of the file."""
    found = build_pod(REQUEST).spec.init_containers

    assert [one.name for one in found] == ["db", "svc-0", "prepare"]
    assert [one.restart_policy for one in found] == ["Always", "Always", None]
    assert service_names(build_pod(REQUEST)) == ["db", "svc-0"]


def test_command_and_entrypoint():
    """GitLab's entrypoint is Kubernetes' command; what the file does not say stays the image's."""
    db, redis = services()

    assert (db.command, db.args) == (["run"], ["-c", "x"])
    assert (redis.command, redis.args) == (None, None)


def test_the_names_of_services_mean_the_pod_itself():
    """One entry of the hosts file, each name once."""
    (alias,) = build_pod(REQUEST).spec.host_aliases

    assert (alias.ip, alias.hostnames) == ("127.0.0.1", ["postgres", "db", "redis"])
    assert build_pod(replace(REQUEST, services=())).spec.host_aliases is None


def test_the_runners_own_host_aliases_come_after_those_of_services():
    """The first line that has a name counts."""
    own = {"ip": "10.0.0.9", "hostnames": ["db", "mirror"]}
    profile = RunnerProfile(network=Network(host_aliases=(own,)))

    found = build_pod(replace(REQUEST, profile=profile)).spec.host_aliases

    assert [alias.ip for alias in found] == ["127.0.0.1", "10.0.0.9"]


def test_values_come_from_the_secret():
    """The spec holds names and keys only."""
    (variable,) = services()[0].env

    reference = variable.value_from.secret_key_ref
    assert variable.value is None
    assert (reference.name, reference.key) == ("pod", "service.db.PASSWORD")


def test_a_service_sees_the_working_copy_and_nothing_else_of_the_job():
    """No plan, no scripts, no FIFOs of the handshake."""
    assert [mount.name for mount in services()[0].volume_mounts] == ["builds"]


def test_a_service_may_do_little():
    """As little as the script; images of databases start as root and change to a user."""
    db, redis = (service.security_context for service in services())

    assert redis.allow_privilege_escalation is False
    assert "NET_RAW" in redis.capabilities.drop
    assert not {"SETUID", "SETGID", "CHOWN"} & set(redis.capabilities.drop)
    assert (db.run_as_user, db.run_as_group) == (70, 70)
    assert services()[0].image_pull_policy == "Always"


def test_a_cluster_without_sidecars_is_noticed():
    """Before 1.28 the API server drops the field, and says nothing."""
    wanted = build_pod(REQUEST)
    body = json.loads(json.dumps(k8s.ApiClient().sanitize_for_serialization(wanted)))
    old = build_pod(REQUEST)
    for container in old.spec.init_containers:
        container.restart_policy = None

    assert body["spec"]["initContainers"][0]["restartPolicy"] == "Always"
    assert lacks_sidecars(old, wanted)
    assert not lacks_sidecars(build_pod(REQUEST), wanted)


def test_services_have_less_time_to_end_than_a_canceled_job():
    """A kubelet gives them the spec's time once the job has ended, so a cancel asks for more."""
    pod = build_pod(replace(REQUEST, grace=330))

    assert pod.spec.termination_grace_period_seconds == SERVICES_GRACE
    assert grace_of_job(pod) == 330


def test_a_pod_without_services_has_the_time_of_its_job():
    """As its spec says, so that whatever deletes the pod leaves time for `after_script`."""
    pod = build_pod(replace(REQUEST, grace=330, services=()))

    assert pod.spec.termination_grace_period_seconds == 330
    assert grace_of_job(pod) is None


def test_a_runner_may_decide_how_long_pods_take_to_end():
    """Its patch of the spec holds for every deletion."""
    patch = PodPatch(name="p", type="merge", patch={"terminationGracePeriodSeconds": 60})
    profile = replace(REQUEST.profile, pod_patches=(patch,))
    pod = build_pod(replace(REQUEST, grace=330, profile=profile))

    assert pod.spec.termination_grace_period_seconds == 60
    assert grace_of_job(pod) is None
