"""What is said to an engine, and in which version of its API."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_cluster.runtimes.engine.client import api_version


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ({"ApiVersion": "1.41", "MinAPIVersion": "1.24"}, "1.40"),
        ({"ApiVersion": "1.52", "MinAPIVersion": "1.44"}, "1.44"),
        ({"ApiVersion": "1.40"}, "1.40"),
        ({"MinAPIVersion": "one"}, "1.40"),
    ],
)
def test_the_version_is_the_one_that_was_tried_or_the_oldest_that_there_is(
    version: dict[str, Any], wanted: str
):
    """Docker 29 refuses what is older than 1.44; 1.5 would be older than 1.44."""
    assert api_version(version) == wanted
