"""What a job's pod may do in the object store, and which of its containers may do it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from factories import JOB, make_plan_request, with_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.cache import Cache, CacheKey
from gitlab_ci_provider.model.git_login import GitLogin
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.plan import CacheArchive, JobPlan
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.planner.access import (
    Begun,
    for_finish,
    for_prepare,
    with_access,
    with_parts,
)
from gitlab_ci_provider.planner.plan import PlannedJob, plan_job
from gitlab_ci_provider.storage.multipart import MOST_PARTS
from gitlab_ci_provider.storage.signing import Period, signed_url

STORE = StoreTarget(
    bucket="b",
    endpoint_url="http://store:9000",
    access_key="AKIDCANARY",
    secret_key="store-canary",
    session_token="session-canary",
)
CACHE = CacheArchive(name="c", object_key="c", paths=("p",))
VARIABLES = (
    Variable(name="PLAIN", value="plain-canary"),
    Variable(name="MASKED", value="masked-canary", masked=True),
    Variable(name="FILE", value="file-canary", file=True),
)


def planned(**changes: Any) -> PlannedJob:
    job = replace(
        JOB,
        timeout=100,
        caches=(Cache(key=CacheKey(value="k"), paths=("p",), fallback_keys=("f",)),),
        artifacts=Artifacts(
            paths=("out",), reports={"junit": ("j.xml",), "dotenv": ("d.env",)}, **changes
        ),
    )
    upstream = {"build": (JobArtifact(name="a", object_key="artifacts/x", size=1, files=1),)}
    return plan_job(
        make_plan_request(
            job,
            store=STORE,
            upstream=upstream,
            login=GitLogin(password="git-canary"),
            configured=ConfiguredVariables(project=VARIABLES),
            started_at="2026-01-01T01:00:00+01:00",
        )
    )


def test_an_upload_that_has_begun_is_signed_part_by_part():
    """As if each part had been signed by itself; another container gets nothing of it."""
    target = replace(STORE, prefix="p/")
    period = Period(start=datetime(2026, 1, 1, tzinfo=UTC), seconds=60)
    plan = JobPlan(job="j", project_dir="/p", archives=(CACHE,))

    plan = with_parts(with_access(plan, target, period), {"c": Begun(target, "up/1+=")}, period)

    grant = plan.parted[0]
    query = {"uploadId": "up/1+="}
    for number in (1, 2, MOST_PARTS):
        expected = signed_url(
            target, "PUT", "c", period, query={**query, "partNumber": str(number)}
        )
        made = grant.part.replace("{number}", str(number)) + grant.signatures[number - 1]
        assert made == expected
    assert grant.complete == signed_url(target, "POST", "c", period, query=query)
    assert grant.abort == signed_url(target, "DELETE", "c", period, query=query)
    assert for_prepare(plan).parted == ()
    assert for_finish(plan).parted == plan.parted


def test_every_object_of_the_plan_has_an_address_and_no_other():
    """Caches, fallbacks and artifacts to read; a cache, archives, lists and numbers to write."""
    plan = planned().plan
    folder = "artifacts/group/project/7/job/2"

    assert [one.object_key for one in plan.reads] == [
        "artifacts/x",
        "project/group/project/f-protected.tar.zst",
        "project/group/project/k-protected.tar.zst",
    ]
    assert [one.object_key for one in plan.writes] == [
        f"{folder}/artifacts.zip",
        f"{folder}/artifacts.zip.index.json",
        f"{folder}/dotenv.json",
        f"{folder}/reports/junit.json",
        f"{folder}/reports/junit.zip",
        f"{folder}/reports/junit.zip.index.json",
        "project/group/project/k-protected.tar.zst",
    ]
    for grant in (*plan.reads, *plan.writes):
        assert urlsplit(grant.url).path == f"/b/{grant.object_key}"


def test_no_part_of_the_secret_holds_the_keys():
    """They stay in Airflow; logs hide them all the same."""
    job = planned()

    assert "store-canary" not in "".join(job.secret.values())
    assert {"store-canary", "session-canary"} <= set(job.masked)


def test_leave_ends_with_the_job():
    """It begins when the job is planned, and lasts as long as the pod can."""
    query = parse_qs(urlsplit(planned().plan.reads[0].url).query)

    assert query["X-Amz-Date"] == ["20260101T000000Z"]
    assert query["X-Amz-Expires"] == [str(600 + 100 + 30 + 120 + 900)]


def test_each_container_gets_its_part():
    """What is read before the script and written after it, each where it is done."""
    secret = planned().secret
    before, after = (json.loads(secret[f"{name}.json"]) for name in ("prepare", "finish"))

    assert before["reads"]
    assert not before["writes"] + before["archives"] + before["uploads"] + before["reports"]
    assert before["sources"]["password"] == "git-canary"
    assert after["writes"]
    assert not after["reads"] + after["restores"] + after["downloads"]
    assert after["sources"] is None
    assert not [one for one in ("git-canary", "file-canary") if one in secret["finish.json"]]
    assert "masked-canary" in secret["finish.json"]  # to be hidden in its log
    assert [one["name"] for one in before["variables"]] == ["MASKED", "FILE"]
    for name in ("entry", "step_script", "after_script"):
        assert "X-Amz" not in secret[name]
        assert "git-canary" not in secret[name]


def test_a_hook_gets_the_variables_and_nothing_else():
    """Its script is the author's: no login, no address of the store."""
    job = replace(JOB, pre_get_sources=("echo hook",))
    made = plan_job(
        make_plan_request(
            job,
            store=STORE,
            upstream={"build": (JobArtifact(name="a", object_key="a/x", size=1, files=1),)},
            login=GitLogin(password="git-canary"),
            configured=ConfiguredVariables(project=VARIABLES),
        )
    )
    hook, prepare = (json.loads(made.secret[f"{name}.json"]) for name in ("hook", "prepare"))

    assert "git-canary" not in made.secret["hook.json"]
    assert "X-Amz" not in made.secret["hook.json"]
    assert (hook["sources"], hook["reads"], hook["downloads"]) == (None, [], [])
    assert "echo hook" in hook["hook"]["script"]
    assert "echo hook" not in made.secret["prepare.json"] + made.secret["finish.json"]
    assert prepare["hook"] is not None


@pytest.mark.parametrize("strategy", ["none", "empty"])
def test_without_sources_there_is_no_hook(strategy: str):
    """As with the runner: nothing is fetched, so nothing comes before it."""
    job = replace(with_variables(GIT_STRATEGY=strategy), pre_get_sources=("echo hook",))

    assert "hook.json" not in plan_job(make_plan_request(job)).secret


def test_caches_are_in_the_store_of_the_runner():
    """All else stays where jobs of other runners look for it; no key of either is in the Secret."""
    far = StoreTarget(bucket="far", endpoint_url="http://far:9000", secret_key="far-canary")
    job = replace(
        JOB,
        caches=(Cache(key=CacheKey(value="k"), paths=("p",)),),
        artifacts=Artifacts(paths=("out",)),
    )
    planned = plan_job(make_plan_request(job, store=STORE, cache_store=far))
    hosts = {
        grant.object_key.split("/")[0]: urlsplit(grant.url).netloc
        for grant in (*planned.plan.reads, *planned.plan.writes)
    }

    assert set(hosts.values()) == {"far:9000", "store:9000"}
    assert {hosts[key.split("/")[0]] for key in planned.plan.cache_keys} == {"far:9000"}
    assert planned.plan.cache_store is not None
    assert planned.plan.cache_store.name == "s3://far/"
    assert "far-canary" in planned.masked
    assert "far-canary" not in str(planned.secret)


def test_caches_need_no_other_store_than_that_of_the_runner():
    """An installation may have no object store; artifacts then fail the job, caches do not."""
    far = StoreTarget(bucket="far")
    job = replace(JOB, caches=(Cache(key=CacheKey(value="k"), paths=("p",)),))
    plan = plan_job(make_plan_request(job, store=None, cache_store=far)).plan

    assert plan.store is None
    assert len(plan.writes) == 1
    with pytest.raises(SystemFailure, match="no object store is configured"):
        plan_job(
            make_plan_request(
                replace(job, artifacts=Artifacts(paths=("out",))), store=None, cache_store=far
            )
        )
