"""What the pipeline page's application answers, and to whom: an API server with made-up runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gitlab_ci_provider.plugins.page.plugin import PipelinePagePlugin
from gitlab_ci_provider.plugins.page.routes import router
from servers.pages.pages import Pages
from servers.pages.serve import QUERIES

pytestmark = pytest.mark.integration

SHOP = "/gitlab-ci/dags/group__shop/runs"


def get(pages: Pages, run: str, person: str = "viewer") -> dict[str, Any]:
    """Read the page of a run of the shop."""
    with pages.client(person) as client:
        found: dict[str, Any] = client.get(f"{SHOP}/{run}").raise_for_status().json()
        return found


def statuses(view: dict[str, Any]) -> dict[str, str]:
    """List the status of each job."""
    return {job["name"]: job["status"] for stage in view["stages"] for job in stage["jobs"]}


@pytest.mark.parametrize("person", [None, "stranger"])
def test_every_route_of_a_dag_is_refused_without_access_to_it(pages: Pages, person: str | None):
    """Airflow asks nobody who calls a plugin's application: each route asks by itself."""
    every: list[Any] = list(router.routes)
    routes = [route for route in every if "{dag_id}" in route.path]
    with pages.client(person) as client:
        answers = {
            (method, route.path): client.request(
                method,
                "/gitlab-ci"
                + route.path.replace("{dag_id}", "group__secret").replace("{run_id}", "1"),
            ).status_code
            for route in routes
            for method in route.methods
        }
    assert answers
    assert set(answers.values()) == {403 if person else 401}


def test_no_route_is_open_to_the_world(pages: Pages):
    """Not even the page's own files: they tell which version is installed."""
    with pages.client(None) as client:
        assert client.get("/gitlab-ci/page.js").status_code == 401
    with pages.client("stranger") as client:
        assert (
            client.get("/gitlab-ci/page.js").headers["Content-Type"].startswith("text/javascript")
        )


def test_a_browser_asks_once_for_a_version_of_the_script(pages: Pages):
    """Its address changes with its content; at another address it is asked for each time."""
    current = {app["bundle_url"] for app in PipelinePagePlugin.react_apps}
    with pages.client("viewer") as client:
        (kept,) = (client.get(f"/{url}").headers["Cache-Control"] for url in current)
        other = client.get("/gitlab-ci/page.js?v=other").headers["Cache-Control"]
    assert "immutable" in kept
    assert "no-cache" in other


def test_a_run_that_is_about_to_be_started_gets_a_name_with_its_number_and_a_note(pages: Pages):
    """For those who may start it; each asks for a number of its own."""
    place, asked = "/gitlab-ci/dags/group__shop/run-id", {"ref": "main", "sha": "ef0a4fdb" * 5}
    with pages.client("admin") as client:
        answers = [client.post(place, json=asked).json() for _ in range(2)]
    with pages.client("viewer") as client:
        assert client.post(place, json=asked).status_code == 403
    numbers = [int(answer["run_id"].removesuffix("-main-ef0a4fdb")) for answer in answers]
    assert numbers[0] < numbers[1]
    assert {answer["note"] for answer in answers} == {"Pipeline for main at ef0a4fdb (by admin)"}


def test_airflow_numbers_the_runs_that_its_own_button_starts(pages: Pages):
    """It asks the DAG's timetable, which knows neither ref nor commit."""
    with pages.client("admin") as client:
        made = client.post("/api/v2/dags/group__big/dagRuns", json={"logical_date": None}).json()
        assert re.fullmatch(r"\d+-manual", made["dag_run_id"])
        assert client.delete(f"/api/v2/dags/group__big/dagRuns/{made['dag_run_id']}").is_success


def test_a_pipeline_is_found_by_its_number(pages: Pages):
    """By those who may see its runs; others do not learn that there is one."""
    with pages.client("viewer") as client:
        assert client.get("/gitlab-ci/pipelines/41").json() == {
            "dag": "group__shop",
            "run": "11-failed",
        }
        assert client.get("/gitlab-ci/pipelines/44").json()["dag"] == "group__secret"
        assert client.get("/gitlab-ci/pipelines/99999").status_code == 404
    with pages.client("stranger") as client:
        assert client.get("/gitlab-ci/pipelines/44").status_code == 404
    with pages.client(None) as client:
        assert client.get("/gitlab-ci/pipelines/41").status_code == 401


def test_access_to_other_dags_is_enough_for_those(pages: Pages):
    """Who may not see one DAG sees the others."""
    assert get(pages, "10-warned", "stranger")["status"] == "warning"


def test_a_run_under_way_shows_the_status_of_every_job_in_gitlabs_words(pages: Pages):
    """Airflow has fewer states than GitLab has statuses."""
    view = get(pages, "12-under-way")
    assert view["status"] == "running"
    assert statuses(view) == {
        "compile": "success",
        "styles": "success",
        "lint": "warning",
        "unit: [3.11]": "success",
        "unit: [3.12]": "failed",
        "unit: [3.13]": "running",
        "integration": "pending",
        "secret-scan": "absent",
        "approve": "manual",
        "staging": "created",
        "production": "created",
        "later": "scheduled",
        "docs": "running",
        "<img src=x onerror=alert(1)>": "success",
    }


def test_the_header_says_what_gitlabs_says(pages: Pages):
    """Number, name, commit, author, ref, source, person, coverage."""
    view = get(pages, "11-failed")
    assert (view["id"], view["name"], view["source"], view["user"]) == (
        41,
        "Release of the shop",
        "push",
        "ada",
    )
    assert view["ref"]["title"] == "Sell hats <b>and</b> gloves"
    assert view["ref"]["author"] == "Ada Lovelace"
    assert (view["status"], view["coverage"]) == ("failed", 82.75)


def test_a_pipeline_that_is_canceled_right_after_a_retry_is_canceled(pages: Pages):
    """What `finish_pipeline` said the time before is Airflow's until that task begins anew."""
    before = get(pages, "13-stopped")
    tasks = {"task_ids": ["integration", "finish_pipeline"], "only_failed": False}
    cleared = {"dag_run_id": "13-stopped", **tasks, "dry_run": False}
    with pages.client("admin") as client:
        dag = "/api/v2/dags/group__shop"
        client.post(f"{dag}/clearTaskInstances", json=cleared).raise_for_status()
        again = get(pages, "13-stopped")
        client.patch(f"{dag}/dagRuns/13-stopped", json={"state": "failed"}).raise_for_status()
    after = get(pages, "13-stopped")

    assert [view["status"] for view in (before, again, after)] == ["failed", "pending", "canceled"]
    assert re.fullmatch(
        r"Pipeline 4\d 'Release of the shop' canceled by hand \(feature/hats, 4be1c0ff\)",
        after["text"],
    )


def test_stages_come_in_their_order(pages: Pages):
    """The order of `stages:`, whatever `needs` says."""
    view = get(pages, "12-under-way")
    assert [stage["name"] for stage in view["stages"]] == ["build", "test", "deploy"]


def test_skipped_and_failed_jobs_say_why(pages: Pages):
    """Why a job is skipped follows from the jobs before it; why it failed, it has said."""
    jobs = {
        job["name"]: job for stage in get(pages, "11-failed")["stages"] for job in stage["jobs"]
    }
    assert "failed" in jobs["staging"]["reason"]
    assert (jobs["unit: [3.12]"]["failure"], jobs["unit: [3.12]"]["exit_code"]) == (
        "script failure",
        1,
    )
    assert jobs["secret-scan"]["reason"] == "no rule matches"


def test_the_page_knows_what_its_reader_may_do(pages: Pages):
    """Buttons that Airflow would refuse are not offered."""
    assert set(get(pages, "11-failed", "viewer")["may"].values()) == {False}
    assert set(get(pages, "11-failed", "admin")["may"].values()) == {True}


def test_nothing_is_sent_again_that_has_not_changed(pages: Pages):
    """A page that is open costs little."""
    with pages.client("viewer") as client:
        first = client.get(f"{SHOP}/12-under-way")
        version = {"If-None-Match": first.headers["ETag"]}
        again = client.get(f"{SHOP}/12-under-way", headers=version)
    assert (again.status_code, again.content) == (304, b"")


def test_five_hundred_jobs_cost_as_many_queries_as_one(pages: Pages):
    """Once Airflow remembers which team a DAG belongs to, which it asks for first."""

    def second(dag: str) -> str:
        run = f"/gitlab-ci/dags/{dag}/runs/1"
        return [str(client.get(run).headers[QUERIES]) for _ in range(2)][1]

    with pages.client("viewer") as client:
        assert second("group__big") == second("group__secret")


def test_a_run_that_does_not_exist_is_said_to(pages: Pages):
    """A page of a deleted run."""
    with pages.client("viewer") as client:
        assert client.get(f"{SHOP}/nope").status_code == 404


def test_a_pipeline_names_those_above_and_below_it(pages: Pages):
    """With their status, in one more request, and only for pipelines that have any."""
    with pages.client("viewer") as client:
        above = client.get(f"{SHOP}/12-under-way/related").json()
        below = client.get("/gitlab-ci/dags/group__docs/runs/3/related").json()
    [child] = above["downstream"]
    assert (child["task"], child["pipeline"]["status"]) == ("docs", "running")
    assert child["pipeline"]["about"]["project"] == "group/docs"
    assert (below["upstream"]["run"], below["upstream"]["task"]) == ("12-under-way", "docs")


def test_a_pipeline_below_whose_runs_are_closed_is_a_name(pages: Pages):
    """Who may see its DAG, but no runs of it."""
    with pages.client("guest") as client:
        [child] = client.get(f"{SHOP}/12-under-way/related").json()["downstream"]
    assert (child["dag"], child["pipeline"]) == ("group__docs", None)


@pytest.mark.parametrize(("person", "sees"), [("viewer", True), ("stranger", False)])
def test_of_a_pipeline_below_that_the_reader_may_not_see_only_the_name_is_shown(
    pages: Pages, person: str, sees: bool
):
    """The job that has created it has the same link."""
    with pages.client(person) as client:
        [child] = client.get(f"{SHOP}/10-warned/related").json()["downstream"]
    assert child["dag"] == "group__secret"
    assert (child["pipeline"] is not None) is sees
