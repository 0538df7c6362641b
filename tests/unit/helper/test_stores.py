"""The object stores of a plan, as the helper uses them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.helper.stores import PlannedStore
from gitlab_ci_provider.model.plan import CacheArchive, JobPlan, StorePlace

PLAN = JobPlan(
    job="job",
    project_dir="/builds/group/project",
    archives=(CacheArchive(name="c", object_key="c/main", paths=("p",)),),
    store=StorePlace(name="s3://main/"),
    cache_store=StorePlace(name="s3://far/"),
)


def refused(plan: JobPlan, key: str, tmp_path: Path) -> str:
    """Ask for an object that no address was signed for; give the words."""
    with pytest.raises(StorageError) as failure:
        PlannedStore(plan).get(key, tmp_path / "file")
    return str(failure.value)


def test_caches_are_asked_for_where_the_runner_keeps_them(tmp_path: Path):
    """All else is in the other store."""
    assert "s3://far/c/main" in refused(PLAN, "c/main", tmp_path)
    assert "s3://main/artifacts/a" in refused(PLAN, "artifacts/a", tmp_path)


def test_without_a_store_of_the_runner_there_is_one_for_all(tmp_path: Path):
    """As in most installations."""
    plan = replace(PLAN, cache_store=None)

    assert "s3://main/c/main" in refused(plan, "c/main", tmp_path)


def test_a_plan_without_a_store_says_so(tmp_path: Path):
    """Nothing of it can be fetched."""
    assert "names no object store" in refused(replace(PLAN, store=None), "artifacts/a", tmp_path)
