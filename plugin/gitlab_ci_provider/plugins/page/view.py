"""What the pipeline page shows of a run, as plain data. The page itself is in `pipeline_page/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceView:
    """A place in a file of the pipeline; an included file has its own name.

    Attributes:
        own: the file is in the repository, at the pipeline's commit.
    """

    file: str = ""
    line: int = 0
    own: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job.

    Attributes:
        task: its task in Airflow.
        group: name in the file, which the instances of a `parallel` job share.
        status: GitLab's word for its status, `absent`, or `warning` when a failure is allowed.
        blocking: the pipeline waits for a person to play it.
        reason: why it ended as it did, is skipped or left out.
        why: what the rules decided about it.
        failure: GitLab's reason in words, for a job that failed.
        tries: how often it was started.
        duration: seconds of its newest try, once that has ended.
        due: ISO 8601, when a delayed job starts by itself; empty when that is not known.
        tests: numbers of its JUnit reports by status.
        findings: how many its code quality report has; None without one.
        artifacts: how many archives it has left, with those of reports.
        archive: one of them is what `artifacts:paths` names.
        downstream: page of the pipeline that a `trigger:` job created, relative to the UI.
        written: where the job is.
        rule: where the rule is that decided about it; None without rules.
    """

    name: str
    task: str
    group: str
    status: str
    when: str = "on_success"
    allowed: bool = False
    blocking: bool = False
    bridge: bool = False
    parallel: bool = False
    needs: tuple[str, ...] | None = None
    reason: str = ""
    why: str = ""
    failure: str = ""
    exit_code: int | None = None
    tries: int = 0
    started: str = ""
    ended: str = ""
    duration: float | None = None
    due: str = ""
    coverage: float | None = None
    tests: Mapping[str, float] = field(default_factory=dict)
    findings: float | None = None
    artifacts: int = 0
    archive: bool = False
    environment: str = ""
    environment_url: str = ""
    downstream: str = ""
    written: PlaceView = PlaceView()
    rule: PlaceView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageView:
    """A stage with its jobs, in the order of the file."""

    name: str
    jobs: tuple[JobView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefView:
    """What a pipeline was created for.

    Attributes:
        commit_url, ref_url: pages of the GitLab server; empty when there is none.
    """

    name: str = ""
    tag: bool = False
    sha: str = ""
    title: str = ""
    author: str = ""
    committed: str = ""
    ref_url: str = ""
    commit_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequestView:
    """The merge request that a pipeline is for."""

    iid: int
    title: str
    source: str
    target: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineView:
    """A pipeline with its stages.

    Attributes:
        id, iid: CI_PIPELINE_ID and CI_PIPELINE_IID; 0 until it has been created.
        status: GitLab's word for its status; `warning` when it passed with warnings, `blocked` when
            it waits for a person and nothing else.
        text: how it ended, or why there is no pipeline.
        moved_to: page of the run that has the pipeline, when its jobs fit another DAG.
        upstream: page of the pipeline that created this one.
        problem: why less is shown than there is.
        ends: tasks that end when a stage has, which are cleared whenever jobs are.
        may: which actions the reader may take.
    """

    dag: str
    run: str
    status: str
    id: int = 0
    iid: int = 0
    name: str = ""
    project: str = ""
    project_url: str = ""
    ref: RefView = RefView()
    merge_request: MergeRequestView | None = None
    source: str = ""
    user: str = ""
    schedule: str = ""
    created: str = ""
    started: str = ""
    ended: str = ""
    coverage: float | None = None
    text: str = ""
    moved_to: str = ""
    upstream: str = ""
    problem: str = ""
    stages: tuple[StageView, ...] = ()
    ends: tuple[str, ...] = ()
    may: Mapping[str, bool] = field(default_factory=dict)
