"""Options of a runner that contradict each other: Kubernetes refuses them, or one never matters."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from itertools import islice

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import PodResources
from gitlab_ci_provider.pods.resources import quantity

Problem = tuple[str, str, str]
"""Code, words, and the option that it is about."""

_CODE = "runner-contradiction"
_ROLES = ("build", "helper", "service", "pod")
_KINDS = ("requests", "limits")
_AMOUNTS = ("cpu", "memory", "ephemeral_storage")
_EARLIER = 200
"""Runners with which a later one is compared; those that come first take the most."""


def refused(runner: RunnerProfile) -> Iterator[Problem]:
    """List what Kubernetes refuses together, or what no pod of the runner can ever do."""
    yield from _root(runner)
    yield from _network(runner)
    yield from _tolerations(runner)
    for kind in ("requests", "limits", "max_requests", "max_limits"):
        if getattr(runner.resources.pod, kind).ephemeral_storage:
            words = "Kubernetes has cpu and memory for a whole pod, and no ephemeral storage"
            yield "runner-kubernetes", words, f"resources.pod.{kind}.ephemeral_storage"


def pointless(runner: RunnerProfile) -> Iterator[Problem]:
    """List what another option keeps from ever mattering."""
    yield from _amounts(runner)
    security = runner.security
    if both := sorted({*security.cap_add} & {*security.cap_drop}):
        words = f"{', '.join(both)} is also in cap_drop, which wins"
        yield _CODE, words, "security.cap_add"
    if runner.allowed_pull_policies and (
        outside := [name for name in runner.pull_policy if name not in runner.allowed_pull_policies]
    ):
        words = f"{', '.join(outside)} is not in allowed_pull_policies, which concern jobs only"
        yield _CODE, words, "pull_policy"
    for users, field in (("allowed_users", "runAsUser"), ("allowed_groups", "runAsGroup")):
        allowed = getattr(runner, users)
        fixed = [name for name in ("build", "pod") if field in getattr(security, name)]
        if allowed and fixed and getattr(security, fixed[0])[field] not in allowed:
            words = f"changes nothing for the job's image: security.{fixed[0]} sets {field}"
            yield _CODE, words, users


def never_chosen(runner: RunnerProfile, earlier: Iterable[RunnerProfile]) -> Iterator[Problem]:
    """Say that an earlier runner takes every job that this one could."""
    for other in islice(earlier, _EARLIER):
        if _takes_all_of(other, runner):
            words = f"this runner takes no job: '{other.name}', which comes first, takes them all"
            yield _CODE, words, "name"
            return


def _takes_all_of(other: RunnerProfile, runner: RunnerProfile) -> bool:
    if other.projects and (not runner.projects or set(runner.projects) - set(other.projects)):
        return False
    if other.access_level == "ref_protected" != runner.access_level:
        return False
    if other.any_tags or runner.any_tags:
        return other.any_tags
    untagged = other.takes_untagged or not runner.takes_untagged
    return untagged and set(runner.tags) <= set(other.tags)


def _root(runner: RunnerProfile) -> Iterator[Problem]:
    security = runner.security
    restricted = security.standard == "restricted"
    contexts = {"security.pod": security.pod, "security.build": security.build}
    nonroot = [name for name, context in contexts.items() if context.get("runAsNonRoot") is True]
    why = "'restricted'" if restricted else f"runAsNonRoot of {nonroot[0]}" if nonroot else ""
    if why and 0 in runner.allowed_users:
        words = f"{why} lets no image run as root, so 0 cannot be allowed"
        yield "runner-security", words, "allowed_users"
    if restricted and runner.image_builds == "rewrite":
        words = "Kaniko, which builds images, runs as root, and 'restricted' lets nothing do that"
        yield "runner-security", words, "image_builds"


def _network(runner: RunnerProfile) -> Iterator[Problem]:
    network = runner.network
    if network.dns_policy == "None" and not network.dns_config.get("nameservers"):
        words = "Kubernetes refuses dns_policy: None without dns_config.nameservers"
        yield "runner-kubernetes", words, "network.dns_policy"
    for alias in filter(None, network.host_aliases):
        try:
            ipaddress.ip_address(str(alias.get("ip")))
        except ValueError:
            words = f"ip: {str(alias.get('ip'))!r} is not an address"
            yield "runner-kubernetes", words, "network.host_aliases"


def _tolerations(runner: RunnerProfile) -> Iterator[Problem]:
    option = "scheduling.tolerations"
    for toleration in filter(None, runner.scheduling.tolerations):
        operator = toleration.get("operator") or "Equal"
        if operator == "Exists" and toleration.get("value"):
            yield "runner-kubernetes", "with operator: Exists there is no value", option
        if operator != "Exists" and not toleration.get("key"):
            yield "runner-kubernetes", "without a key, the operator must be Exists", option
        if "tolerationSeconds" in toleration and toleration.get("effect") != "NoExecute":
            yield "runner-kubernetes", "tolerationSeconds needs effect: NoExecute", option


def _amounts(runner: RunnerProfile) -> Iterator[Problem]:
    for role in _ROLES:
        resources, built_in = getattr(runner.resources, role), getattr(PodResources(), role)
        for amount in _AMOUNTS:
            asked, limit = (getattr(getattr(resources, kind), amount) for kind in _KINDS)
            option = f"resources.{role}"
            if asked != getattr(built_in.requests, amount) and _above(asked, limit):
                words = f"requests {asked}, and its limit is {limit}: {limit} is requested"
                yield _CODE, words, f"{option}.requests.{amount}"
            for kind in _KINDS:
                usual = getattr(getattr(resources, kind), amount)
                most = getattr(getattr(resources, f"max_{kind}"), amount)
                if _above(usual, most):
                    words = f"the most that jobs may set is {most}, below the runner's own {usual}"
                    yield _CODE, words, f"{option}.max_{kind}.{amount}"


def _above(text: str, most: str) -> bool:
    wanted, highest = quantity(text), quantity(most)
    return wanted is not None and highest is not None and wanted > highest
