"""Whether a pod fits on the node."""

from __future__ import annotations

from gitlab_ci_cluster.controllers.scheduler import why_not


def test_pod_that_asks_too_much_is_not_scheduled():
    """The problem is told in the scheduler's words."""
    spec = {"containers": [{"resources": {"requests": {"cpu": "6400", "memory": "1Mi"}}}]}

    problem = why_not({"spec": spec}, "node")

    assert problem is not None
    assert "1 Insufficient cpu." in problem.message
    assert why_not({"spec": {"containers": [{}]}}, "node") is None
