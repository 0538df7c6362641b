"""What hangs off the jobs of a run: artifacts, tests, environments, variables, and for whom."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from servers.pages.pages import Pages
from servers.pages.story import BUILT

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.integration

FAILED = "/gitlab-ci/dags/group__shop/runs/11-failed"
COMPILED = f"{FAILED}/artifacts/compile/archive"


def ask(pages: Pages, place: str, person: str = "viewer", **params: str) -> httpx.Response:
    """Ask for something as a person."""
    with pages.client(person) as client:
        return client.get(place, params=params)


def read(pages: Pages, place: str, **params: str) -> Any:
    """Read JSON as a viewer."""
    return ask(pages, place, **params).raise_for_status().json()


def test_archives_are_listed_in_the_order_of_stages(pages: Pages):
    """Of jobs that have left some, with how much is in them."""
    listed = read(pages, f"{FAILED}/artifacts")
    assert [(each["job"], each["kind"]) for each in listed] == [
        ("compile", "archive"),
        ("styles", "archive"),
        ("integration", "archive"),
        ("lint", "codequality"),
        ("unit: [3.12]", "junit"),
    ]
    assert listed[0]["files"] == len(BUILT.files)


def test_a_folder_is_listed_and_a_file_is_found(pages: Pages):
    """From the index alone, folders first."""
    folder = read(pages, COMPILED, folder="dist/")
    assert [entry["path"] for entry in folder["entries"]] == [
        "dist/app/",
        "dist/index.html",
        "dist/logo.svg",
        "dist/pixel.png",
        "dist/program",
    ]
    found = read(pages, COMPILED, find="MAIN")
    assert [entry["name"] for entry in found["entries"]] == ["dist/app/main.js"]


def test_a_file_is_a_download_that_no_browser_runs(pages: Pages):
    """A page that a job has made would act as its reader, in Airflow's own origin."""
    sent = ask(pages, f"{COMPILED}/file", path="dist/index.html")
    assert sent.content == BUILT.files["dist/index.html"]
    assert sent.headers["Content-Type"] == "application/octet-stream"
    assert sent.headers["Content-Disposition"] == "attachment; filename*=UTF-8''index.html"
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert sent.headers["Content-Security-Policy"].startswith("sandbox;")


def test_all_files_are_one_archive(pages: Pages):
    """As the job has stored it."""
    sent = ask(pages, f"{COMPILED}/archive.zip")
    with zipfile.ZipFile(io.BytesIO(sent.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == BUILT.files
    assert int(sent.headers["Content-Length"]) == len(sent.content)


def test_a_broken_download_is_resumed(pages: Pages):
    """By range, and only of the same archive: another try has another."""
    sent = ask(pages, f"{COMPILED}/archive.zip")
    with pages.client("viewer") as client:
        place, rest = f"{COMPILED}/archive.zip", {"Range": "bytes=100-"}
        resumed = client.get(place, headers={**rest, "If-Range": sent.headers["ETag"]})
        other = client.get(place, headers={**rest, "If-Range": '"other"'})
        beyond = client.get(place, headers={"Range": "bytes=99999999-"})
    assert (resumed.status_code, resumed.content) == (206, sent.content[100:])
    size = len(sent.content)
    assert resumed.headers["Content-Range"] == f"bytes 100-{size - 1}/{size}"
    assert (other.status_code, other.content) == (200, sent.content)
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")


@pytest.mark.parametrize("path", ["nope", "../secret", "dist/"])
def test_what_is_not_in_an_archive_is_not_sent(pages: Pages, path: str):
    """A sentence, and no file of the server."""
    sent = ask(pages, f"{COMPILED}/file", path=path)
    assert (sent.status_code, sent.headers["Content-Type"]) == (422, "application/json")


@pytest.mark.parametrize(("task", "person", "status"), [
    ("styles", "admin", 403),
    ("integration", "viewer", 403),
    ("integration", "admin", 200),
])  # fmt: skip
def test_artifacts_access_holds(pages: Pages, task: str, person: str, status: int):
    """`none` is for nobody, `developer` for those who may act on the jobs."""
    place = f"{FAILED}/artifacts/{task}/archive"
    assert ask(pages, f"{place}/file", person, path="README.md").status_code == status
    assert ask(pages, f"{place}/archive.zip", person).status_code == status
    assert bool(ask(pages, place, person).json()["refusal"]) is (status == 403)


def test_failed_tests_come_first_and_are_compared_with_the_pipeline_before(pages: Pages):
    """Newly failed first of all; a test that passes again is named."""
    tests = read(pages, f"{FAILED}/tests")
    first = [(case["name"], case["status"], case["new"]) for case in tests["cases"][:3]]
    assert first == [
        ("test_hats", "failed", True),
        ("test_gloves", "failed", False),
        ("test_fur", "skipped", False),
    ]
    assert "AssertionError" in tests["cases"][0]["output"]
    assert tests["fixed"] == ["tests.test_hats: test_scarves"]
    assert tests["earlier"]["path"] == "plugin/pipelines/group__shop/12-under-way"
    assert tests["suites"][0]["counts"] == {"failed": 2, "success": 38, "skipped": 1}


def test_findings_are_compared_with_the_pipeline_before(pages: Pages):
    """The worst first; each leads to its line on the GitLab server, at the pipeline's commit."""
    quality = read(pages, f"{FAILED}/quality")
    found = [(each["severity"], each["new"]) for each in quality["findings"]]
    assert found == [("major", True), ("minor", True), ("minor", False)]
    assert quality["findings"][0]["url"].endswith("/shop/hats.py#L17")
    assert (quality["added"], [each["severity"] for each in quality["gone"]]) == (2, ["critical"])
    assert quality["earlier"]["path"] == "plugin/pipelines/group__shop/12-under-way"


def test_environments_say_who_deployed(pages: Pages):
    """And what was there before."""
    (staging,) = read(pages, f"{FAILED}/environments")["environments"]
    assert staging["url"] == "https://staging.example.com"
    assert [each["user"] for each in staging["deployments"]] == ["ada", "grace"]


def test_variables_have_a_source_and_secrets_no_value(pages: Pages):
    """By the name that Airflow takes for that of a secret."""
    listed = read(pages, f"{FAILED}/variables")["variables"]
    assert [(each["name"], each["value"], each["job"]) for each in listed] == [
        ("REGION", "eu", ""),
        ("API_TOKEN", None, ""),
        ("REGION", "us", "staging"),
        *((("PYTHON", version, f"unit: [{version}]")) for version in ("3.11", "3.12", "3.13")),
    ]
    written = [(each["written"]["file"], each["written"]["line"]) for each in listed[:3]]
    assert written == [(".gitlab-ci.yml", 4), (".gitlab-ci.yml", 4), (".gitlab-ci.yml", 19)]


def test_all_files_of_an_archive_are_listed_for_programs(pages: Pages):
    """With their sizes and modes."""
    listed = read(pages, f"{COMPILED}/files")
    assert {file["path"]: file["size"] for file in listed} == {
        name: len(content) for name, content in BUILT.files.items()
    }


def test_an_earlier_try_is_known_to_the_object_store_alone(pages: Pages):
    """Airflow forgets what a job has left when it runs again."""
    assert read(pages, f"{FAILED}/artifacts", attempt="7") == []
    first = read(pages, f"{FAILED}/artifacts", attempt="1")
    assert {(each["job"], each["kind"]) for each in first} == {
        (each["job"], each["kind"]) for each in read(pages, f"{FAILED}/artifacts")
    }
    sent = ask(pages, f"{COMPILED}/archive.zip", attempt="1")
    assert sent.content == ask(pages, f"{COMPILED}/archive.zip").content
    assert ask(pages, f"{COMPILED}/archive.zip", attempt="7").status_code == 404


def test_developers_alone_get_an_earlier_try_that_is_for_developers(pages: Pages):
    """`artifacts:access` holds for each try."""
    place = f"{FAILED}/artifacts/integration/archive/archive.zip"
    answers = {who: ask(pages, place, who, attempt="1").status_code for who in ("viewer", "admin")}
    assert answers == {"viewer": 403, "admin": 200}
