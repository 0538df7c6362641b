"""What is wrong with a runner although each of its options is right."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.raw import Map, Mark
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.pods.volumes import OWN_VOLUMES

HONOURED_FLAGS = frozenset(
    {
        "FF_KUBERNETES_HONOR_ENTRYPOINT",
        "FF_SECRET_RESOLVING_FAILS_IF_MISSING",
        "FF_USE_GIT_NATIVE_CLONE",
    }
)
"""Feature flags of GitLab Runner that change something here."""

Problem = tuple[str, str, str]
"""Code, words, and the option that it is about."""


def check_runner(runner: RunnerProfile, node: Map, diagnostics: Diagnostics) -> None:
    """Note what is wrong with a runner."""
    found = (
        *_choice(runner),
        *_security(runner),
        *_volumes(runner),
        *_clusters(runner),
        *_patches(runner),
        *_services(runner),
    )
    for code, words, option in found:
        diagnostics.error(code, words, _place(node, option))
    for flag in runner.feature_flags:
        if flag not in HONOURED_FLAGS:
            words = f"the feature flag {flag} changes nothing here"
            diagnostics.warning("runner-feature-flag", words, _place(node, f"feature_flags.{flag}"))


def _place(node: Map, option: str) -> Mark:
    """Find the line of an option such as `security.privileged`."""
    for part in option.split("."):
        below = node.get(part)
        if not isinstance(below, Map):
            return node.place(part)
        node = below
    return node.mark


def _choice(runner: RunnerProfile) -> Iterator[Problem]:
    if not runner.name:
        yield "runner-name", "a runner needs a name", "name"
    if not (runner.tags or runner.takes_untagged or runner.any_tags):
        words = "this runner takes no job: give it tags, or let it run jobs without any"
        yield "runner-takes-nothing", words, "run_untagged"


def _security(runner: RunnerProfile) -> Iterator[Problem]:
    security = runner.security
    if security.privileged and security.allow_privilege_escalation is False:
        words = "Kubernetes refuses privileged containers that may not gain rights"
        yield "runner-security", words, "security.allow_privilege_escalation"
    if security.standard == "restricted" and (security.privileged or security.cap_add):
        words = "'restricted' allows neither privileged containers nor added capabilities"
        wrong = "privileged" if security.privileged else "cap_add"
        yield "runner-security", words, f"security.{wrong}"
    if security.standard == "restricted" and security.allow_privilege_escalation:
        words = "'restricted' does not let programs gain rights"
        yield "runner-security", words, "security.allow_privilege_escalation"


def _patches(runner: RunnerProfile) -> Iterator[Problem]:
    for patch in runner.pod_patches:
        form = list if patch.type == "json" else dict
        if not isinstance(patch.patch, form):
            words = "a list of operations" if form is list else "a mapping"
            yield (
                "runner-type",
                f"the {patch.type} patch '{patch.name}' must be {words}",
                "pod_patches",
            )


def _services(runner: RunnerProfile) -> Iterator[Problem]:
    if any(not service.name.strip() for service in runner.services):
        yield "runner-service", "a service needs an image: `name`", "services"


def _volumes(runner: RunnerProfile) -> Iterator[Problem]:
    names = [str(volume.get("name")) for volume in runner.volumes]
    for name in names:
        if name in OWN_VOLUMES:
            yield "runner-volume", f"the name '{name}' is used by this package", "volumes"
    for mount in runner.volume_mounts:
        if mount.get("name") not in names:
            words = f"there is no volume named '{mount.get('name')}' in 'volumes'"
            yield "runner-volume", words, "volume_mounts"


def _clusters(runner: RunnerProfile) -> Iterator[Problem]:
    for cluster in runner.clusters:
        if not cluster.environments:
            words = "a cluster needs 'environments': without any, no job may deploy to it"
            yield "runner-cluster", words, "clusters"
        if bool(cluster.service_account) == bool(cluster.kubeconfig_secret):
            words = "a cluster needs either 'service_account' or 'kubeconfig_secret'"
            yield "runner-cluster", words, "clusters"
