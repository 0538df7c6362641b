"""What the processes of a job may do: Pod Security `baseline` always, `restricted` if asked for.

Unlike GitLab, whose runner only removes NET_RAW, no process can gain rights that it was not started
with, device files cannot be made, the bounding set stays as it is, system calls are
those of the container runtime's profile, and the helper keeps three capabilities. Programs such as
`sudo` need a runner with `allow_privilege_escalation: true`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from kubernetes import client as k8s

from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Manifest, Security
from gitlab_ci_provider.pods.manifest import from_manifest, to_manifest

DROPPED = ("MKNOD", "NET_RAW", "SETPCAP")
"""Of the runtimes' usual set, what package managers, `su` and servers can do without."""

HELPER_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER")
"""A helper that is root handles files of any user that the job's image runs as."""

_NOBODY_SPECIAL = 1000
"""User and group in `restricted` pods: helper and script share files, and images need no user."""

_ALL = "ALL"

Context = TypeVar("Context", k8s.V1PodSecurityContext, k8s.V1SecurityContext)


def pod_context(security: Security) -> k8s.V1PodSecurityContext:
    """Build the security context of the pod."""
    context = k8s.V1PodSecurityContext(seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"))
    if security.standard == "restricted":
        context.run_as_non_root = True
        context.run_as_user = context.run_as_group = context.fs_group = _NOBODY_SPECIAL
    return _laid_over(context, security.pod, "V1PodSecurityContext")


def build_context(profile: RunnerProfile, image: Image) -> k8s.V1SecurityContext:
    """Build the security context of the script's container."""
    context = _job_context(profile.security, profile.security.build)
    return _with_user(context, image)


def service_context(profile: RunnerProfile, image: Image) -> k8s.V1SecurityContext:
    """Build the security context of a service's container."""
    context = _job_context(profile.security, profile.security.service)
    return _with_user(context, image)


def helper_context(profile: RunnerProfile) -> k8s.V1SecurityContext:
    """Build the security context of the helper's containers."""
    security = profile.security
    kept = None if security.standard == "restricted" else list(HELPER_CAPABILITIES)
    context = k8s.V1SecurityContext(
        allow_privilege_escalation=False,
        capabilities=k8s.V1Capabilities(drop=[_ALL], add=kept),
    )
    return _laid_over(context, security.helper, "V1SecurityContext")


def _job_context(security: Security, own: Manifest) -> k8s.V1SecurityContext:
    """Build what build and services have in common, with what the runner says of one of them."""
    context = k8s.V1SecurityContext(
        privileged=security.privileged or None,
        allow_privilege_escalation=_may_escalate(security),
        capabilities=_capabilities(security),
    )
    return _laid_over(context, own, "V1SecurityContext")


def _may_escalate(security: Security) -> bool:
    """Return whether processes may gain rights; Kubernetes requires it for privileged ones."""
    if security.allow_privilege_escalation is None:
        return security.privileged or "SYS_ADMIN" in _names(security.cap_add)
    return security.allow_privilege_escalation


def _capabilities(security: Security) -> k8s.V1Capabilities | None:
    added, dropped = _names(security.cap_add), _names(security.cap_drop)
    if security.standard == "restricted":
        return k8s.V1Capabilities(drop=[_ALL], add=added or None)
    if security.privileged and not (added or dropped):
        return None
    kept = [name for name in DROPPED if name not in added and not security.privileged]
    return k8s.V1Capabilities(
        add=[name for name in added if name not in dropped] or None,
        drop=sorted({*kept, *dropped}) or None,
    )


def _names(capabilities: tuple[str, ...]) -> list[str]:
    return [name.upper().removeprefix("CAP_") for name in capabilities]


def _with_user(context: k8s.V1SecurityContext, image: Image) -> k8s.V1SecurityContext:
    """Add `kubernetes:user`: `UID`, `UID:GID` or `:GID`, as `runners/images.py` has let it pass."""
    uid, _, gid = (image.user or "").partition(":")
    context.run_as_user = int(uid) if uid else context.run_as_user
    context.run_as_group = int(gid) if gid else context.run_as_group
    return context


def _laid_over(context: Context, manifest: Manifest, kind: str) -> Context:
    """Let the runner's file win, field by field."""
    if not manifest:
        return context
    written = to_manifest(context)
    merged: Context = from_manifest({**written, **manifest, **_joined(written, manifest)}, kind)
    return merged


def _joined(written: Manifest, manifest: Manifest) -> Manifest:
    """Join capabilities: `add` and `drop` are fields of their own, as in GitLab Runner.

    What the file adds is not dropped by us: container runtimes drop last.
    """
    own, given = written.get("capabilities"), manifest.get("capabilities")
    if not (isinstance(own, Mapping) and isinstance(given, Mapping)):
        return {}
    added, dropped = given.get("add") or (), own.get("drop") or ()
    kept = {**own, "drop": [name for name in dropped if name == _ALL or name not in added]}
    return {"capabilities": {field: names for field, names in {**kept, **given}.items() if names}}
