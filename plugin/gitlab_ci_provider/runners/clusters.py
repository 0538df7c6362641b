"""Which cluster a job may deploy to: its credentials, by environment, as GitLab's integration did.

A job gets them when its `environment` matches: KUBECONFIG for kubectl and helm, and KUBE_NAMESPACE.
Any job can name an environment, so what only some refs may do needs a runner with
`access_level: ref_protected`.

Unlike GitLab, which made an account for each project and gave jobs its token, the runner names the
account or the kubeconfig, and no token is a variable.
"""

from __future__ import annotations

import json
from dataclasses import replace

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import ClusterAccess
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.variables.configured import scope_matches
from gitlab_ci_provider.variables.expand import expand

VOLUME = "kubeconfig"
FOLDER = "/gitlab-ci/kubeconfig"

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_SERVER = "https://kubernetes.default.svc"


def with_cluster(request: PlanRequest, runner: RunnerProfile) -> tuple[PlanRequest, RunnerProfile]:
    """Give a job what it needs to deploy, if its environment is one of the runner's clusters."""
    environment = request.variables.get("CI_ENVIRONMENT_NAME")
    cluster = _cluster(runner, environment) if environment else None
    if cluster is None:
        return request, runner
    namespace = expand(cluster.namespace, request.variables)
    if cluster.service_account:
        runner = replace(
            runner,
            service_account=cluster.service_account,
            automount_service_account_token=True,
        )
        variable = Variable(name="KUBECONFIG", value=_kubeconfig(namespace), file=True)
    else:
        runner = _with_secret(runner, cluster.kubeconfig_secret)
        variable = Variable(name="KUBECONFIG", value=f"{FOLDER}/config")
    given = [variable]
    if namespace:
        given.append(Variable(name="KUBE_NAMESPACE", value=namespace))
    variables = request.runner_variables | Variables(replace(each, expand=False) for each in given)
    return replace(request, runner_variables=variables), runner


def _cluster(runner: RunnerProfile, environment: str) -> ClusterAccess | None:
    return next(
        (
            cluster
            for cluster in runner.clusters
            if any(scope_matches(pattern, environment) for pattern in cluster.environments)
        ),
        None,
    )


def _with_secret(runner: RunnerProfile, secret: str) -> RunnerProfile:
    volume = {"name": VOLUME, "secret": {"secretName": secret}}
    mount = {"name": VOLUME, "mountPath": FOLDER, "readOnly": True}
    return replace(
        runner,
        volumes=(*runner.volumes, volume),
        volume_mounts=(*runner.volume_mounts, mount),
    )


def _kubeconfig(namespace: str) -> str:
    """Write a kubeconfig of the pod's own cluster; the token stays where the kubelet renews it.

    It is JSON, which is YAML, too: a namespace made of variables cannot add anything to it.
    """
    context = {"cluster": "cluster", "user": "job", "namespace": namespace or "default"}
    cluster = {"server": _SERVER, "certificate-authority": f"{_ACCOUNT}/ca.crt"}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": "job", "user": {"tokenFile": f"{_ACCOUNT}/token"}}],
            "contexts": [{"name": "job", "context": context}],
            "current-context": "job",
        },
        indent=1,
    )
