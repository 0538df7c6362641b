"""Deployments and releases of jobs, and the comment on a merge request.

Authors of pipelines choose tags and texts, and the token may do more than they may. So a release
is created for a pipeline of a protected ref only, or of the very tag, and texts of theirs stand in
code spans of the comment, where GitLab runs no quick action and notifies nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from gitlab_ci_provider.gitlab_api.outcomes import Outcomes
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.report import CommitStatus, JobOutcome
from gitlab_ci_provider.model.run import JobResult, JobStatus

MARKER = "<!-- airflow-provider-gitlab-ci -->"
"""How our comment on a merge request begins."""

_MOST_ROWS, _LONGEST = 100, 300


def job_outcome(job: str, result: JobResult) -> JobOutcome | None:
    """Return what a job has done that GitLab shows apart from its status; None for nothing."""
    environment, release = result.environment, result.release
    if result.status is JobStatus.FAILED and environment and environment.action == "start":
        return JobOutcome(job=job, environment=environment, failed=True)
    acts = environment is not None and environment.action in {"start", "stop"}
    if result.status is not JobStatus.SUCCESS or not (acts or release):
        return None
    return JobOutcome(job=job, environment=environment if acts else None, release=release)


def deliver(client: Outcomes, outcome: JobOutcome, ref: Ref, since: str) -> Iterator[str]:
    """Have GitLab know of it, unless it does; yield what was done.

    Raises:
        GitlabApiError: GitLab refuses or does not answer.
    """
    environment, release = outcome.environment, outcome.release
    status = "failed" if outcome.failed else "success"
    if environment is not None and environment.action == "stop":
        if client.stopped(environment):
            yield f"stopped the environment {environment.name}"
    elif environment is not None and client.deployed(
        environment, ref, status, datetime.fromisoformat(since)
    ):
        yield f"created a deployment to {environment.name}: {status}"
    if release is None:
        return
    if not may_release(release.tag_name, ref):
        yield f"created no release {release.tag_name}: {ref.name} is neither protected nor its tag"
    elif client.released(release, ref):
        yield f"created the release {release.tag_name}"


def may_release(tag: str, ref: Ref) -> bool:
    """Return whether a pipeline of a ref may create the release of a tag."""
    return ref.protected or (ref.kind is RefKind.TAG and ref.name == tag)


def comment(number: int, statuses: Iterable[CommitStatus]) -> str:
    """Word the comment of a pipeline, whose own status comes last."""
    *jobs, pipeline = statuses
    title = _link(f"Pipeline {number} in Airflow", pipeline.url)
    lines = [f"**{title}: {pipeline.state}**", ""]
    if pipeline.description:
        lines += [_code(pipeline.description), ""]
    if jobs:
        lines += ["| Job | | |", "|---|---|---|", *map(_row, jobs[:_MOST_ROWS])]
    if len(jobs) > _MOST_ROWS:
        lines.append(f"| and {len(jobs) - _MOST_ROWS} more | | |")
    return "\n".join(lines)


def _row(job: CommitStatus) -> str:
    said = _code(job.description) if job.description else ""
    return f"| {_link(_code(job.name), job.url)} | {job.state} | {said} |"


def _link(text: str, url: str) -> str:
    return f"[{text}](<{url}>)" if url.startswith(("http://", "https://")) else text


def _code(text: str) -> str:
    """Quote a text that its author may have chosen: one line, nothing in it means anything."""
    plain = "".join(" " if ord(letter) < 32 or letter in "\u2028\u2029\x7f" else letter
                    for letter in text[:_LONGEST])  # fmt: skip
    return f"`{plain.replace('`', chr(39)).replace('|', '¦').strip() or ' '}`"
