"""IDs of runs that a person can read."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.run_ids import number_in, run_id

SHA = "ef0a4fdb" * 5


@pytest.mark.parametrize(("ref", "name"), [
    ("main", "12-main-ef0a4fdb"),
    ("refs/heads/feature/x", "12-feature-x-ef0a4fdb"),
    ("refs/tags/v1.0", "12-v1.0-ef0a4fdb"),
    ("../scheduled__x y", "12-scheduled-x-y-ef0a4fdb"),
    ("", "12-run-ef0a4fdb"),
    (SHA, "12-ef0a4fdb"),
    ("x" * 100, f"12-{'x' * 60}-ef0a4fdb"),
])  # fmt: skip
def test_a_run_is_named_by_number_ref_and_commit(ref: str, name: str):
    """Hostile names of branches make no other kind of run."""
    assert run_id(ref, SHA, number=12) == name
    assert number_in(name) == 12


def test_what_is_not_known_is_left_out():
    """An Airflow without the number gets what makes the ID unique."""
    assert run_id("main", number=12) == "12-main"
    assert run_id("main", "HEAD", unique="a1") == "main-a1"


@pytest.mark.parametrize("name", ["main-12", "scheduled__2026", "012-x", "12", "1" * 20 + "-x"])
def test_other_ids_have_no_number(name: str):
    """People may name a run as they like."""
    assert number_in(name) == 0
