"""What a job changes of its runner with `KUBERNETES_*` variables, as far as the runner lets it.

Source: GitLab Runner's `overwrites.go`. A value that does not match the runner's pattern, or is
above its maximum, fails the job. A variable about which the runner says nothing changes nothing.

Unlike GitLab, the job's log says which variables change nothing; a value that holds a masked one
fails the job, because everybody who may see pods could read it there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Amounts, Manifest, PodResources, Resources
from gitlab_ci_provider.pods.resources import quantity
from gitlab_ci_provider.runners.forms import is_own_label, label_problem, matches
from gitlab_ci_provider.variables.expand import expand_or_drop

Say = Callable[[str], None]

TOKEN = "KUBERNETES_BEARER_TOKEN"  # noqa: S105 - the name of a variable

_PREFIXES = {"build": "", "service": "SERVICE_", "helper": "HELPER_", "pod": "POD_"}
_AMOUNTS = ("cpu", "memory", "ephemeral_storage")
_DNS = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class JobVariables:
    """The variables of a job, expanded.

    Attributes:
        values: by name.
        masked: whether a text holds what must not be seen.
        note, warn: tell the job's log what changes, and what changes nothing.
    """

    values: Mapping[str, str]
    masked: Callable[[str], bool]
    note: Say
    warn: Say

    def named(self, name: str) -> str:
        """Return a value that may be seen in the pod.

        Raises:
            SystemFailure: it holds a masked value.
        """
        value = self.values[name]
        if self.masked(value):
            raise _refused(name, "holds a masked value, which a pod would show")
        return value

    def has(self, name: str) -> bool:
        """Return whether the job has a variable that says something."""
        return bool(self.values.get(name))


def overridden(runner: RunnerProfile, job: JobVariables) -> RunnerProfile:
    """Return the runner with what a job changes.

    Raises:
        SystemFailure: the runner does not allow a value.
    """
    allowed = runner.overrides
    one, several = _Single(runner, job), _Several(runner, job)
    scheduling = runner.scheduling
    return replace(
        runner,
        namespace=one.value("NAMESPACE_OVERWRITE", runner.namespace, allowed.namespace),
        service_account=one.value(
            "SERVICE_ACCOUNT_OVERWRITE", runner.service_account, allowed.service_account
        ),
        labels=several.labels("POD_LABELS_", runner.labels, allowed.pod_labels),
        annotations=several.labels("POD_ANNOTATIONS_", runner.annotations, allowed.pod_annotations),
        scheduling=replace(
            scheduling,
            node_selector=several.pairs(
                "NODE_SELECTOR_", scheduling.node_selector, allowed.node_selector
            ),
            tolerations=several.tolerations(scheduling.tolerations, allowed.node_tolerations),
        ),
        resources=PodResources(
            **{
                role: overridden_resources(getattr(runner.resources, role), role, runner, job)
                for role in _PREFIXES
            }
        ),
    )


def overridden_resources(
    resources: Resources,
    role: str,
    runner: RunnerProfile,
    job: JobVariables,
) -> Resources:
    """Return resources with what variables change; those of a service may have its own variables.

    Raises:
        SystemFailure: a value is above the runner's maximum, or is not a quantity.
    """
    single = _Single(runner, job)
    changed: dict[str, Amounts] = {}
    for kind, most in (("requests", resources.max_requests), ("limits", resources.max_limits)):
        amounts: Amounts = getattr(resources, kind)
        values = {
            amount: single.amount(
                f"{_PREFIXES[role]}{amount.upper()}_{kind[:-1].upper()}",
                getattr(amounts, amount),
                getattr(most, amount),
            )
            for amount in _AMOUNTS
        }
        changed[kind] = Amounts(**values)
    return replace(resources, **changed)


def bearer_token(runner: RunnerProfile, job: JobVariables) -> str:
    """Return the token that the job wants for creating its pod; empty for the connection's."""
    token = job.values.get(TOKEN, "")
    if token and not runner.overrides.bearer_token:
        _ignored(job, TOKEN, runner)
        return ""
    if token:
        job.note(f"{TOKEN}: the pod is created with the job's own token")
    return token


class _Single:
    """Reads variables that stand for one value."""

    def __init__(self, runner: RunnerProfile, job: JobVariables):
        self._runner = runner
        self._job = job

    def value(self, name: str, current: str, pattern: str) -> str:
        """Read a text that must match a pattern."""
        name = f"KUBERNETES_{name}"
        if not self._job.has(name):
            return current
        if not pattern:
            _ignored(self._job, name, self._runner)
            return current
        value = self._job.named(name)
        _check(name, value, pattern, self._runner)
        if not _DNS.fullmatch(value):
            raise _refused(name, f"is not a name in Kubernetes: '{value[:_SHOWN]}'")
        return _used(self._job, name, value)

    def amount(self, name: str, current: str, most: str) -> str:
        """Read a quantity that must not be above a maximum."""
        name = f"KUBERNETES_{name}"
        if not self._job.has(name):
            return current
        highest = quantity(most)
        if highest is None:
            _ignored(self._job, name, self._runner)
            return current
        value = self._job.named(name)
        wanted = quantity(value)
        if wanted is None:
            raise _refused(name, f"is not a quantity of Kubernetes: '{value[:_SHOWN]}'")
        if wanted > highest:
            words = f"asks for {value}, and the runner '{self._runner.name}' allows {most} at most"
            raise _refused(name, words)
        return _used(self._job, name, value)


class _Several:
    """Reads variables of which there may be many, by the beginning of their names."""

    def __init__(self, runner: RunnerProfile, job: JobVariables):
        self._runner = runner
        self._job = job

    def pairs(self, prefix: str, current: Mapping[str, str], pattern: str) -> Mapping[str, str]:
        """Read `key=value` pairs that are added to those of the runner."""
        pairs = dict(current)
        for name, value in self._allowed(prefix, pattern):
            key, equals, text = value.partition("=")
            if not equals:
                raise _refused(name, f"is not of the form key=value: '{value[:_SHOWN]}'")
            pairs[key] = _used(self._job, name, text)
        return pairs

    def labels(self, prefix: str, current: Mapping[str, str], pattern: str) -> Mapping[str, str]:
        """Read labels or annotations; ours and Airflow's stay as they are.

        Those of the runner may hold variables of the job.
        """
        expanded = {key: expand_or_drop(text, self._job.values) for key, text in current.items()}
        for key in [key for key, text in expanded.items() if self._job.masked(text)]:
            self._job.warn(f"'{key}' of the runner is left out: it holds a masked value")
            del expanded[key]
        pairs = dict(self.pairs(prefix, expanded, pattern))
        for key in [key for key in pairs if key not in current]:
            if is_own_label(key):
                self._job.warn(f"the label '{key}' is left as it is")
                del pairs[key]
            elif problem := label_problem(key):
                raise _refused(f"KUBERNETES_{prefix}*", problem)
        return pairs

    def tolerations(self, current: tuple[Manifest, ...], pattern: str) -> tuple[Manifest, ...]:
        """Read tolerations of the form `key[=value][:effect]`."""
        found = {(item.get("key"), item.get("value")): item for item in current}
        for name, value in self._allowed("NODE_TOLERATIONS_", pattern):
            taint, _, effect = value.partition(":")
            key, equals, text = taint.partition("=")
            manifest: dict[str, object] = {"operator": "Equal" if equals else "Exists"}
            manifest |= {"key": key} if key else {}
            manifest |= {"value": text} if equals else {}
            manifest |= {"effect": effect} if effect else {}
            found[key, text if equals else None] = manifest
            _used(self._job, name, value)
        return tuple(found.values())

    def _allowed(self, prefix: str, pattern: str) -> Iterator[tuple[str, str]]:
        for name in self._job.values:
            if not name.startswith(f"KUBERNETES_{prefix}"):
                continue
            if not pattern:
                _ignored(self._job, name, self._runner)
                continue
            value = self._job.named(name)
            _check(name, value, pattern, self._runner)
            yield name, value


def _check(name: str, value: str, pattern: str, runner: RunnerProfile) -> None:
    if not matches(pattern, value):
        words = f"is '{value[:_SHOWN]}', and the runner '{runner.name}' allows '{pattern}'"
        raise _refused(name, words)


def _ignored(job: JobVariables, name: str, runner: RunnerProfile) -> None:
    job.warn(f"{name} changes nothing: the runner '{runner.name}' does not allow it")


def _used(job: JobVariables, name: str, value: str) -> str:
    job.note(f"{name}: {value[:_SHOWN]}")
    return value


def _refused(name: str, words: str) -> SystemFailure:
    return SystemFailure(f"the variable {name} {words}")
