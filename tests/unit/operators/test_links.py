"""Links in the Airflow UI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.operators.links import DownstreamLink, EnvironmentLink


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


def test_the_key_of_a_downstream_link_is_the_one_that_commands_read():
    """Airflow derives the key from the class: renaming the class must change the key as well."""
    assert DownstreamLink().xcom_key == xcom_keys.DOWNSTREAM_LINK
