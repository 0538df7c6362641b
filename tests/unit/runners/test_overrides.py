"""What a job changes of its runner with `KUBERNETES_*` variables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import (
    Amounts,
    Overrides,
    PodResources,
    Resources,
    Scheduling,
)
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from gitlab_ci_provider.runners.overrides import (
    JobVariables,
    bearer_token,
    overridden,
    overridden_resources,
)

MOST = Amounts(cpu="2", memory="4Gi", ephemeral_storage="10Gi")
CAPPED = Resources(requests=Amounts(cpu="100m", memory="128Mi"), max_requests=MOST, max_limits=MOST)
RUNNER = RunnerProfile(
    name="r",
    namespace="ci",
    labels={"team": "a"},
    resources=PodResources(build=CAPPED, helper=CAPPED, service=CAPPED, pod=CAPPED),
    overrides=Overrides(
        namespace="^ci-[a-z-]+$",
        service_account="deploy",
        pod_labels=".*",
        pod_annotations="^note=",
        node_selector="^disk=(ssd|hdd)$",
        node_tolerations=".*",
    ),
)


class Job:
    """The variables of a job, and what its log was told."""

    def __init__(self, **values: str):
        self.told: list[str] = []
        given = {f"KUBERNETES_{name}": value for name, value in values.items()}
        self.variables = JobVariables(
            given, lambda text: "hush" in text, lambda _: None, self.told.append
        )

    def changes(self, runner: RunnerProfile = RUNNER) -> RunnerProfile:
        """Return the runner as the job changes it."""
        return overridden(runner, self.variables)


def test_what_the_runner_allows_is_changed():
    """Namespace and account are those of the job when they match the runner's patterns."""
    runner = Job(NAMESPACE_OVERWRITE="ci-app", SERVICE_ACCOUNT_OVERWRITE="deployer").changes()

    assert (runner.namespace, runner.service_account) == ("ci-app", "deployer")


@pytest.mark.parametrize("namespace", ["prod", "ci-app/../prod", "ci-app\nprod", "ci-", "ci-a-"])
def test_what_does_not_match_fails_the_job(namespace: str):
    """As with GitLab's runner, a value that is not allowed is not left out: the job fails."""
    with pytest.raises(SystemFailure, match="KUBERNETES_NAMESPACE_OVERWRITE") as failure:
        Job(NAMESPACE_OVERWRITE=namespace).changes()

    assert failure.value.reason is FailureReason.RUNNER_SYSTEM_FAILURE


def test_what_the_runner_says_nothing_about_stays():
    """GitLab's runner ignores such variables; here the log names them."""
    job = Job(NAMESPACE_OVERWRITE="prod", CPU_LIMIT="9", POD_LABELS_1="x", BEARER_TOKEN="t")
    runner = job.changes(RunnerProfile(name="plain", namespace="ci"))

    assert runner == RunnerProfile(name="plain", namespace="ci")
    assert bearer_token(runner, job.variables) == ""
    assert sorted(words.split()[0] for words in job.told) == [
        "KUBERNETES_BEARER_TOKEN",
        "KUBERNETES_CPU_LIMIT",
        "KUBERNETES_NAMESPACE_OVERWRITE",
        "KUBERNETES_POD_LABELS_1",
    ]


@pytest.mark.parametrize(
    ("prefix", "role"), [("", "build"), ("HELPER_", "helper"), ("SERVICE_", "service")]
)
def test_resources_are_changed_up_to_their_maximum(prefix: str, role: str):
    """Each kind of container has its own variables; what is not named stays as it is."""
    job = Job(**{f"{prefix}CPU_REQUEST": "2000m", f"{prefix}EPHEMERAL_STORAGE_LIMIT": "1G"})
    resources = getattr(job.changes().resources, role)

    assert resources.requests == Amounts(cpu="2000m", memory="128Mi")
    assert resources.limits == Amounts(ephemeral_storage="1G")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CPU_REQUEST", "2001m", "allows 2 at most"),
        ("MEMORY_LIMIT", "4097Mi", "allows 4Gi at most"),
        ("POD_MEMORY_LIMIT", "1Ti", "allows 4Gi at most"),
        ("MEMORY_LIMIT", "1e99999999", "is not a quantity"),
        ("MEMORY_LIMIT", "lots", "is not a quantity"),
        ("MEMORY_LIMIT", "-1Gi", "is not a quantity"),
        ("MEMORY_LIMIT", "٣Gi", "is not a quantity"),
    ],
)
def test_more_than_the_maximum_fails_the_job(name: str, value: str, words: str):
    """GitLab's runner fails a job that asks for too much; nothing is cut in silence."""
    with pytest.raises(SystemFailure, match=f"KUBERNETES_{name} .*{words}"):
        Job(**{name: value}).changes()


def test_a_service_may_have_its_own_variables():
    """`variables` of one of `services:` change the resources of that service alone."""
    job = Job(SERVICE_MEMORY_LIMIT="1Gi")
    resources = overridden_resources(CAPPED, "service", RUNNER, job.variables)

    assert resources.limits == Amounts(memory="1Gi")


def test_labels_and_nodes_are_added():
    """Many variables of one prefix: the text after it means nothing."""
    runner = Job(
        POD_LABELS_1="stage=x", POD_LABELS_B="team=b", POD_ANNOTATIONS_1="note=a=b",
        NODE_SELECTOR_9="disk=ssd",
    ).changes()  # fmt: skip

    assert runner.labels == {"team": "b", "stage": "x"}
    assert runner.annotations == {"note": "a=b"}
    assert runner.scheduling.node_selector == {"disk": "ssd"}


def test_our_labels_cannot_be_changed():
    """Pods are found by labels of ours and of Airflow: a job that could change them could hide."""
    job = Job(POD_LABELS_1="airflow-provider-gitlab-ci/job=x", POD_LABELS_2="dag_id=x")

    assert job.changes().labels == {"team": "a"}
    assert len(job.told) == 2


@pytest.mark.parametrize("label", ["no pair", "a b=c", "=x", "-x=y", "a/b/c=d"])
def test_labels_that_kubernetes_refuses_fail_in_words(label: str):
    """The variable is named, which Kubernetes could not do."""
    with pytest.raises(SystemFailure, match="KUBERNETES_POD_LABELS_"):
        Job(POD_LABELS_1=label).changes()


@pytest.mark.parametrize(
    ("text", "toleration"),
    [
        ("gpu:NoSchedule", {"operator": "Exists", "key": "gpu", "effect": "NoSchedule"}),
        ("gpu=a100", {"operator": "Equal", "key": "gpu", "value": "a100"}),
        (":NoExecute", {"operator": "Exists", "effect": "NoExecute"}),
        ("", {"operator": "Exists"}),
    ],
)
def test_tolerations_have_the_form_of_the_runner(text: str, toleration: dict[str, str]):
    """`key[=value][:effect]`; one of the runner for the same taint is replaced."""
    own = Scheduling(
        tolerations=({"key": "gpu", "operator": "Exists", "effect": "PreferNoSchedule"},)
    )
    found = Job(NODE_TOLERATIONS_1=text).changes(replace(RUNNER, scheduling=own))

    assert toleration in found.scheduling.tolerations
    assert len(found.scheduling.tolerations) == (1 if text.startswith("gpu:") else 2)


def test_a_masked_value_does_not_become_part_of_a_pod():
    """Labels, annotations and the like are seen by everybody who may list pods."""
    with pytest.raises(SystemFailure, match="holds a masked value") as failure:
        Job(POD_ANNOTATIONS_1="note=hush").changes()

    assert "hush" not in str(failure.value)


def test_no_pattern_takes_long():
    """Patterns are RE2: a hostile value cannot keep a worker busy."""
    runner = replace(RUNNER, overrides=Overrides(namespace="^(a+)+$"))
    with pytest.raises(SystemFailure):
        Job(NAMESPACE_OVERWRITE="a" * 50_000 + "!").changes(runner)


def test_a_token_of_the_job_is_used_where_the_runner_allows_it():
    """`overrides.bearer_token` lets the pod be created with the rights of the job's author."""
    allowed = replace(RUNNER, overrides=Overrides(bearer_token=True))

    assert bearer_token(allowed, Job(BEARER_TOKEN="t").variables) == "t"
    assert bearer_token(allowed, Job().variables) == ""


@pytest.mark.parametrize("kind", ["request", "limit"])
@pytest.mark.parametrize("amount", ["cpu", "memory", "ephemeral-storage"])
@pytest.mark.parametrize("role", ["", "HELPER_", "POD_"])
def test_each_amount_ends_in_the_pod(role: str, amount: str, kind: str):
    """`KUBERNETES_*_REQUEST` and `_LIMIT` of the script, the helper and the whole pod."""
    if role == "POD_" and amount == "ephemeral-storage":
        pytest.skip("Kubernetes has none for a whole pod")
    name = f"{role}{amount.upper().replace('-', '_')}_{kind.upper()}"
    limits = Amounts(cpu="2", memory="4Gi", ephemeral_storage="10Gi")
    open_runner = replace(CAPPED, limits=limits)
    resources = PodResources(build=open_runner, helper=open_runner, pod=open_runner)
    value = "1" if amount == "cpu" else "1Gi"
    runner = Job(**{name: value}).changes(replace(RUNNER, resources=resources))

    request = PodRequest(
        name="p", image=Image(name="i"), profile=runner, deadline=1, labels={}, annotations={}
    )
    spec = build_pod(request).spec

    helper = [each for each in spec.containers if each.name == "helper"] + spec.init_containers
    build = [each for each in spec.containers if each.name == "build"]
    for owner in {"": build, "HELPER_": helper, "POD_": [spec]}[role]:
        assert getattr(owner.resources, f"{kind}s")[amount] == value


@pytest.mark.parametrize("kind", ["requests", "limits"])
@pytest.mark.parametrize("amount", ["cpu", "memory", "ephemeral_storage"])
def test_each_amount_of_services(amount: str, kind: str):
    """`KUBERNETES_SERVICE_*`, for all services of a job."""
    value = "1" if amount == "cpu" else "1Gi"
    name = f"SERVICE_{amount.upper()}_{kind.removesuffix('s').upper()}"

    changed = Job(**{name: value}).changes().resources.service

    assert getattr(getattr(changed, kind), amount) == value
