"""`retry:`: a number, or a mapping of number, reasons and exit codes."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field, integers, is_integer, strings_or_string
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.model.job import Retry

REASONS = frozenset(
    {
        "always",
        "unknown_failure",
        "script_failure",
        "api_failure",
        "stuck_or_timeout_failure",
        "stuck_pending_with_matching_runners",
        "stuck_pending_no_matching_runners",
        "no_updates_running",
        "no_updates_canceling",
        "runner_system_failure",
        "runner_configuration_error",
        "runner_external_dependency_failure",
        "runner_interrupted",
        "runner_unsupported",
        "stale_schedule",
        "job_execution_timeout",
        "server_timeout_running",
        "server_timeout_canceling",
        "archived_failure",
        "unmet_prerequisites",
        "scheduler_failure",
        "data_integrity_failure",
        "missing_dependency_failure",
        "forward_deployment_failure",
        "user_blocked",
        "project_deleted",
        "ci_quota_exceeded",
        "pipeline_loop_detected",
        "no_matching_runner",
        "trace_size_exceeded",
        "builds_disabled",
        "environment_creation_failure",
        "deployment_rejected",
        "failed_outdated_deployment_job",
        "job_execution_server_timeout",
        "protected_environment_failure",
        "insufficient_bridge_permissions",
        "downstream_bridge_project_not_found",
        "invalid_bridge_trigger",
        "upstream_bridge_project_not_found",
        "insufficient_upstream_permissions",
        "bridge_pipeline_is_child_pipeline",
        "downstream_pipeline_creation_failed",
        "secrets_provider_not_found",
        "reached_max_descendant_pipelines_depth",
        "ip_restriction_failure",
        "reached_max_pipeline_hierarchy_size",
        "reached_downstream_pipeline_trigger_rate_limit",
        "duo_workflow_not_allowed",
        "job_router_failure",
        "job_token_expired",
    }
)
"""Every reason for which GitLab lets a job fail; most of them only happen there."""

MAX_RETRIES = 2


def read_retry(field: Field) -> Retry | None:
    """Read `retry:`."""
    if is_integer(field.value):
        return Retry(max=_max(field) or 0)
    if not isinstance(field.value, Map):
        field.refuse("has to be either an integer or a hash")
        return None
    field.only(("max", "when", "exit_codes"))
    return Retry(
        max=field.get("max", _max) or 0,
        when=field.get("when", _reasons),
        exit_codes=field.get("exit_codes", integers),
    )


def _max(field: Field) -> int | None:
    value = field.value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or not is_integer(value):
        field.refuse("must be an integer")
    elif value > MAX_RETRIES:
        field.refuse(f"must be less than or equal to {MAX_RETRIES}")
    elif value < 0:
        field.refuse("must be greater than or equal to 0")
    else:
        return value
    return None


def _reasons(field: Field) -> tuple[str, ...] | None:
    reasons = strings_or_string(field)
    unknown = [reason for reason in reasons or () if reason not in REASONS]
    if unknown and isinstance(field.value, str):
        field.refuse("is not included in the list")
    elif unknown:
        field.refuse(f"contains unknown values: {', '.join(unknown)}")
    return reasons
