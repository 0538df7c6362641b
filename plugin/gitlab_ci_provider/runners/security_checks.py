"""Security options of a runner that exclude each other, or that Kubernetes refuses together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Manifest

Problem = tuple[str, str, str]
"""Code, words, and the option that it is about."""

_CODE = "runner-security"
_CONTEXTS = ("pod", "build", "helper", "service")
_REFUSED: Mapping[str, object] = {
    "privileged": True,
    "allowPrivilegeEscalation": True,
    "runAsNonRoot": False,
    "runAsUser": 0,
    "procMount": "Unmasked",
}
_REQUIRED = ("allowPrivilegeEscalation", "runAsNonRoot", "seccompProfile")
"""What `null` would leave out."""

_PROFILES = ("RuntimeDefault", "Localhost")
_ALLOWED = frozenset({"NET_BIND_SERVICE"})
_KINDS = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"}
) | {"projected", "secret"}
"""Of volumes; Source: the Pod Security Standards of Kubernetes."""


def security_problems(runner: RunnerProfile) -> Iterator[Problem]:
    """List them."""
    security = runner.security
    if security.privileged and security.allow_privilege_escalation is False:
        words = "Kubernetes refuses privileged containers that may not gain rights"
        yield _CODE, words, "security.allow_privilege_escalation"
    if security.standard == "restricted":
        yield from _restricted(runner)


def _restricted(runner: RunnerProfile) -> Iterator[Problem]:
    """List what the Pod Security Standard `restricted` refuses."""
    security = runner.security
    if security.privileged or security.cap_add:
        words = "'restricted' allows neither privileged containers nor added capabilities"
        yield _CODE, words, f"security.{'privileged' if security.privileged else 'cap_add'}"
    if security.allow_privilege_escalation:
        words = "'restricted' does not let programs gain rights"
        yield _CODE, words, "security.allow_privilege_escalation"
    for name in _CONTEXTS:
        for words in _context(getattr(security, name)):
            yield _CODE, f"'restricted' does not allow {words}", f"security.{name}"
    for volume in runner.volumes:
        for kind in sorted(set(volume) - {"name"} - _KINDS):
            words = f"'restricted' does not allow volumes of the kind {kind}"
            yield _CODE, words, "volumes"


def _context(context: Manifest) -> Iterator[str]:
    for field, value in _REFUSED.items():
        if field in context and context[field] == value and type(context[field]) is type(value):
            yield f"{field}: {str(value).lower() if isinstance(value, bool) else value}"
    yield from (f"{field}: null" for field in _REQUIRED if context.get(field, "") is None)
    profile = context.get("seccompProfile")
    if isinstance(profile, Mapping) and profile.get("type") not in _PROFILES:
        yield f"seccompProfile: {profile.get('type')}"
    capabilities = context.get("capabilities")
    if isinstance(capabilities, Mapping):
        added = set(capabilities.get("add") or ()) - _ALLOWED
        if added:
            yield f"the capabilities {', '.join(sorted(added))}"
        if "ALL" not in (capabilities.get("drop", ("ALL",)) or ()):
            yield "capabilities that do not drop ALL"
