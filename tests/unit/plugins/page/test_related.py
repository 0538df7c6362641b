"""The pipelines above and below a pipeline."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.plugins.page.related import place_of


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ("http://localhost:8080/dags/group__docs/runs/3", ("group__docs", "3")),
        (
            "https://example.com/base/dags/a..b/runs/scheduled__2026%2B00%3A00",
            ("a..b", "scheduled__2026+00:00"),
        ),
        ("https://example.com/elsewhere", None),
        ("", None),
    ],
)
def test_the_address_of_a_run_names_its_dag_and_itself(link: str, place: tuple[str, str] | None):
    """A bridge leaves nothing else of the pipeline that it has created."""
    assert place_of(link) == place
