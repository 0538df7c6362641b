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
        f"{RUN}/unit/junit/archive.zip": Answer(403, refused),
    }
    return answers.get(path.partition("?")[0], Answer(404, {"detail": "not found"}))


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


def test_flags_of_the_object_store_are_not_ignored(place: str):
    """What Airflow does not know cannot be asked of it."""
    with pytest.raises(SystemExit):
        main(["artifacts", "list", place, "--pipeline", "7"])
