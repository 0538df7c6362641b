"""`gitlab-dags artifacts` with an Airflow of which a person has the address and a login only."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from servers.pages.narrow import SECRET
from servers.pages.pages import Pages
from servers.pages.story import BUILT

pytestmark = pytest.mark.integration


@pytest.fixture
def run(pages: Pages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of a run with artifacts, for somebody who may only look."""
    monkeypatch.setenv("GITLAB_DAGS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GITLAB_DAGS_AIRFLOW_URL", pages.url)
    monkeypatch.setenv("GITLAB_DAGS_AIRFLOW_TOKEN", pages.token("viewer"))
    return f"{pages.url}/dags/group__shop/runs/11-failed"


def test_artifacts_are_listed_and_fetched(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """By Airflow's roles: nobody needs a key of the object store."""
    assert main(["artifacts", "list", run]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows[0][:3] == ["compile", "archive", str(len(BUILT.files))]

    folder = tmp_path / "got"
    assert main(["artifacts", "get", run, "--job", "compile", "--to", str(folder)]) == 0
    got = {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    assert got == {Path(name): content for name, content in BUILT.files.items()}


def test_who_may_not_see_a_dag_gets_none_of_it(
    run: str,
    pages: Pages,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """In Airflow's words."""
    monkeypatch.setenv("GITLAB_DAGS_AIRFLOW_TOKEN", pages.token("stranger"))

    hidden = run.replace("group__shop", SECRET)
    assert main(["artifacts", "get", hidden, "--to", str(tmp_path / "got")]) == 1
    assert "403" in capsys.readouterr().err
