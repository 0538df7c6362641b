"""`id_tokens:` in a pod: a projected volume, into which the kubelet writes the tokens.

They are of the pod's service account, so the runner must name one: no job gets tokens of an account
that nobody has chosen for jobs.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model import workspace
from gitlab_ci_provider.model.plan import IdToken
from gitlab_ci_provider.model.runner import RunnerProfile

VOLUME = "id-tokens"

_READABLE = 0o444


def refuse_without_account(tokens: Sequence[IdToken], profile: RunnerProfile) -> None:
    """Fail a job that wants tokens from a runner without a service account.

    Raises:
        SystemFailure: the message says what to set.
    """
    if tokens and not profile.service_account:
        message = f"runner '{profile.name}' has no `service_account`, which id_tokens are issued to"
        raise ConfigurationFailure(message)


def id_token_volumes(tokens: Sequence[IdToken]) -> list[k8s.V1Volume]:
    """Make the volume of a job that has tokens."""
    if not tokens:
        return []
    sources = [
        k8s.V1VolumeProjection(
            service_account_token=k8s.V1ServiceAccountTokenProjection(
                audience=token.audience, expiration_seconds=token.seconds, path=token.name
            )
        )
        for token in tokens
    ]
    projected = k8s.V1ProjectedVolumeSource(sources=sources, default_mode=_READABLE)
    return [k8s.V1Volume(name=VOLUME, projected=projected)]


def id_token_mounts(tokens: Sequence[IdToken]) -> list[k8s.V1VolumeMount]:
    """Mount it, where there is one."""
    if not tokens:
        return []
    return [k8s.V1VolumeMount(name=VOLUME, mount_path=workspace.ID_TOKENS_DIR, read_only=True)]
