"""What is wrong with a runner although each of its options is right."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.raw import Map, Mark
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.support import HONOURED_FLAGS
from gitlab_ci_provider.runners.contradictions import pointless, refused
from gitlab_ci_provider.runners.pod_check import pod_problems
from gitlab_ci_provider.runners.security_checks import security_problems
from gitlab_ci_provider.runners.volume_checks import volume_problems

Problem = tuple[str, str, str]
"""Code, words, and the option that it is about."""


def check_runner(runner: RunnerProfile, node: Map, diagnostics: Diagnostics) -> None:
    """Note what is wrong with a runner."""
    found = (
        *_choice(runner),
        *security_problems(runner),
        *volume_problems(runner),
        *_clusters(runner),
        *_patches(runner),
        *_services(runner),
        *refused(runner),
    )
    for code, words, option in found:
        diagnostics.error(code, words, place_of(node, option))
    for code, words, option in pointless(runner):
        diagnostics.warning(code, words, place_of(node, option))
    for flag in runner.feature_flags:
        if flag not in HONOURED_FLAGS:
            words = f"the feature flag {flag} changes nothing here"
            diagnostics.warning(
                "runner-feature-flag", words, place_of(node, f"feature_flags.{flag}")
            )


def place_of(node: Map, option: str) -> Mark:
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
            return
    for words in pod_problems(runner):
        yield "runner-patch", words, "pod_patches"


def _services(runner: RunnerProfile) -> Iterator[Problem]:
    if any(not service.name.strip() for service in runner.services):
        yield "runner-service", "a service needs an image: `name`", "services"


def _clusters(runner: RunnerProfile) -> Iterator[Problem]:
    for cluster in runner.clusters:
        if not cluster.environments:
            words = "a cluster needs 'environments': without any, no job may deploy to it"
            yield "runner-cluster", words, "clusters"
        if bool(cluster.service_account) == bool(cluster.kubeconfig_secret):
            words = "a cluster needs either 'service_account' or 'kubeconfig_secret'"
            yield "runner-cluster", words, "clusters"
