"""Whether a cluster can run services, as it is told from what it has created."""

from __future__ import annotations

import pytest
from kubernetes import client

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from gitlab_ci_provider.runs.job.service_trouble import refuse_without_sidecars
from integration.cluster.support import SIDECARS, Api

SERVICE = PlannedService(
    name="db", image=Image(name="example/db:1"), hosts=("db",), command=("db",), environment={}
)


def make_pod(api: Api) -> client.V1Pod:
    return build_pod(
        PodRequest(
            name="job",
            image=Image(name="example/image:1"),
            profile=RunnerProfile(namespace=api.namespace, helper_image="example/helper:1"),
            services=(SERVICE,),
            deadline=600,
            labels={},
            annotations={},
        )
    )


@SIDECARS
def test_a_cluster_with_sidecars_keeps_their_mark(api: Api):
    """The created pod has it, so the job goes on."""
    wanted = make_pod(api)

    refuse_without_sidecars(api.core().create_namespaced_pod(api.namespace, wanted), wanted)


def test_an_older_cluster_is_refused_at_once(api: Api):
    """It drops the mark silently: the first service would block the pod forever."""
    wanted = make_pod(api)
    minor = int(api.http.get("/version").json()["minor"].rstrip("+"))
    if minor >= 28:
        pytest.skip(f"Kubernetes 1.{minor} has sidecars")

    created = api.core().create_namespaced_pod(api.namespace, wanted)

    with pytest.raises(SystemFailure, match="cannot run services") as caught:
        refuse_without_sidecars(created, wanted)
    assert caught.value.reason == "runner_unsupported"
