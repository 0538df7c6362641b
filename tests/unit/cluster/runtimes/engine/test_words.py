"""What engines say of a start that failed."""

from __future__ import annotations

import pytest

from gitlab_ci_cluster.runtimes.engine.words import start_problem

WHY = 'exec: "/no": stat /no: no such file or directory'
RUNC = f"runc create failed: unable to start container process: {WHY}"


@pytest.mark.parametrize(
    "said",
    [
        f"runc: {RUNC}: OCI runtime attempted to invoke a command that was not found",
        f"failed to create task for container: OCI runtime create failed: {RUNC}: unknown",
        WHY,
    ],
)
def test_only_the_cause_is_kept(said: str):
    """As a kubelet words it, whatever layers it came through."""
    assert start_problem(said) == WHY
