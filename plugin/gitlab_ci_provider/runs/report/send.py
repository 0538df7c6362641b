"""Sends to GitLab; what goes wrong is a warning, and never fails a job.

Each report is in the state from the start of its pipeline until GitLab has all of it. The end of a
pipeline compares what GitLab has with what it should have, and sends the rest: what was not sent
because a worker died or GitLab was away, and nothing twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from gitlab_ci_provider.exceptions import GitlabApiError, GitlabCiError
from gitlab_ci_provider.gitlab_api.outcomes import Outcomes
from gitlab_ci_provider.gitlab_api.statuses import CommitStatuses, commit_statuses, shortened
from gitlab_ci_provider.hooks.gitlab_project import gitlab_project
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.model.report import CommitState, CommitStatus, Report, Reported, ReportLevel
from gitlab_ci_provider.records.register import RUNNING
from gitlab_ci_provider.runs.report.outcome import MARKER, comment, deliver
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import State

AT_WORK, AT_END = 10.0, 60.0
"""Seconds for which GitLab may be away or ask to wait, while a job waits and when none does."""

_RESTING = 900.0
"""Seconds after which a report counts as left over."""

_MOST = 20
"""Reports that one pipeline sends for others."""

_GIVEN_UP = 7 * 24 * 3600.0
"""Seconds after which a report that GitLab refuses is forgotten."""

_ENDED_BY_HAND = "its run was ended in Airflow"

_log = logging.getLogger(__name__)


@contextmanager
def never_failing(doing: str) -> Iterator[None]:
    """Warn of what goes wrong: whether GitLab knows of a job does not change how the job ends."""
    try:
        yield
    except GitlabCiError as problem:
        hint = _role(problem)
        _log.warning("GitLab was not told %s: %s%s", doing, problem, hint)
    except Exception as problem:  # noqa: BLE001 - the job has done its work
        _log.warning("GitLab was not told %s: %s", doing, type(problem).__name__)
        _log.debug("what went wrong", exc_info=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """The project of a report, ready to be told."""

    statuses: CommitStatuses
    outcomes: Outcomes


def clients(
    settings: Settings, project: Project, ref: Ref, reported: Reported, patience: float
) -> Clients | None:
    """Return clients for what is told of a commit; None when the connection reports no longer.

    Raises:
        SettingsError: the connection is wrong.
    """
    found = gitlab_project(project, settings.git_conn_ids, patience)
    if found is None or found.report is ReportLevel.NONE:
        return None
    server = replace(found.server, limit_patience=patience)
    statuses = commit_statuses(
        server, found.path, _log, sha=ref.sha, ref=ref.name, pipeline=reported.pipeline
    )
    outcomes = Outcomes(client=statuses.client, server=server, project=found.path, id=found.id)
    return Clients(statuses=replace(statuses, id=found.id), outcomes=outcomes)


def send_all(settings: Settings, state: State, report: Report) -> tuple[str, ...]:
    """Send what GitLab does not have of a report, and forget the report.

    Returns:
        what GitLab has refused, in words.

    Raises:
        GitlabCiError: GitLab refuses or does not answer; the report stays.
    """
    refused: tuple[str, ...] = ()
    told = clients(settings, report.project, report.ref, report.reported, AT_END)
    if told is None:
        _log.info("the connection no longer reports to GitLab")
    else:
        wanted = report.statuses or _broken_off(told.statuses, report)
        sent = told.statuses.settle(wanted)
        _log.info("told GitLab %d statuses of pipeline %d", sent, report.pipeline)
        refused = _send_rest(told.outcomes, report)
    state.reports.drop(report.pipeline)
    return refused


def _send_rest(client: Outcomes, report: Report) -> tuple[str, ...]:
    """Send deployments, releases and the comment; one that GitLab refuses is given up.

    Returns:
        what was given up, in words.

    Raises:
        GitlabApiError: GitLab does not answer.
    """
    refused: list[str] = []
    for outcome in report.outcomes:
        with _unless_refused(f"of the deployment or release of {quoted(outcome.job)}", refused):
            for done in deliver(client, outcome, report.ref, report.created_at):
                _log.info("GitLab: %s", done)
    if report.reported.merge_request and report.statuses:
        with _unless_refused("in a comment", refused):
            text = comment(report.pipeline, report.statuses)
            client.commented(report.reported.merge_request, MARKER, text)
    return tuple(refused)


@contextmanager
def _unless_refused(doing: str, refused: list[str]) -> Iterator[None]:
    try:
        yield
    except GitlabApiError as problem:
        if not is_refusal(problem):
            raise
        refused.append(doing)
        _log.warning("GitLab was not told %s: %s%s", doing, problem, _role(problem))


def is_refusal(problem: GitlabApiError) -> bool:
    """Return whether GitLab would refuse that again; otherwise it was away or busy."""
    status = problem.status
    return status is not None and 400 <= status < 500 and status not in {401, 408, 409, 429}


def send_broken_off(settings: Settings, state: State, pipeline: int) -> None:
    """Cancel in GitLab what a run has left open that was ended without its last task.

    Raises:
        StateError: the report cannot be read.
    """
    report = state.reports.get(pipeline)
    if report is not None:
        with never_failing("that a run was ended; a later pipeline will tell it"):
            send_all(settings, state, report)


def send_left(settings: Settings, state: State, now: float) -> int:
    """Send reports that others have left: their workers have died, or GitLab was away.

    Returns how many; at most a few of many. Reads none of pipelines that are newer than the first
    young one: of a hundred at once, each would read those of all others.

    Raises:
        GitlabCiError: GitLab does not answer; the reports stay.
    """
    sent = 0
    for report in state.reports.left():
        if now - datetime.fromisoformat(report.created_at).timestamp() < _RESTING:
            break
        age = now - report.written_at
        if age < _RESTING or _runs(state, report):
            continue
        try:
            send_all(settings, state, report)
        except GitlabApiError as problem:
            if not is_refusal(problem):
                raise
            _log.warning("pipeline %d is not reported: %s", report.pipeline, problem)
            if age > _GIVEN_UP:
                state.reports.drop(report.pipeline)
        sent += 1
        if sent == _MOST:
            break
    return sent


def _runs(state: State, report: Report) -> bool:
    entry = state.register.get(report.pipeline)
    return not report.statuses and entry is not None and entry.status == RUNNING


def _broken_off(client: CommitStatuses, report: Report) -> list[CommitStatus]:
    """Cancel what a run has left open that was ended without its last task."""
    known = client.known()
    return [
        CommitStatus(
            name=name, state=CommitState.CANCELED, url=there.url, description=_ENDED_BY_HAND
        )
        for name in report.names
        if (there := known.get(shortened(name))) is not None and there.is_open
    ]


def _role(problem: GitlabCiError) -> str:
    refused = isinstance(problem, GitlabApiError) and problem.status in {401, 403, 404}
    return "; that needs the role Developer and the scope `api`" if refused else ""
