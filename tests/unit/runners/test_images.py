"""What a runner makes of the image that a job asks for."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.image import Image, PullPolicy
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Security
from gitlab_ci_provider.runners.images import BUILD, SERVICE, permitted


def settle(image: Image, **runner: Any) -> tuple[Image, list[str]]:
    """Settle the image of a script; return the warnings, too."""
    warnings: list[str] = []
    profile = RunnerProfile(name="r", image="debian:12", helper_image="helper:1", **runner)
    return permitted(image, BUILD, profile, warnings.append), warnings


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("registry.example.com/group/app:1", True),
        ("registry.example.com/app", True),
        ("registry.example.com.evil.org/app", False),
        ("ruby:3", True),
        ("ruby:3@sha256:0", False),
        ("library/ruby:3", False),
        ("debian:12", True),
        ("helper:1", True),
    ],
)
def test_images_are_matched_as_a_whole(name: str, allowed: bool):
    """Patterns are the runner's (doublestar), and the runner's own images are always allowed."""
    patterns = ("registry.example.com/**", "ruby:?")
    if allowed:
        assert settle(Image(name=name), allowed_images=patterns)[0].name == name
        return
    with pytest.raises(SystemFailure, match="is not allowed by the runner 'r'") as failure:
        settle(Image(name=name), allowed_images=patterns)
    assert failure.value.reason is FailureReason.RUNNER_SYSTEM_FAILURE


def test_services_have_their_own_patterns():
    """`allowed_services` decides about services, `allowed_images` does not."""
    runner = RunnerProfile(name="r", allowed_images=("none",), allowed_services=("postgres:*",))

    assert permitted(Image(name="postgres:16"), SERVICE, runner, print).name == "postgres:16"
    with pytest.raises(SystemFailure, match="allowed_services are postgres"):
        permitted(Image(name="redis"), SERVICE, runner, print)


@pytest.mark.parametrize(
    ("asked", "own", "allowed", "used"),
    [
        ((), (), (), ()),
        ((), ("always",), (), ("always",)),
        (("never",), (), (), ("never",)),
        (("always", "never"), ("if-not-present",), ("never", "always"), ("always", "never")),
        (("always", "never"), ("never",), (), ("never",)),
    ],
)
def test_pull_policies_are_those_that_both_want(
    asked: tuple[PullPolicy, ...],
    own: tuple[PullPolicy, ...],
    allowed: tuple[PullPolicy, ...],
    used: tuple[PullPolicy, ...],
):
    """The job's order holds; policies that the runner does not allow are left out."""
    image = Image(name="x", pull_policies=asked)
    settled, _ = settle(image, pull_policy=own, allowed_pull_policies=allowed)

    assert settled.pull_policies == used


def test_no_allowed_pull_policy_fails_the_job():
    """GitLab's reason for it is the runner's configuration."""
    with pytest.raises(SystemFailure, match="it allows always") as failure:
        settle(Image(name="x", pull_policies=("never",)), pull_policy=("always",))
    assert failure.value.reason is FailureReason.RUNNER_CONFIGURATION_ERROR


@pytest.mark.parametrize(
    ("user", "runner", "used", "warnings"),
    [
        ("1000", {}, "1000", 0),
        ("1000:2000", {}, "1000:2000", 0),
        ("0", {}, None, 1),
        ("00", {}, None, 1),
        ("0:0", {"allowed_users": (0,)}, "0", 1),
        ("0", {"allowed_users": (0,)}, "0", 0),
        ("7:8", {"allowed_users": (7,), "allowed_groups": (9,)}, "7", 1),
        ("7:9", {"allowed_users": (8,), "allowed_groups": (9,)}, ":9", 1),
        ("root", {}, None, 1),
        ("-1", {}, None, 1),
        ("7", {"security": Security(build={"runAsUser": 5})}, None, 1),
        ("7", {"security": Security(pod={"runAsUser": 5})}, None, 1),
    ],
)
def test_a_user_that_is_not_allowed_is_left_out(
    user: str, runner: dict[str, Any], used: str | None, warnings: int
):
    """As with GitLab's runner: root must be allowed by name, and the runner's own user wins."""
    settled, said = settle(Image(name="x", user=user), **runner)

    assert (settled.user, len(said)) == (used, warnings)
