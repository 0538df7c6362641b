"""A job that is written for Kaniko needs nothing but its own words."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Security
from gitlab_ci_provider.planner.script import SHELLS
from gitlab_ci_provider.pods.security import build_context

USUAL = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"}
    | {"NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
"""What containerd and CRI-O give to a container that says nothing."""

NEEDED = frozenset({"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"})
"""Kaniko unpacks files of any owner, and runs commands as other users."""

KANIKO = Image(name="gcr.io/kaniko-project/executor:debug", entrypoint=("",))


def test_it_has_the_capabilities_that_it_needs():
    """The secure defaults leave them, and the root that the image asks for."""
    context = build_context(RunnerProfile(), KANIKO)
    left = USUAL - set(context.capabilities.drop)

    assert left >= NEEDED
    assert context.run_as_user is None
    assert context.privileged is None
    assert context.read_only_root_filesystem is None


@pytest.mark.parametrize(
    "security", [Security(standard="restricted"), Security(cap_drop=("CHOWN",))]
)
def test_a_runner_can_take_them_away(security: Security):
    """`restricted` and `cap_drop` are decisions that the documentation names."""
    context = build_context(RunnerProfile(security=security), KANIKO)
    left = set() if "ALL" in context.capabilities.drop else USUAL - set(context.capabilities.drop)

    assert not left >= NEEDED


def test_its_only_shell_is_found():
    """The debug image has BusyBox in a folder of its own, and no bash."""
    assert "/busybox/sh" in SHELLS
