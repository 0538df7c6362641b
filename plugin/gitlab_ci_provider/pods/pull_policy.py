"""Pull policies in Kubernetes' words."""

from __future__ import annotations

from collections.abc import Sequence

from gitlab_ci_provider.model.image import PullPolicy

_IN_KUBERNETES: dict[PullPolicy, str] = {
    "always": "Always",
    "if-not-present": "IfNotPresent",
    "never": "Never",
}


def pull_policy(policies: Sequence[PullPolicy]) -> str | None:
    """Return the first of several policies; None leaves it to Kubernetes."""
    return _IN_KUBERNETES[policies[0]] if policies else None
