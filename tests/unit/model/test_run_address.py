"""The addresses of pipelines in Airflow's UI."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.run_address import RunAddress, page_path, read_address

LOCAL = "http://localhost:8080"
BASE = "https://example.com/base"
RUN = "scheduled__2026+00:00"


def test_a_name_of_a_run_or_task_changes_nothing_else_in_the_address():
    """Airflow's own names of runs have colons and plus signs."""
    assert page_path("a..b", RUN, "x/?y") == (
        "plugin/pipelines/a..b/scheduled__2026%2B00%3A00?job=x%2F%3Fy"
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (f"{LOCAL}/dags/group__docs/runs/3", (LOCAL, "group__docs", "3")),
        (f"{LOCAL}/dags/group__docs/runs/3/tasks/a?try_number=1", (LOCAL, "group__docs", "3")),
        (f"{LOCAL}/dags/group__docs/runs/3/plugin/pipeline?job=a", (LOCAL, "group__docs", "3")),
        (f"{BASE}/{page_path('a..b', RUN, 'job')}", (BASE, "a..b", RUN)),
        (f"{LOCAL}/plugin/pipelines", None),
        (f"{LOCAL}/dags/group__docs", None),
        ("javascript:/dags/group__docs/runs/3", None),
        ("", None),
    ],
)
def test_every_page_of_a_run_names_it(given: str, found: tuple[str, str, str] | None):
    """A bridge leaves nothing else of the pipeline that it has created, and people copy any."""
    read = read_address(given)
    assert read == (found and RunAddress(base=found[0], dag=found[1], run=found[2]))
