"""The options of GitLab Runner's config.toml: what each becomes here, or why it becomes nothing.

Source: `RunnerConfig` and `KubernetesConfig` in GitLab Runner's `common/config.go`.
"""

from __future__ import annotations

from collections.abc import Mapping

_AMOUNTS = ("cpu", "memory", "ephemeral_storage")
_ROLES = {"": "build", "helper_": "helper", "service_": "service", "pod_": "pod"}
_KINDS = {"request": "requests", "limit": "limits"}

COPIED: Mapping[str, str] = {
    "image": "image",
    "namespace": "namespace",
    "namespace_overwrite_allowed": "overrides.namespace",
    "service_account": "service_account",
    "service_account_overwrite_allowed": "overrides.service_account",
    "automount_service_account_token": "automount_service_account_token",
    "bearer_token_overwrite_allowed": "overrides.bearer_token",
    "pull_policy": "pull_policy",
    "allowed_pull_policies": "allowed_pull_policies",
    "allowed_images": "allowed_images",
    "allowed_services": "allowed_services",
    "image_pull_secrets": "image_pull_secrets",
    "privileged": "security.privileged",
    "allow_privilege_escalation": "security.allow_privilege_escalation",
    "cap_add": "security.cap_add",
    "cap_drop": "security.cap_drop",
    "node_selector": "scheduling.node_selector",
    "node_selector_overwrite_allowed": "overrides.node_selector",
    "node_tolerations_overwrite_allowed": "overrides.node_tolerations",
    "scheduler_name": "scheduling.scheduler_name",
    "priority_class_name": "scheduling.priority_class_name",
    "runtime_class_name": "scheduling.runtime_class_name",
    "pod_labels": "labels",
    "pod_labels_overwrite_allowed": "overrides.pod_labels",
    "pod_annotations": "annotations",
    "pod_annotations_overwrite_allowed": "overrides.pod_annotations",
    "poll_timeout": "start_timeout",
    **{
        f"{prefix}{amount}_{kind}{suffix}": f"resources.{role}.{most}{kinds}.{amount}"
        for prefix, role in _ROLES.items()
        for amount in _AMOUNTS
        for kind, kinds in _KINDS.items()
        for suffix, most in (("", ""), ("_overwrite_max_allowed", "max_"))
    },
}
"""Options of `[runners.kubernetes]` whose value stays as it is, and where it goes."""

RUNNER_COPIED: Mapping[str, str] = {
    "pre_get_sources_script": "pre_get_sources_script",
    "pre_clone_script": "pre_get_sources_script",
    "pre_build_script": "pre_build_script",
    "post_build_script": "post_build_script",
    "feature_flags": "feature_flags",
}
"""Options of `[[runners]]` whose value stays as it is, and where it goes."""

_CONNECTION = "the cluster is an Airflow connection: set `connection`"
_SERVER = "belongs to GitLab's server, which takes no part here"
_AIRFLOW = "Airflow decides how many jobs run at once: its executor, pools and limits of DAGs"
_WATCHED = "pods are watched, and requests repeated for `[gitlab_ci] kubernetes_outage` seconds"
_OURS = "paths in the pod are fixed"
_HELPER = "the helper image is this package's: set `helper_image`"
_AFTER_FETCH = "nothing runs between the fetch and the job's script: use `pre_build_script`"
_GRACE = "a pod has as much time as its job's after_script and uploads may take"
_SUSPEND = "environments cannot be suspended"

LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(("host", "context", "cert_file", "key_file", "ca_file"), _CONNECTION),
    "bearer_token": _CONNECTION,
    **dict.fromkeys(("helper_image", "helper_image_flavor"), _HELPER),
    "helper_image_autoset_arch_and_os": _HELPER,
    "namespace_per_job": "pods share the runner's namespace",
    "use_service_account_image_pull_secrets": (
        "Kubernetes adds a service account's pull secrets where a pod names none"
    ),
    **dict.fromkeys(("retry_limit", "retry_backoff_max", "retry_limits"), _WATCHED),
    "poll_interval": _WATCHED,
    "resource_availability_check_max_attempts": (
        "Kubernetes itself refuses pods with a missing account, and waits for missing Secrets"
    ),
    **dict.fromkeys(
        ("pod_termination_grace_period_seconds", "cleanup_grace_period_seconds"), _GRACE
    ),
    **dict.fromkeys(("terminationGracePeriodSeconds", "cleanup_resources_timeout"), _GRACE),
    "print_pod_warning_events": "warnings of pods are always in the job's log",
    "pod_disruption_budget": (
        "there is no disruption budget: use `interrupted_retries`, or make one for the labels"
    ),
    **dict.fromkeys(("logs_base_dir", "scripts_base_dir"), _OURS),
    **dict.fromkeys(("suspend_pvc_size", "suspend_pvc_storage_class"), _SUSPEND),
    "autoscaler": "there are no pause pods: use the cluster's own autoscaler",
    "init_permissions_container_security_context": "there is no such container",
}
"""Options of `[runners.kubernetes]` that become nothing, and why."""

RUNNER_LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(("url", "id", "token", "token_obtained_at", "token_expires_at"), _SERVER),
    **dict.fromkeys(("tls-ca-file", "tls-cert-file", "tls-key-file", "clone_url"), _SERVER),
    **dict.fromkeys(("limit", "request_concurrency", "strict_check_interval"), _AIRFLOW),
    **dict.fromkeys(("unhealthy_requests_limit", "unhealthy_interval"), _SERVER),
    "job_status_final_update_retry_limit": _SERVER,
    "output_limit": "logs are kept as a whole",
    "labels": "GitLab's server shows them; `labels` here are those of pods",
    **dict.fromkeys(("builds_dir", "cache_dir", "custom_build_dir"), _OURS),
    **dict.fromkeys(("post_get_sources_script", "post_clone_script"), _AFTER_FETCH),
    **dict.fromkeys(("prepare_timeout", "get_sources_timeout"), "the job's timeout counts"),
    "debug_trace_disabled": "a setting of the installation, for all runners",
    **dict.fromkeys(
        ("safe_directory_checkout", "clean_git_config"), "git reads no such files here"
    ),
    "shell": "scripts run in bash, or in sh if the image has no bash",
    "proxy_exec": "scripts are not run by the helper",
    "step_runner_image": "steps are not supported",
    "artifact": "artifacts are in the object store of the connection `object_store_conn_id`",
    **dict.fromkeys(("referees", "monitoring", "experimental"), "there is no such service"),
    **dict.fromkeys(("use_slot_cgroups", "slot_cgroup_template"), "is of other executors"),
    **dict.fromkeys(
        ("docker", "machine", "ssh", "parallels", "virtualbox"), "is of another executor"
    ),
    **dict.fromkeys(("custom", "instance", "autoscaler"), "is of another executor"),
}
"""Options of `[[runners]]` that become nothing, and why."""
