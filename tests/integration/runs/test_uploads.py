"""Archives of jobs that are stored while they are packed: begun by the worker, ended by the pod."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from factories import JOB, make_plan_request
from gitlab_ci_provider.helper.phases.archive_cache import archive_caches
from gitlab_ci_provider.helper.phases.upload_artifacts import upload_artifacts
from gitlab_ci_provider.helper.stores import PlannedStore
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.cache import Cache, CacheKey
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.retention.guard import Guard
from gitlab_ci_provider.retention.policy import ABANDONED, Policy, Reason
from gitlab_ci_provider.retention.prune import Pruning
from gitlab_ci_provider.runs.job.uploads import with_uploads
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.storage.multipart import PART
from gitlab_ci_provider.storage.s3 import S3Store
from processes.phases import make_context
from servers.address import free_port
from servers.s3 import S3Server, s3_server

pytestmark = pytest.mark.integration

KEEPING = replace(
    JOB,
    caches=(Cache(key=CacheKey(value="k"), paths=("deps",)),),
    artifacts=Artifacts(paths=("out",)),
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    """A store, empty."""
    with s3_server(tmp_path / "s3") as running:
        yield running


def asked(target: StoreTarget) -> PlanRequest:
    return make_plan_request(KEEPING, store=target, started_at=datetime.now(UTC).isoformat())


def planned(target: StoreTarget) -> JobPlan:
    request = asked(target)
    return with_uploads(request, plan_job(request).plan)


def unfinished(server: S3Server) -> list[str]:
    return [stored.key for stored in S3Store(server.target()).unfinished("")]


def test_a_large_archive_is_stored_in_parts_a_small_one_at_once(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """No file holds the large one; what is not needed of the uploads is given up."""
    plan = planned(replace(server.target(), multipart=True))
    begun = unfinished(server)
    context = make_context(tmp_path, store=PlannedStore(plan), archives=plan.archives)
    (context.project_dir / "deps").mkdir()
    (context.project_dir / "deps" / "large").write_bytes(os.urandom(2 * PART + 5))
    (context.project_dir / "out").write_text("small")
    put: list[int] = []
    monkeypatch.setattr(
        PlannedStore, "put", lambda _, key, path, *__: put.append(path.stat().st_size)
    )

    archive_caches(context, plan.archives)
    upload_artifacts(context, plan.uploads)

    cache, archive = plan.archives[0].object_key, plan.uploads[0].object_key
    assert sorted(begun) == sorted([cache, archive])
    assert (server.bucket / cache).stat().st_size > 2 * PART
    assert len(put) == 2  # the artifacts and their index
    assert max(put) < PART
    assert unfinished(server) == []


def test_an_upload_that_is_gone_costs_only_time(
    server: S3Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """Somebody has given it up: the archive is packed again, and the log says why."""
    plan = planned(replace(server.target(), multipart=True))
    shelf = S3Store(server.target())
    for stored in list(shelf.unfinished("")):
        shelf.give_up(stored.key, stored.upload)
    context = make_context(tmp_path, store=PlannedStore(plan), archives=plan.archives)
    (context.project_dir / "deps").write_bytes(os.urandom(2 * PART))

    archive_caches(context, plan.archives)

    assert (server.bucket / plan.archives[0].object_key).stat().st_size > 2 * PART
    assert "NoSuchUpload" in capfd.readouterr().out


def test_nothing_is_begun_unless_the_connection_says_so(server: S3Server):
    """Each upload costs a request, whether the job needs it or not."""
    assert planned(server.target()).parted == ()
    assert unfinished(server) == []


def test_a_store_that_fails_costs_nothing(server: S3Server, caplog: pytest.LogCaptureFixture):
    """The archives are then packed to a file, and the log says so."""
    url = f"http://127.0.0.1:{free_port()}"
    plan = planned(replace(server.target(), multipart=True, endpoint_url=url))

    assert plan.parted == ()
    assert len(plan.writes) == 3
    assert "archives are packed to a file first: cannot begin to store" in caplog.text


def test_a_job_that_saves_nothing_gives_its_uploads_up(server: S3Server):
    """Its cache has not changed, or the script has failed."""
    plan = planned(replace(server.target(), multipart=True))
    assert len(unfinished(server)) == 2

    PlannedStore(plan).give_up_unused()

    assert unfinished(server) == []


def test_pruning_gives_up_what_dead_jobs_have_left(server: S3Server, tmp_path: Path):
    """Eight days after it has begun: by then, no address of its parts is valid."""
    planned(replace(server.target(), multipart=True))
    state = open_state(Settings(home=tmp_path / "home"))
    now = state.snapshots.clock()

    def pruning(age: float) -> Pruning:
        return Pruning(
            shelf=S3Store(server.target()),
            uses=state.uses,
            guard=Guard(state.register, lambda *_: False, Policy()),
            policy=Policy(),
            clock=lambda: now + age,
        )

    assert pruning(ABANDONED - 3600).survey() == []
    found = pruning(ABANDONED + 3600).survey()
    ended = pruning(ABANDONED + 3600).carry_out(found)

    assert [verdict.reason for verdict in found] == [Reason.ABANDONED] * 2
    assert [verdict.problem for verdict in ended] == ["", ""]
    assert unfinished(server) == []
