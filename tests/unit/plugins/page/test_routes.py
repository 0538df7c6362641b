"""What the page's application answers when it cannot."""

from __future__ import annotations

from fastapi.testclient import TestClient

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.plugins.page.routes import make_application


def test_a_state_that_cannot_be_reached_is_said_to_be():
    """A sentence that says where, and no traceback."""
    application = make_application()

    def fail() -> None:
        raise StateError("s3://bucket/state does not answer")

    application.add_api_route("/dags/state", fail)
    answer = TestClient(application).get("/dags/state")
    assert (answer.status_code, answer.json()) == (
        503,
        {"detail": "s3://bucket/state does not answer"},
    )
