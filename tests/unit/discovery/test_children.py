"""Syncing a repository makes the DAGs of its child pipelines, too."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.discovery.sync import Sync, SyncResult
from gitlab_ci_provider.model.dag_record import DagKind
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.state import open_state
from servers.repositories import commit, make_repository

PARENT = """
child:
  variables: {PART: api}
  trigger:
    include: ci/$PART.yml
"""
CHILD = "inner:\n  trigger:\n    include: ci/leaf.yml\n"
LEAF = "leaf:\n  script: echo\n"


def sync(tmp_path: Path) -> tuple[SyncResult, SnapshotStore]:
    state = open_state(Settings(home=tmp_path))
    url = (tmp_path / "shop").as_uri()
    return Sync(state, tmp_path / "mirrors").one(url), state.snapshots


def test_children_of_children_are_made_as_far_as_gitlab_allows(tmp_path: Path):
    """Two levels, with the includes that the job's variables name."""
    files = {"ci/api.yml": CHILD, "ci/leaf.yml": LEAF, ".gitlab-ci.yml": PARENT}
    make_repository(tmp_path / "shop", files)

    _, store = sync(tmp_path)

    assert store.dags(DagKind.CHILD) == ["local__shop...child", "local__shop...child...inner"]


def test_a_pipeline_that_includes_itself_ends(tmp_path: Path):
    """A child that is its own parent's file stops at the second level."""
    make_repository(
        tmp_path / "shop", {".gitlab-ci.yml": "again:\n  trigger: {include: .gitlab-ci.yml}\n"}
    )

    _, store = sync(tmp_path)

    assert store.dags(DagKind.CHILD) == ["local__shop...again", "local__shop...again...again"]


def test_a_broken_child_is_a_warning(tmp_path: Path):
    """The parent can run; GitLab looks at children only when they are created."""
    files = {"ci/api.yml": "leaf:\n  stage: nowhere\n  script: echo\n", ".gitlab-ci.yml": PARENT}
    make_repository(tmp_path / "shop", files)

    result, store = sync(tmp_path)

    assert result.ok
    assert ["child pipeline of child" in str(one) for one in result.diagnostics] == [True]
    assert store.dags(DagKind.CHILD) == []


def test_the_dag_of_a_bridge_that_is_gone_goes(tmp_path: Path):
    """The next sync removes it, and the DAGs of its children."""
    files = {"ci/api.yml": CHILD, "ci/leaf.yml": LEAF, ".gitlab-ci.yml": PARENT}
    make_repository(tmp_path / "shop", files)
    sync(tmp_path)
    commit(tmp_path / "shop", {".gitlab-ci.yml": LEAF}, "no children")

    _, store = sync(tmp_path)

    assert store.dags(DagKind.CHILD) == []
