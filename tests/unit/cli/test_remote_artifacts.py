"""`gitlab-dags artifacts` with an Airflow of which only address and login are known."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.cli.main import main
from servers.fake_airflow import Answer, answering

FILES = [{"path": "dist/a", "size": 3, "mode": "100644"}]
RUN = "/gitlab-ci/dags/group__shop/runs/main-1/artifacts"
LISTED = [
    {"job": "pack: [a/b]", "task": "pack", "kind": "archive", "name": "artifacts", "files": 2,
     "size": 2048, "expires": "2026-12-24T18:00:00Z", "exposed": ""},
    {"job": "unit", "task": "unit", "kind": "junit", "name": "junit", "files": 1,
     "size": 10, "expires": "", "exposed": ""},
]  # fmt: skip


def zipped(**files: str) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "/"), text)
    return into.getvalue()


def airflow(_method: str, path: str, _body: Any) -> Answer:
    """Has one run, whose jobs have left an archive, and a report that has expired."""
    refused = {"detail": "These artifacts cannot be downloaded: they have expired."}
    answers = {
        "/auth/token": Answer(body={"access_token": "token"}),
        "/api/v2/dags/group__shop/dagRuns/main-1": Answer(body={"state": "success", "conf": {}}),
        RUN: Answer(body=LISTED),
        f"{RUN}/pack/archive/archive.zip": Answer(body=zipped(dist_a="one", b="two")),
        f"{RUN}/pack/archive/files": Answer(body=FILES),
        f"{RUN}?attempt=2": Answer(body=LISTED[:1]),
        f"{RUN}/pack/archive/archive.zip?attempt=2": Answer(body=zipped(old="of the second try")),
        f"{RUN}/unit/junit/archive.zip": Answer(403, refused),
        "/gitlab-ci/pipelines/7": Answer(body={"dag": "group__shop", "run": "main-1"}),
        "/gitlab-ci/pipelines/8": Answer(404, {"detail": "There is no pipeline 8"}),
    }
    missing = Answer(404, {"detail": "not found"})
    return answers.get(path) or answers.get(path.partition("?")[0]) or missing


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the run; the Airflow is named in the environment."""
    monkeypatch.chdir(tmp_path)
    with answering(airflow) as url:
        monkeypatch.setenv("GITLAB_DAGS_AIRFLOW_URL", url)
        yield f"{url}/dags/group__shop/runs/main-1"


def test_artifacts_are_listed(place: str, capsys: pytest.CaptureFixture[str]):
    """As for an object store; for programs with the address of each archive."""
    assert main(["artifacts", "list", place]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "JOB          KIND     FILES  SIZE     EXPIRES",
        "pack: [a/b]  archive  2      2.0 KiB  2026-12-24T18:00:00Z",
        "unit         junit    1      10 B     never",
    ]

    assert main(["artifacts", "list", place, "--json", "--job", "unit"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["artifacts"]
    assert found["url"].endswith(f"{RUN}/unit/junit/archive.zip")


def test_files_are_fetched(place: str, capsysbinary: pytest.CaptureFixture[bytes]):
    """All archives into folders of their jobs, or one file to standard output."""
    assert main(["artifacts", "get", place]) == 0
    (folder,) = Path("artifacts").iterdir()
    assert (folder / "dist" / "a").read_text() == "one"

    capsysbinary.readouterr()
    assert main(["artifacts", "get", place, "--path", "b", "--to", "-"]) == 0
    assert capsysbinary.readouterr().out == b"two"


def test_a_refusal_has_airflows_words(place: str, capsys: pytest.CaptureFixture[str]):
    """What has expired, or is not for this user, is said as the page says it."""
    assert main(["artifacts", "get", place, "--report", "junit"]) == 1
    assert "they have expired" in capsys.readouterr().err

    assert main(["artifacts", "get", place, "--job", "nope"]) == 1
    assert "no such artifacts" in capsys.readouterr().err


def test_an_address_is_for_the_readers_browser(place: str, capsys: pytest.CaptureFixture[str]):
    """It needs their login, so it may be passed on."""
    assert main(["artifacts", "open", place]) == 0
    assert capsys.readouterr().out.endswith(f"{RUN}/pack/archive/archive.zip\n")


def test_the_files_of_archives_are_listed(place: str, capsys: pytest.CaptureFixture[str]):
    """Below each archive; for programs with their modes."""
    assert main(["artifacts", "list", place, "--files", "--report", "archive"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "pack: [a/b]  archive  2      2.0 KiB  2026-12-24T18:00:00Z",
        "  dist/a  3 B",
    ]

    assert main(["artifacts", "list", place, "--files", "--json", "--job", "pack: [a/b]"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["artifacts"]
    assert found["contents"] == FILES


def test_a_pipeline_is_named_by_its_number(place: str, capsys: pytest.CaptureFixture[str]):
    """As GitLab's users know it; that of another project is not taken for one of this."""
    assert main(["artifacts", "list", "group/shop", "--pipeline", "7"]) == 0
    assert "pack: [a/b]" in capsys.readouterr().out

    assert main(["artifacts", "list", "group/docs", "--pipeline", "7"]) == 1
    assert "pipeline 7 is of another project" in capsys.readouterr().err
    assert main(["artifacts", "list", "group/shop", "--pipeline", "8"]) == 1
    assert "There is no pipeline 8" in capsys.readouterr().err


def test_an_earlier_try_is_fetched(place: str):
    """Airflow is asked for that try, of the list and of each archive."""
    assert main(["artifacts", "get", place, "--try", "2", "--to", "of-try-2"]) == 0
    (folder,) = Path("of-try-2").iterdir()
    assert (folder / "old").read_text() == "of the second try"
