"""GitLab Runner's config.toml becomes a file of runners."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import CacheStore, RunnerService
from gitlab_ci_provider.runners.file import read_runners
from gitlab_ci_provider.runners.toml_import import Imported, import_toml
from gitlab_ci_provider.runners.toml_kubernetes import SHAPES
from gitlab_ci_provider.runners.toml_options import COPIED, LEFT_OUT

CONFIG = Path(__file__).with_name("config.toml")

OPTIONS = [
    "host",
    "context",
    "cert_file",
    "key_file",
    "ca_file",
    "bearer_token",
    "bearer_token_overwrite_allowed",
    "image",
    "namespace",
    "namespace_overwrite_allowed",
    "namespace_per_job",
    "privileged",
    "runtime_class_name",
    "allow_privilege_escalation",
    "allowed_images",
    "allowed_pull_policies",
    "allowed_services",
    "allowed_users",
    "allowed_groups",
    "pull_policy",
    "node_selector",
    "node_selector_overwrite_allowed",
    "node_tolerations",
    "node_tolerations_overwrite_allowed",
    "affinity",
    "image_pull_secrets",
    "use_service_account_image_pull_secrets",
    "helper_image",
    "helper_image_flavor",
    "helper_image_autoset_arch_and_os",
    "pod_termination_grace_period_seconds",
    "cleanup_grace_period_seconds",
    "cleanup_resources_timeout",
    "poll_interval",
    "poll_timeout",
    "resource_availability_check_max_attempts",
    "retry_limit",
    "retry_backoff_max",
    "retry_limits",
    "pod_labels",
    "pod_labels_overwrite_allowed",
    "scheduler_name",
    "service_account",
    "service_account_overwrite_allowed",
    "automount_service_account_token",
    "pod_annotations",
    "pod_annotations_overwrite_allowed",
    "pod_security_context",
    "init_permissions_container_security_context",
    "build_container_security_context",
    "helper_container_security_context",
    "service_container_security_context",
    "volumes",
    "host_aliases",
    "services",
    "cap_add",
    "cap_drop",
    "suspend_pvc_size",
    "suspend_pvc_storage_class",
    "dns_policy",
    "dns_config",
    "container_lifecycle",
    "priority_class_name",
    "pod_spec",
    "logs_base_dir",
    "scripts_base_dir",
    "print_pod_warning_events",
    "pod_disruption_budget",
    "autoscaler",
]
"""Options of `[runners.kubernetes]` in GitLab Runner's `common/config.go`, without resources."""


@pytest.fixture(scope="module")
def imported() -> Imported:
    """Import a file that has nearly everything."""
    return import_toml(CONFIG.read_bytes(), "config.toml")


@pytest.fixture(scope="module")
def runner(imported: Imported) -> RunnerProfile:
    """Return the runner as it is read from the file that was written."""
    read = read_runners(imported.text.encode(), "runners.yml", RunnerProfile())
    assert read.diagnostics == ()
    (runner,) = read.runners
    return runner


def test_every_option_of_gitlab_runner_is_known():
    """Each is mapped, or there is a reason why it becomes nothing."""
    resources = [
        f"{role}{amount}_{kind}{suffix}"
        for role in ("", "helper_", "service_", "pod_")
        for amount in ("cpu", "memory")
        for kind in ("request", "limit")
        for suffix in ("", "_overwrite_max_allowed")
    ]
    known = {*COPIED, *SHAPES, *LEFT_OUT}

    assert set(OPTIONS) | set(resources) <= known


def test_every_option_that_is_not_taken_over_is_reported_with_its_line(imported: Imported):
    """Nothing of a config.toml vanishes in silence."""
    lines = CONFIG.read_text().splitlines()
    reported = {
        lines[found.location.line - 1].strip().split(" ")[0]: found.code
        for found in imported.diagnostics
    }

    assert reported == {
        "concurrent": "runner-option-left-out",
        "check_interval": "runner-option-left-out",
        "[session_server]": "runner-option-left-out",
        "executor": "runner-executor",
        "[[runners]]": "runner-tags",
        **dict.fromkeys(("limit", "output_limit", "url", "id", "token"), "runner-option-left-out"),
        **dict.fromkeys(("builds_dir", "shell"), "runner-option-left-out"),
        "[runners.cache]": "runner-cache",
        **dict.fromkeys(("host", "bearer_token", "helper_image"), "runner-option-left-out"),
        **dict.fromkeys(("namespace_per_job", "helper_image_flavor"), "runner-option-left-out"),
        "use_service_account_image_pull_secrets": "runner-option-left-out",
        "pod_termination_grace_period_seconds": "runner-option-left-out",
        **dict.fromkeys(("poll_interval", "retry_limit"), "runner-option-left-out"),
        **dict.fromkeys(("print_pod_warning_events", "logs_base_dir"), "runner-option-left-out"),
        **dict.fromkeys(("pod_disruption_budget", "suspend_pvc_size"), "runner-option-left-out"),
        "no_such_option": "runner-unknown-key",
    }


def test_secrets_of_the_file_are_not_repeated(imported: Imported):
    """Tokens of GitLab and of Kubernetes stay where they are."""
    shown = imported.text + "".join(map(str, imported.diagnostics))

    assert "not this" not in shown
    assert "nor this" not in shown


def test_plain_options_keep_their_values(runner: RunnerProfile):
    """Names are mapped, values stay as they are."""
    build = runner.resources.build

    assert (runner.name, runner.namespace, runner.image) == ("kube", "ci", "ruby:3")
    assert (build.limits.cpu, build.max_limits.cpu, build.requests.cpu) == ("2", "4", "500m")
    assert (build.requests.memory, build.max_requests.memory) == ("1Gi", "2Gi")
    assert runner.resources.helper.max_limits.memory == "1Gi"
    assert runner.resources.pod.limits.memory == "8Gi"
    assert runner.overrides.bearer_token
    assert runner.overrides.pod_labels == "^team="
    assert (runner.allowed_users, runner.allowed_groups) == ((1000,), (1001,))
    assert runner.pull_policy == ("always",)
    assert runner.start_timeout == 300
    assert runner.labels == {"example.com/project": "$CI_PROJECT_NAME"}


def test_what_a_runner_adds_to_jobs_is_taken_over(runner: RunnerProfile):
    """Variables, feature flags, scripts and services."""
    assert runner.environment == {"A": "1", "B": "x=y"}
    assert runner.feature_flags == {"FF_KUBERNETES_HONOR_ENTRYPOINT": True}
    assert runner.pre_build_script.strip() == "limit = 1"
    assert runner.cache == CacheStore(bucket="b", shared=False)
    assert runner.services == (
        RunnerService(name="postgres", alias=("db", "sql"), environment={"C": "2"}),
    )


def test_shapes_are_written_as_kubernetes_writes_them(runner: RunnerProfile):
    """Snake case, maps of tolerations and lists of volumes become what a pod's manifest has."""
    scheduling = runner.scheduling

    assert scheduling.tolerations == (
        {"key": "gpu", "operator": "Equal", "value": "a100", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists"},
    )
    assert scheduling.affinity["podAntiAffinity"] == {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "zone", "labelSelector": {"matchLabels": {"my_app": "x"}}}
        ]
    }
    assert runner.security.pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert runner.security.build["seLinuxOptions"] == {"type": "container_t"}
    assert runner.network.dns_policy == "ClusterFirst"
    assert runner.lifecycle["preStop"] == {"httpGet": {"port": 8080, "path": "/stop"}}
    assert {str(volume["name"]) for volume in runner.volumes} == {
        "maven", "docker", "certs", "conf", "fast", "bucket", "share",
    }  # fmt: skip
    assert {"name": "maven", "mountPath": "/m2", "subPath": "repo",
            "mountPropagation": "HostToContainer"} in runner.volume_mounts  # fmt: skip
    assert runner.pod_patches[0].patch == {"hostname": "builder"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[[runners]", "toml-syntax"),
        ("", "runner-none"),
        ("runners = 3", "runner-none"),
        ("runners = [1]", "runner-value"),
        ('[runners]\nexecutor = "kubernetes"', "runner-value"),
        ('[[runners]]\nexecutor = "kubernetes"\nkubernetes = "x"', "runner-value"),
        ("a = " + "9" * 5000, "toml-syntax"),
        ("a = " + "[" * 5000 + "]" * 5000, "toml-syntax"),
        ("a = " + "{a=" * 60 + "1" + "}" * 60, "toml-syntax"),
        ('[[runners]]\nexecutor = "shell"', "runner-executor"),
        ('[[runners]]\nexecutor = "kubernetes"\n[runners.kubernetes]\nvolumes = 3', "runner-value"),
        (
            '[[runners]]\nexecutor = "kubernetes"\n[runners.kubernetes]\ndns_policy = "x"',
            "runner-value",
        ),
    ],
)
def test_what_cannot_be_read_is_reported(text: str, code: str):
    """A file that is broken, or not of this executor, is never an empty success."""
    assert code in [found.code for found in import_toml(text.encode(), "config.toml").diagnostics]
