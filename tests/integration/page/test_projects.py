"""The list of projects: what it shows to whom, what it costs, and what people do with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from servers.pages.browsing import Open, barriers
from servers.pages.pages import Pages
from servers.pages.serve import QUERIES

pytestmark = pytest.mark.integration


def get(pages: Pages, person: str = "viewer", **asked: str) -> dict[str, Any]:
    """Read the list, by DAG."""
    with pages.client(person) as client:
        found = client.get("/gitlab-ci/projects", params=asked).raise_for_status().json()
    return {project["dag"]: project for project in found["projects"]}


def test_only_projects_are_listed_that_the_reader_may_see(pages: Pages):
    """Also not the findings of a project, nor that there is one."""
    assert "group__secret" in get(pages, "viewer")
    assert set(get(pages, "stranger")) == {
        "group__big",
        "group__broken",
        "group__docs",
        "group__shop",
        "local__listed",
    }


def test_of_a_dag_whose_runs_are_closed_no_pipelines_are_listed(pages: Pages):
    """Airflow's roles may show a DAG without its runs, XComs or logs."""
    assert get(pages, "viewer")["group__docs"]["pipelines"]
    assert get(pages, "guest")["group__docs"]["pipelines"] == []
    assert get(pages, "guest")["group__shop"]["pipelines"]


def test_nobody_lists_projects_without_a_login(pages: Pages):
    """As all of Airflow."""
    with pages.client(None) as client:
        assert client.get("/gitlab-ci/projects").status_code == 401


def test_the_number_of_queries_does_not_grow_with_projects(pages: Pages):
    """Neither one for each project nor one for each pipeline."""
    with pages.client("viewer") as client:
        answers = [
            client.get("/gitlab-ci/projects", params={"search": search})
            for search in ("", "group/docs", "group/broken")
        ]
    assert [answer.json()["total"] for answer in answers] == [6, 1, 1]
    assert len({answer.headers[QUERIES] for answer in answers}) == 1


def test_an_unchanged_list_is_not_sent_again(pages: Pages):
    """The page asks every five seconds."""
    with pages.client("stranger") as client:
        first = client.get("/gitlab-ci/projects", params={"search": "big"})
        version = {"If-None-Match": first.headers["ETag"]}
        again = client.get("/gitlab-ci/projects", params={"search": "big"}, headers=version)
    assert (again.status_code, again.content) == (304, b"")


def test_a_project_shows_its_last_pipeline_of_each_ref(pages: Pages):
    """Its number, commit, person and status, as the page of the pipeline does."""
    [newest] = get(pages)["group__shop"]["pipelines"]
    assert newest["run"] == "14-played"
    assert newest["about"]["ref"] == "feature/hats"
    assert newest["about"]["title"] == "Sell hats <b>and</b> gloves"
    assert (newest["user"], newest["status"]) == ("ada", "running")


def test_a_project_that_never_compiled_says_why(pages: Pages):
    """By file and line; the line of a file at the commit that was read is a link."""
    broken = get(pages)["group__broken"]
    assert (broken["errors"], broken["runs"], broken["pipelines"]) == (2, False, [])
    first, second = broken["diagnostics"]
    assert (first["file"], first["line"], first["hint"]) == (
        ".gitlab-ci.yml",
        7,
        "did you mean 'compiled'?",
    )
    assert first["url"].endswith(f"/-/blob/{broken['sha']}/.gitlab-ci.yml#L7")
    assert second["url"] == ""


def test_projects_with_errors_are_found(pages: Pages, visit: Open):
    """Those that have no pipeline of their last commit, also with a piece of the path."""
    assert set(get(pages, errors="true")) >= {"group__broken", "group__secret"}
    assert set(get(pages, errors="true", search="group/b")) == {"group__broken"}
    page = visit("")
    page.get_by_label("only with errors").check()
    expect(page.get_by_role("listitem", name="group/docs")).to_have_count(0)
    expect(page.get_by_role("listitem", name="group/broken")).to_be_visible()


def test_a_viewer_is_offered_no_buttons_and_refused(pages: Pages, visit: Open):
    """Airflow's roles decide, for its own API and for ours."""
    page = visit("")
    expect(page.get_by_role("listitem", name="group/shop")).to_be_visible()
    assert page.get_by_role("button", name=re.compile("Sync|Run")).count() == 0
    with pages.client("viewer") as client:
        assert client.post("/gitlab-ci/dags/group__shop/sync").status_code == 403
        run = client.post("/api/v2/dags/group__shop/dagRuns", json={"logical_date": None})
    assert run.status_code == 403


def test_a_sync_says_what_it_has_found_and_is_in_the_audit_log(pages: Pages, visit: Open):
    """Here the repository cannot be reached."""
    page = visit("", person="admin")
    shop = page.get_by_role("listitem", name="group/shop")
    shop.get_by_role("button", name="Sync now").click()
    expect(shop.get_by_role("status")).to_contain_text("gitlab.example.com")
    with pages.client("admin") as client:
        asked = {"event": "gitlab_ci_sync"}
        [entry] = client.get("/api/v2/eventLogs", params=asked).json()["event_logs"]
    assert (entry["dag_id"], entry["owner"]) == ("group__shop", "admin")


def test_a_sync_shows_what_the_last_commit_is(visit: Open):
    """What was wrong is gone from the list, without reloading it."""
    page = visit("", person="admin")
    listed = page.get_by_role("listitem", name="local/listed")
    expect(listed).to_contain_text("1 error")
    listed.get_by_role("button", name="Sync now").click()
    expect(listed.get_by_role("status")).to_contain_text("Synced at")
    expect(listed).not_to_contain_text("1 error")
    expect(listed).to_contain_text(re.compile("main at [0-9a-f]{8}"))


def test_a_pipeline_is_run_from_its_form(pages: Pages, visit: Open):
    """By an ordinary user, through Airflow's API; only what was changed is asked for."""
    page = visit("", person="stranger")
    docs = page.get_by_role("listitem", name="group/docs")
    docs.get_by_role("button", name="Run pipeline").click()
    form = page.get_by_role("dialog", name="Run pipeline of group/docs")
    form.get_by_label("Run for branch").fill("topic")
    form.get_by_label("audience").select_option("authors")
    form.get_by_label("Variables", exact=True).fill("EXTRA=from me")
    form.get_by_role("button", name="Run pipeline").click()
    expect(page).to_have_url(re.compile("/plugin/pipelines/group__docs/.+$"))

    with pages.client("stranger") as client:
        runs = client.get("/api/v2/dags/group__docs/dagRuns").json()["dag_runs"]
    [made] = [run for run in runs if run["dag_run_id"] != "3"]
    assert made["triggering_user_name"] == "stranger"
    assert made["note"] == "Pipeline for topic (by stranger)"
    assert made["conf"] == {
        "ref": "topic",
        "input_audience": "authors",
        "variables": {"EXTRA": "from me"},
    }


def test_projects_are_found_by_a_piece_of_their_path(visit: Open):
    """An installation can have thousands."""
    page = visit("")
    page.get_by_label("Find a project").fill("group/b")
    expect(page.locator(".glp-project")).to_have_count(2)
    page.get_by_label("Find a project").fill("nothing")
    expect(page.get_by_text("No project that you may see")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_list_has_no_serious_barrier(visit: Open, axe: Path, theme: str):
    """With its form open, in both themes, on a narrow screen, too."""
    page = visit("", person="admin", theme=theme)
    docs = page.get_by_role("listitem", name="group/docs")
    expect(docs).to_be_visible()
    assert barriers(page, axe) == []
    page.set_viewport_size({"width": 400, "height": 800})
    docs.get_by_role("button", name="Run pipeline").click()
    expect(page.get_by_label("Run for branch")).to_be_visible()
    assert barriers(page, axe) == []
    width = "element => element.scrollWidth <= element.clientWidth"
    assert page.locator(".glp-projects").evaluate(width)
