"""`id_tokens:` of a job: tokens that the cluster signs for the pod's service account.

Unlike GitLab, which signs them itself with claims about project, ref and job, the issuer is the
cluster and the claims are those of a service account (`sub` is
`system:serviceaccount:<namespace>:<name>`). A token is for one audience, and for those only that
the installation allows: a token for the cluster's own API would be a login there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.plan import IdToken
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.model.wildcards import matches
from gitlab_ci_provider.variables.expand import expand

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEAST_SECONDS = 600
"""What Kubernetes accepts."""

_LONGEST_SECONDS = 1 << 32


def plan_id_tokens(
    job: Job, variables: Variables, allowed: Sequence[str], timeout: int
) -> tuple[IdToken, ...]:
    """List the tokens of a job.

    Args:
        job: whose.
        variables: of the job; an audience may use them.
        allowed: patterns of audiences.
        timeout: of the job, in seconds.

    Raises:
        SystemFailure: one cannot be had; the message names it.
    """
    written: Any = job.as_written.get("id_tokens")
    if not isinstance(written, Mapping):
        return ()
    # The kubelet renews a token when four fifths of its time are over: not within a job.
    seconds = min(_LONGEST_SECONDS, max(_LEAST_SECONDS, timeout * 3 // 2 + _LEAST_SECONDS))
    return tuple(_tokens(written, variables, allowed, seconds))


def _tokens(
    written: Mapping[str, Any], variables: Variables, allowed: Sequence[str], seconds: int
) -> Iterator[IdToken]:
    for name, token in written.items():
        said = token["aud"]
        listed = [said] if isinstance(said, str) else said
        audiences = dict.fromkeys(expand(str(audience), variables) for audience in listed)
        if not _NAME.fullmatch(name):
            raise _refused(name, "no shell accepts this name")
        if len(audiences) != 1:
            raise _refused(name, "a token of Kubernetes has one audience, make one for each")
        (audience,) = audiences
        if not any(matches(pattern, audience) for pattern in allowed):
            message = f"the audience '{audience}' is not among those of the setting"
            raise _refused(name, f"{message} id_token_audiences")
        yield IdToken(name=name, audience=audience, seconds=seconds)


def _refused(name: str, why: str) -> ConfigurationFailure:
    message = f"id_tokens:{name}: {why}"
    return ConfigurationFailure(message)
