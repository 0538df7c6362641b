"""Links in the Airflow UI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from gitlab_ci_provider.operators.links import EnvironmentLink


@dataclass
class Ended:
    """A task that has ended, with what it left."""

    result: Any
    task_id: str = "deploy"

    def xcom_pull(self, *, task_ids: str, key: str) -> Any:
        """Read the result."""
        return self.result if (task_ids, key) == ("deploy", "job_result") else None


@pytest.mark.parametrize(
    ("result", "link"),
    [
        ({"environment": {"url": "https://example.com/x"}}, "https://example.com/x"),
        ({"environment": {"url": "javascript:alert(1)"}}, ""),
        ({"environment": {"url": ""}}, ""),
        ({"environment": None}, ""),
        (None, ""),
    ],
)
def test_an_environments_url_is_a_link_when_it_is_one(result: Any, link: str):
    """The URL is the user's text: a click on the button opens a page and nothing else."""
    ended = Ended(result)

    assert EnvironmentLink().get_link(ended, ti_key=ended) == link
