"""The volumes of a job's pod: two that its containers share, and the Secret, cut in three.

Each helper container sees its own plan, the build container sees the scripts only. The plan for
after the script has no login, and does not allow reading what the job may only write.
"""

from __future__ import annotations

from collections.abc import Mapping

from kubernetes import client as k8s

from gitlab_ci_provider.model import workspace
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.pods.manifest import from_manifest

SCRIPT_KEYS = ("entry", "step_script", "after_script")
PLAN_KEYS = ("prepare.json", "finish.json")
"""By the helper's command that uses it."""

HOOK_KEY = "hook.json"
"""Only in the Secret of a job that has a hook."""

OWN_VOLUMES = frozenset(
    {
        *("builds", "control", "scripts", "plan-prepare", "plan-finish"),
        *("hook", "hook-builds", "plan-hook", "id-tokens", "kubeconfig"),
    }
)
"""Names that the volumes of a runner cannot have."""

_READABLE = 0o444


def volumes(secret_name: str, profile: RunnerProfile, *, hook: bool = False) -> list[k8s.V1Volume]:
    """List the volumes of the pod whose Secret has this name: ours, then the runner's."""
    keys = (HOOK_KEY, *PLAN_KEYS) if hook else PLAN_KEYS
    folders = ("builds", "control", *(("hook", "hook-builds") if hook else ()))
    return [
        *(k8s.V1Volume(name=name, empty_dir=k8s.V1EmptyDirVolumeSource()) for name in folders),
        *(_secret(_plan_volume(key), secret_name, {key: workspace.PLAN_NAME}) for key in keys),
        _secret("scripts", secret_name, {key: key for key in SCRIPT_KEYS}),
        *(from_manifest(volume, "V1Volume") for volume in profile.volumes),
    ]


def helper_mounts(
    command: str, profile: RunnerProfile, *, hook: bool = False
) -> list[k8s.V1VolumeMount]:
    """List what a helper container sees that runs this command.

    The hook is a script of the author: it gets a folder for its results, which `prepare` reads,
    and none of those in which `prepare` works afterwards.
    """
    plan = _mount(_plan_volume(f"{command}.json"), workspace.PLAN_DIR, read_only=True)
    if command == "hook":
        own = [_mount("hook-builds", workspace.BUILDS_DIR), _mount("hook", workspace.HOOK_DIR)]
        return [*own, plan, *runner_mounts(profile)]
    told = hook and command == "prepare"
    results = [_mount("hook", workspace.HOOK_DIR, read_only=True)] if told else []
    return [*_shared(), plan, *results, *runner_mounts(profile)]


def build_mounts(profile: RunnerProfile) -> list[k8s.V1VolumeMount]:
    """List what the build container sees."""
    own = _mount("scripts", workspace.SCRIPTS_DIR, read_only=True)
    return [*_shared(), own, *runner_mounts(profile)]


def runner_mounts(profile: RunnerProfile) -> list[k8s.V1VolumeMount]:
    """List what every container sees of the runner's volumes."""
    return [from_manifest(mount, "V1VolumeMount") for mount in profile.volume_mounts]


def service_mounts(profile: RunnerProfile) -> list[k8s.V1VolumeMount]:
    """List what a service sees: the working copies, as with GitLab Runner."""
    return [_mount("builds", workspace.BUILDS_DIR), *runner_mounts(profile)]


def _shared() -> list[k8s.V1VolumeMount]:
    return [_mount("builds", workspace.BUILDS_DIR), _mount("control", workspace.CONTROL_DIR)]


def _mount(name: str, path: str, *, read_only: bool = False) -> k8s.V1VolumeMount:
    return k8s.V1VolumeMount(name=name, mount_path=path, read_only=read_only or None)


def _plan_volume(key: str) -> str:
    return f"plan-{key.removesuffix('.json')}"


def _secret(name: str, secret_name: str, paths: Mapping[str, str]) -> k8s.V1Volume:
    items = [k8s.V1KeyToPath(key=key, path=path) for key, path in paths.items()]
    source = k8s.V1SecretVolumeSource(secret_name=secret_name, items=items, default_mode=_READABLE)
    return k8s.V1Volume(name=name, secret=source)
