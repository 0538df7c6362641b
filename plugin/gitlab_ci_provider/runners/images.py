"""What a runner makes of the image that a job asks for: allowed or not, pulled how, run as whom.

Source: GitLab Runner's `allowed_images.go`, `pull_policies` and `getContainerUIDGID`. An image that
is not allowed fails the job; a user that is not allowed is left out, with a warning.

Unlike GitLab, any pull policy may be asked for where neither `allowed_pull_policies` nor
`pull_policy` says anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from gitlab_ci_provider.exceptions import ConfigurationFailure, SystemFailure
from gitlab_ci_provider.model.image import Image, PullPolicy
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Manifest
from gitlab_ci_provider.storage.globs import compile_glob

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Role:
    """What an image is for, and where the runner says what is allowed.

    Attributes:
        words: for messages.
        option: name of the option that lists allowed images.
    """

    words: str
    option: str

    def allowed(self, runner: RunnerProfile) -> Sequence[str]:
        """Return the patterns of allowed images."""
        return runner.allowed_images if self is BUILD else runner.allowed_services

    def own(self, runner: RunnerProfile) -> Collection[str]:
        """Return the images that the runner itself names: they are allowed in any case."""
        services = (service.name for service in runner.services) if self is SERVICE else ()
        return {runner.image, runner.helper_image, *services}

    def context(self, runner: RunnerProfile) -> Manifest:
        """Return what the runner says of the container's security context."""
        return runner.security.build if self is BUILD else runner.security.service


BUILD = Role("image", "allowed_images")
SERVICE = Role("service image", "allowed_services")


def permitted(image: Image, role: Role, runner: RunnerProfile, warn: Warn) -> Image:
    """Return an image as the runner lets it run: its pull policies and its user settled.

    Raises:
        SystemFailure: the runner does not allow the image, or none of its pull policies.
    """
    _refuse_image(image.name, role, runner)
    policies, user = _policies(image, runner), _user(image, role, runner, warn)
    return replace(image, pull_policies=policies, user=user)


def _refuse_image(name: str, role: Role, runner: RunnerProfile) -> None:
    patterns = role.allowed(runner)
    if not patterns or name in role.own(runner):
        return
    if not any(compile_glob(pattern).matches(name) for pattern in patterns):
        listed = ", ".join(patterns)
        message = (
            f"the {role.words} '{name}' is not allowed by the runner '{runner.name}': its "
            f"{role.option} are {listed}"
        )
        raise SystemFailure(message)


def _policies(image: Image, runner: RunnerProfile) -> tuple[PullPolicy, ...]:
    """Keep those policies of the job that the runner allows; without any, the runner's own."""
    if not image.pull_policies:
        return runner.pull_policy
    allowed = runner.allowed_pull_policies or runner.pull_policy
    kept = tuple(policy for policy in image.pull_policies if not allowed or policy in allowed)
    if not kept:
        message = (
            f"no pull policy of the image '{image.name}' ({', '.join(image.pull_policies)}) is "
            f"allowed by the runner '{runner.name}': it allows {', '.join(allowed)}"
        )
        raise ConfigurationFailure(message)
    return kept


def _user(image: Image, role: Role, runner: RunnerProfile, warn: Warn) -> str | None:
    """Return the user and group that the job may choose, as `UID`, `UID:GID` or `:GID`."""
    if not image.user:
        return None
    contexts = (role.context(runner), runner.security.pod)
    uid, _, gid = image.user.partition(":")
    user = _id(uid, "runAsUser", contexts, runner.allowed_users, warn)
    group = _id(gid, "runAsGroup", contexts, runner.allowed_groups, warn)
    return f"{user}:{group}" if group else user or None


def _id(
    text: str,
    field: str,
    contexts: Sequence[Manifest],
    allowed: Collection[int],
    warn: Warn,
) -> str:
    what = "user" if field == "runAsUser" else "group"
    fixed = next((context[field] for context in contexts if field in context), None)
    if not text or fixed is not None:
        if text:
            warn(f"kubernetes:user: the runner's own {what} {fixed} is used instead of {text}")
        return ""
    if not text.isascii() or not text.isdigit():
        warn(f"kubernetes:user: the {what} '{text}' is not a number")
        return ""
    if int(text) in allowed or (int(text) and not allowed):
        return str(int(text))
    listed = ", ".join(map(str, allowed)) or "all but 0"
    warn(f"kubernetes:user: the {what} {text} is not allowed (allowed_{what}s: {listed})")
    return ""
