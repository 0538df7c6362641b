"""What an event leads to: a sync and a run, with real git and a state in a folder."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.discovery.sync import Sync
from gitlab_ci_provider.events.handle import Handler, KnownDag, Later, Progress
from gitlab_ci_provider.model.topology import topology_tag
from gitlab_ci_provider.model.webhook_event import EventEnd, WebhookEvent
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import State, open_state
from servers.repositories import commit, git, make_repository

CONFIG = {".gitlab-ci.yml": "test: {script: 'true'}\n"}
OTHER = {".gitlab-ci.yml": "test: {script: 'true'}\nmore: {script: 'true'}\n"}
BROKEN = {".gitlab-ci.yml": "test: {script: 5, needs: [x]}\n"}


@dataclass
class FakeRuns:
    """An Airflow that has read what the test says."""

    state: State
    read: dict[str, str] = field(default_factory=dict)
    paused: bool = False
    looks: list[str] = field(default_factory=list)
    old: list[tuple[str, str]] = field(default_factory=list)
    started: list[tuple[str, str, dict[str, object], str]] = field(default_factory=list)

    def read_all(self) -> None:
        """Read each DAG as it is now."""
        snapshots = self.state.snapshots
        records = [snapshots.load_dag(name) for name in snapshots.dags()]
        self.read = {
            record.dag_id: topology_tag(snapshots.load_pipeline(record.digest))
            for record in records
            if record.digest
        }

    def dag(self, name: str) -> KnownDag | None:
        """Find a DAG."""
        tag = self.read.get(name)
        return KnownDag(paused=self.paused, tags=frozenset({tag})) if tag else None

    def look(self, name: str) -> None:
        """Note what is asked for."""
        self.looks.append(name)

    def has(self, dag: str, run: str) -> bool:
        """Know of old runs, too."""
        return (dag, run) in [*self.old, *(one[:2] for one in self.started)]

    def start(self, dag: str, run: str, conf: dict[str, object], user: str) -> None:
        """Note what is started."""
        self.started.append((dag, run, conf, user))


@dataclass
class Bench:
    """A repository that is synced, and a handler."""

    repository: Path
    handler: Handler
    runs: FakeRuns
    now: list[float]

    def event(self, ref: str = "refs/heads/main") -> WebhookEvent:
        """Report a push of what the ref is now."""
        sha = git(self.repository, "rev-parse", ref)
        return WebhookEvent(
            id=f"push-{sha}",
            what=f"push to {ref}",
            project="local/app",
            clone_url=self.repository.as_uri(),
            ref=ref,
            conf={"ref": ref, "sha": sha, "source": "push"},
            label=ref.removeprefix("refs/heads/"),
            user="jsmith",
        )

    def step(self, event: WebhookEvent, progress: Progress | None = None) -> EventEnd | Later:
        """Do one step."""
        return self.handler.step(event, progress or Progress(since=self.now[0]))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Sync a repository with one job; Airflow has read its DAG."""
    repository = tmp_path / "app"
    make_repository(repository, CONFIG)
    settings = Settings(home=tmp_path / "home")
    state = open_state(settings)
    sync = Sync(state, settings.mirrors)
    assert sync.one(repository.as_uri()).ok
    runs, now = FakeRuns(state), [0.0]
    runs.read_all()
    handler = Handler(
        sync=sync,
        runs=runs,
        turns=nullcontext(),
        publish=lambda: None,
        unread=600,
        clock=lambda: now[0],
    )
    return Bench(repository, handler, runs, now)


def test_of_two_servers_with_the_same_path_each_has_its_runs(bench: Bench, tmp_path: Path):
    """The second project's DAG has another name; an event names path and server."""
    other = tmp_path / "elsewhere" / "app"
    make_repository(other, OTHER)
    assert bench.handler.sync.one(other.as_uri()).ok
    bench.runs.read_all()
    event = replace(bench.event(), clone_url=other.as_uri())
    sha = git(other, "rev-parse", "HEAD")

    bench.step(replace(event, conf={**event.conf, "sha": sha}))

    ((dag, *_),) = bench.runs.started
    assert dag.startswith("local__app-")


def test_a_push_is_synced_and_run(bench: Bench):
    """The project's DAG shows the commit; its run gets what was reported, and who did it."""
    sha = commit(bench.repository, {"README": "x"}, "change")
    event = bench.event()

    end = bench.step(event)

    assert isinstance(end, EventEnd)
    assert not end.failed
    assert bench.runs.started == [("local__app", end.run, event.conf, "jsmith")]
    assert bench.runs.state.snapshots.load_dag("local__app").ref.sha == sha


def test_a_project_keeps_the_path_of_its_file(bench: Bench):
    """Whoever has synced it first has chosen that path."""
    files = {"ci.yml": "other: {script: 'true'}\n", ".gitlab-ci.yml": "wrong: {script: 5}\n"}
    commit(bench.repository, files, "elsewhere")
    elsewhere = replace(bench.handler.sync, config_path="ci.yml")
    assert elsewhere.one(bench.repository.as_uri()).ok
    bench.runs.read_all()

    bench.step(bench.event())

    record = bench.runs.state.snapshots.load_dag("local__app")
    assert (record.config_path, record.diagnostics) == ("ci.yml", ())


def test_a_run_waits_until_airflow_has_read_its_jobs(bench: Bench):
    """The DAG processor is asked to look; the run starts as soon as the jobs are there."""
    commit(bench.repository, OTHER, "more")
    event, progress = bench.event(), Progress(since=0)

    assert isinstance(bench.step(event, progress), Later)
    assert not bench.runs.started
    assert bench.runs.looks == ["local__app"]
    bench.runs.read_all()
    assert isinstance(bench.step(event, progress), EventEnd)
    assert [run[0] for run in bench.runs.started] == ["local__app"]


def test_a_run_does_not_wait_for_ever(bench: Bench):
    """`create_pipeline` waits as well, and shows it."""
    commit(bench.repository, OTHER, "more")
    event, progress = bench.event(), Progress(since=0)
    bench.step(event, progress)

    bench.now[0] = 61
    assert isinstance(bench.step(event, progress), EventEnd)
    assert bench.runs.started


def test_a_branch_with_other_jobs_runs_in_its_own_dag(bench: Bench):
    """Its DAG is made first, and Airflow has to read it."""
    git(bench.repository, "checkout", "--quiet", "-b", "topic")
    commit(bench.repository, OTHER, "more")
    git(bench.repository, "checkout", "--quiet", "main")
    event, progress = bench.event("refs/heads/topic"), Progress(since=0)

    assert isinstance(bench.step(event, progress), Later)
    bench.runs.read_all()
    bench.step(event, progress)
    assert [run[0] for run in bench.runs.started] == ["local__app..topic"]


def test_a_commit_that_does_not_compile_is_a_run_that_fails(bench: Bench):
    """It is started in the project's DAG, where `create_pipeline` says what is wrong."""
    commit(bench.repository, BROKEN, "broken")

    end = bench.step(bench.event())

    assert isinstance(end, EventEnd)
    assert [run[0] for run in bench.runs.started] == ["local__app"]


def test_a_paused_dag_starts_no_run(bench: Bench):
    """It is synced all the same, and the reason is in words."""
    sha = commit(bench.repository, {"README": "x"}, "change")
    bench.runs.paused = True

    end = bench.step(bench.event())

    assert isinstance(end, EventEnd)
    assert end.words == "the DAG local__app is paused: no pipeline"
    assert bench.runs.state.snapshots.load_dag("local__app").ref.sha == sha
    assert not bench.runs.started


def test_a_deleted_branch_loses_its_dag(bench: Bench):
    """Nothing runs."""
    git(bench.repository, "checkout", "--quiet", "-b", "topic")
    commit(bench.repository, OTHER, "more")
    git(bench.repository, "checkout", "--quiet", "main")
    bench.step(bench.event("refs/heads/topic"))
    assert len(bench.runs.state.snapshots.dags()) == 2
    git(bench.repository, "branch", "--quiet", "-D", "topic")
    event = replace(bench.event(), ref="", conf={}, why_no_run="the branch topic was deleted")

    end = bench.step(event)

    assert isinstance(end, EventEnd)
    assert "topic was deleted" in end.words
    assert bench.runs.state.snapshots.dags() == ["local__app"]


def test_a_project_that_no_refresh_has_found_yet_is_looked_for_once(bench: Bench):
    """Its bundle syncs it, then its pipeline starts; what no bundle has is not asked for again."""
    sought: list[tuple[str, str]] = []

    def seek(path: str, conn_id: str) -> None:
        sought.append((path, conn_id))
        assert bench.handler.sync.one(bench.repository.as_uri()).ok
        bench.runs.read_all()

    assert bench.runs.state.holds.delete("local__app")
    event, progress = replace(bench.event(), conn_id="gitlab_default"), Progress(since=0)
    end = replace(bench.handler, seek=seek).step(event, progress)

    assert sought == [("local/app", "gitlab_default")]
    assert bench.runs.started == [("local__app", getattr(end, "run", ""), event.conf, "jsmith")]
    foreign = replace(event, project="local/other")
    assert isinstance(replace(bench.handler, seek=seek).step(foreign, progress), EventEnd)
    assert len(sought) == 1


@pytest.mark.parametrize(
    "change", [{"project": "local/other"}, {"clone_url": "https://elsewhere.example.com/app.git"}]
)
def test_an_unknown_project_is_said_in_words(bench: Bench, change: dict[str, Any]):
    """Nobody can have a repository synced by a webhook; one of the same name is another one."""
    end = bench.step(replace(bench.event(), **change))

    assert isinstance(end, EventEnd)
    assert "not synced here" in end.words
    assert not bench.runs.started


def test_a_repository_that_is_away_is_asked_again(bench: Bench, tmp_path: Path):
    """After two minutes the run starts anyway, and shows what is wrong."""
    event, progress = bench.event(), Progress(since=0)
    bench.repository.rename(tmp_path / "away")

    assert isinstance(bench.step(event, progress), Later)
    bench.now[0] = 121
    assert isinstance(bench.step(event, progress), EventEnd)
    assert bench.runs.started


def test_a_dag_that_airflow_never_reads_is_an_error(bench: Bench):
    """The event ends with words about the DAG processor."""
    bench.runs.read = {}
    event, progress = bench.event(), Progress(since=0)

    assert isinstance(bench.step(event, progress), Later)
    bench.now[0] = 601
    end = bench.step(event, progress)
    assert isinstance(end, EventEnd)
    assert end.failed
    assert "does its DAG processor run?" in end.words


def test_the_run_of_an_event_always_has_the_same_id(bench: Bench):
    """Started twice, it is one run, named by number, ref and commit."""
    event = bench.event()

    first, second = bench.step(event), bench.step(event)

    assert isinstance(first, EventEnd)
    assert isinstance(second, EventEnd)
    assert first.run == second.run == f"1-main-{event.conf['sha']}"[: len("1-main-") + 8]


def test_a_run_of_a_state_that_is_gone_is_not_taken_for_that_of_an_event(bench: Bench):
    """Numbers begin again with a new state; Airflow still has the run with the first."""
    event = bench.event()
    bench.runs.old = [("local__app", f"1-main-{event.conf['sha'][:8]}")]  # type: ignore[index]

    end = bench.step(event)

    assert isinstance(end, EventEnd)
    assert end.run.startswith("2-main-")
