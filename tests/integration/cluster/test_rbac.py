"""The Role in `docker/kubernetes/rbac.yaml`: enough for all that Airflow does, and nothing more."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from factories import PROJECT
from gitlab_ci_provider.exceptions import GitlabCiError, SystemFailure
from gitlab_ci_provider.hooks.outages import say
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.resource_groups import ResourceGroup
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN, label_value
from gitlab_ci_provider.runs.cancel.pods import PodsOf, delete_pods, sweep_pods
from gitlab_ci_provider.runs.job.objects import LIFE, create, find_again
from gitlab_ci_provider.runs.reap import delete, find_leftovers
from gitlab_ci_provider.schedule.resource_group import Claim, ProcessMode, take
from gitlab_ci_provider.schedule.resource_group import without as leave
from gitlab_ci_provider.settings import Settings
from integration.cluster.job_pods import job_objects, pod_worker
from integration.cluster.support import Api, Cluster
from processes.waiting import PATIENCE

MANIFEST = Path(__file__).parents[3] / "docker" / "kubernetes" / "rbac.yaml"
ROLE = next(one for one in yaml.safe_load_all(MANIFEST.read_text()) if one["kind"] == "Role")
GRANTS = [
    (resource, verb)
    for rule in ROLE["rules"]
    for resource in rule["resources"]
    for verb in rule["verbs"]
]
PIPELINE = PodsOf("this", PROJECT.path, 1)

pytestmark = pytest.mark.real("the embedded cluster has one user, who may do everything")


def without(resource: str, verb: str) -> list[dict[str, Any]]:
    """List the rules of the Role, one verb of one resource taken out."""
    rules = []
    for rule in ROLE["rules"]:
        taken = {verb} if resource in rule["resources"] else set()
        left = [one for one in rule["verbs"] if one not in taken]
        rules += [{**rule, "verbs": left}] if left else []
    return rules


@dataclass(frozen=True)
class Airflow:
    """What Airflow does in the namespace of the jobs, as an account with some rules."""

    core: client.CoreV1Api
    namespace: str
    settings: Settings

    def refusals(self) -> list[str]:
        """Do everything once; list what Kubernetes has refused."""
        found = []
        for step in (
            self.run,
            self.again,
            self.retry,
            self.cancel,
            self.sweep,
            self.group,
            self.reap,
        ):
            try:
                step()
            except ApiException as problem:
                found.append(say(problem))
            except GitlabCiError as problem:
                found.append(str(problem))
        return found

    def run(self) -> None:
        """Create a job's pod, follow it, read its log and what Kubernetes warns of."""
        pod = self._create("job")
        pod_worker(logging.getLogger(__name__), PATIENCE, core=self.core).follow(pod)

    def retry(self) -> None:
        """Look for the pod of a worker that was lost, and delete those of earlier lives."""
        wanted, _ = self._job("job")
        wanted.metadata.labels[f"{LABEL_DOMAIN}/{LIFE}"] = "2"
        operator: Any = SimpleNamespace(client=self.core, log=logging.getLogger(__name__))
        find_again(operator, wanted)

    def again(self) -> None:
        """Create a pod and a Secret that are there already, for the answer was lost."""
        self._create("twice")
        self._create("twice")

    def cancel(self) -> None:
        """Cancel the jobs of a pipeline."""
        self._create("canceled")
        delete_pods(self.settings, PIPELINE, "by a person")

    def sweep(self) -> None:
        """Delete what the jobs of a pipeline have left."""
        sweep_pods(self.settings, PIPELINE, ["job", "twice", "canceled"])

    def group(self) -> None:
        """Take a resource group, and give it back."""
        group = ResourceGroup(self.core, self.namespace, "airflow", PROJECT.path, "production")
        claim = Claim(pipeline=1, since="", dag_id="d", run_id="r", task_id="t")
        group.update(lambda found: take(found, claim, ProcessMode.UNORDERED))
        group.update(lambda found: leave(found, {claim.key}))

    def reap(self) -> None:
        """Delete what jobs have left that no longer exist."""
        group = ResourceGroup(self.core, self.namespace, "gone", PROJECT.path, "production")
        claim = Claim(pipeline=1, since="", dag_id="d", run_id="r", task_id="t")
        group.update(lambda found: take(found, claim, ProcessMode.UNORDERED))
        for found in find_leftovers(self.core, self.namespace, "gone", lambda *_: None):
            if problem := delete(self.core, found):
                raise SystemFailure(problem)

    def _create(self, name: str) -> PodWatch:
        create(self.core, *self._job(name))
        return PodWatch(client=self.core, name=name, namespace=self.namespace)

    def _job(self, name: str) -> tuple[client.V1Pod, client.V1Secret]:
        pod, secret = job_objects(name, self.namespace, Script(main=("true",)))
        labels = {"installation": "this", "project": label_value(PROJECT.path), "pipeline": "1"}
        pod.metadata.labels |= {f"{LABEL_DOMAIN}/{key}": value for key, value in labels.items()}
        pod.metadata.annotations = {f"{LABEL_DOMAIN}/job": name}
        return pod, secret


@pytest.fixture
def airflow(
    cluster: Cluster, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Sequence[Any]], Airflow]:
    """Make an Airflow whose account has some rules in the test's namespace."""

    def make(rules: Sequence[Any]) -> Airflow:
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(_as_account(cluster, _token(api, rules))))
        extra = {"kube_config_path": str(path), "namespace": api.namespace}
        connection = json.dumps({"conn_type": "kubernetes", "extra": extra})
        monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_KUBERNETES", connection)
        core = client.CoreV1Api(config.new_client_from_config(str(path)))
        return Airflow(core, api.namespace, Settings(home=tmp_path))

    return make


def _token(api: Api, rules: Sequence[Any]) -> str:
    """Make an account with a role in a namespace; gives a token for it."""
    name, group = "airflow", "rbac.authorization.k8s.io"
    api.create("serviceaccounts", {"metadata": {"name": name}})
    roles = f"/apis/{group}/v1/namespaces/{api.namespace}"
    role = {"metadata": {"name": name}, "rules": rules}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": api.namespace}
    reference = {"apiGroup": group, "kind": "Role", "name": name}
    binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    assert api.http.post(f"{roles}/roles", json=role).status_code == HTTPStatus.CREATED
    assert api.http.post(f"{roles}/rolebindings", json=binding).status_code == HTTPStatus.CREATED
    wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = api.http.post(api.path("serviceaccounts", name, "token"), json=wanted)
    return str(answer.json()["status"]["token"])


def _as_account(cluster: Cluster, token: str) -> Any:
    """Give the kubeconfig of a cluster with another user."""
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": token}
    return content


def test_the_role_is_enough(airflow: Callable[[Sequence[Any]], Airflow]):
    """Nothing that Airflow does is refused."""
    assert airflow(ROLE["rules"]).refusals() == []


@pytest.mark.parametrize(("resource", "verb"), GRANTS)
def test_every_verb_is_needed_and_missed_in_words(
    airflow: Callable[[Sequence[Any]], Airflow],
    caplog: pytest.LogCaptureFixture,
    resource: str,
    verb: str,
):
    """Without it something is refused, and says which verb of which resource it was."""
    refused = "\n".join(airflow(without(resource, verb)).refusals())

    assert f'cannot {verb} resource "{resource}"' in refused + caplog.text
