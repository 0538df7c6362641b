"""`gitlab-dags sync` on real repositories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.discovery.opened import BUNDLE_CLASS
from gitlab_ci_provider.model.dag_record import DagKind
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.state import open_state
from servers.repositories import commit, git, make_repository

PIPELINE = "test:\n  script: [make test]\n"


def test_a_repository_becomes_a_snapshot(tmp_path: Path):
    """What compiles is stored for Airflow under the project's DAG name."""
    repository = _repository(tmp_path / "shop", PIPELINE)

    code = main(["sync", str(repository), "--home", str(tmp_path / "home")])

    store = open_state(Settings(home=tmp_path / "home")).snapshots
    record = store.load_dag("local__shop")
    assert code == 0
    assert list(store.load_pipeline(record.digest).jobs) == ["test"]


def test_a_broken_repository_keeps_its_last_pipeline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Errors are printed with their place, and the DAG stays as it was."""
    repository = _repository(tmp_path / "shop", PIPELINE)
    command = ["sync", str(repository), "--home", str(tmp_path / "home")]
    main(command)
    commit(
        repository, {".gitlab-ci.yml": "test:\n  stage: nowhere\n  script: [make test]\n"}, "change"
    )

    code = main(command)

    record = open_state(Settings(home=tmp_path / "home")).snapshots.load_dag("local__shop")
    assert code == 1
    assert ".gitlab-ci.yml:" in capsys.readouterr().err
    assert record.digest


def test_a_dag_with_open_runs_keeps_its_jobs(tmp_path: Path):
    """The next commit's jobs are in a DAG next to it, until a sync finds the runs ended."""
    repository = _repository(tmp_path / "shop", PIPELINE)
    command = ["sync", str(repository), "--home", str(tmp_path / "home")]
    main(command)
    state = open_state(Settings(home=tmp_path / "home"))
    store = state.snapshots
    state.holds.take("local__shop", "run", store.load_dag("local__shop").digest)
    commit(repository, {".gitlab-ci.yml": PIPELINE.replace("test:", "unit:")}, "change")

    assert main(command) == 0
    beside = store.load_dag(*store.dags(DagKind.REF))
    assert _jobs(store, "local__shop") == ["test"]
    assert _jobs(store, beside.dag_id) == ["unit"]
    assert beside.ref.name == "main"

    state.holds.drop("local__shop", "run")
    main(command)
    assert _jobs(store, "local__shop") == ["unit"]


def _jobs(store: SnapshotStore, dag: str) -> list[str]:
    return list(store.load_pipeline(store.load_dag(dag).digest).jobs)


def test_one_broken_repository_does_not_stop_the_others(tmp_path: Path):
    """Each repository stands for itself; the exit code tells that one failed."""
    broken = _repository(tmp_path / "broken", "test: {}\n")
    good = _repository(tmp_path / "good", PIPELINE)

    code = main(["sync", str(broken), str(good), "--home", str(tmp_path / "home")])

    assert code == 1
    assert open_state(Settings(home=tmp_path / "home")).snapshots.load_dag("local__good").digest


@pytest.mark.parametrize(
    ("text", "how", "code"),
    [("test: [\n", [], 1), ("test: [\n", ["--when-due"], 0), ("", ["--when-due"], 1)],
    ids=["for people", "for a DAG bundle", "no GitLab"],
)
def test_a_broken_project_is_no_reason_for_a_dag_bundle_to_look_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, how: list[str], code: int
):
    """It shows what is wrong; only a look that failed is repeated before its time."""
    repository = tmp_path / "shop"
    if text:
        _repository(repository, text)
    kwargs = {"urls": [str(repository)]} if text else {"gitlab_conn_id": "none"}
    bundle = {"classpath": BUNDLE_CLASS, "name": "b", "kwargs": kwargs}
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))
    monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(tmp_path / "home"))

    assert main(["sync", "--bundle", "b", *how]) == code


def test_a_checked_out_branch_is_not_the_default_branch_of_a_clone(tmp_path: Path):
    """What deploys the default branch must not run because another one is checked out."""
    origin = _repository(tmp_path / "origin", PIPELINE)
    clone = tmp_path / "shop"
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    git(clone, "checkout", "-q", "-b", "topic")

    main(["sync", str(clone), "--home", str(tmp_path / "home")])

    record = open_state(Settings(home=tmp_path / "home")).snapshots.load_dag("local__shop")
    assert (record.project.default_branch, record.ref.name) == ("main", "topic")


def _repository(folder: Path, text: str) -> Path:
    make_repository(folder, {".gitlab-ci.yml": text})
    return folder


def test_programs_get_all_repositories_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Those that compile and those that do not, with what is wrong and where; people, too."""
    good = _repository(tmp_path / "shop", PIPELINE)
    bad = _repository(tmp_path / "bad", "test: {stage: nowhere, script: x}\n")

    code = main(["sync", str(good), str(bad), "--home", str(tmp_path / "home"), "--json"])

    shown = capsys.readouterr()
    said = json.loads(shown.out)
    assert shown.err.startswith(f"{bad.as_uri()}:\n.gitlab-ci.yml:")
    assert (code, said["status"], said["removed"], said["kept"]) == (1, "failed", [], 0)
    first, second = said["repositories"]
    assert (first["compiles"], first["dag_id"], first["ref"]) == (True, "local__shop", "main")
    assert (second["compiles"], second["diagnostics"][0]["code"]) == (False, "stage-unknown")
