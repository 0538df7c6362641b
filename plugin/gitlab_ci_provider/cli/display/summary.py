"""The summary at the end of a run: the result, why jobs failed, where things are."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gitlab_ci_provider.cli.terminal import safe_log
from gitlab_ci_provider.local.follow.logs import script_output
from gitlab_ci_provider.local.follow.result import failed_task_log
from gitlab_ci_provider.local.follow.run import FollowedRun
from gitlab_ci_provider.model.listed import listed
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.pods.pulls import PULLING
from gitlab_ci_provider.variables.expand import expand_known

_TAIL = 15

_NONE = "no pipeline: "
"""How the reason of each job of a run without a pipeline begins."""

_LOGS = 10
"""Failed jobs whose logs end here; of others, the reason is said."""

_DID_NOT_RUN = frozenset({"skipped", "canceled"})
"""Absent jobs are left to `gitlab-dags compile`: often they are most of a file."""


def summary(run: FollowedRun, objects: Path, *, in_images: bool) -> Iterator[str]:
    """Yield the lines to print, the most important one last.

    Args:
        run: what was followed.
        objects: the folder in which the object store keeps its bucket.
        in_images: whether jobs ran in their images; a failed job's may be missed.
    """
    result = run.result
    yield from _create_failed(run)
    failed = [(name, job) for name, job in result["jobs"].items() if job["status"] == "failed"]
    for number, (name, job) in enumerate(failed):
        yield from _failure(name, job, with_log=number < _LOGS)
        if not in_images:
            yield from missed_image(run.follower.pipeline, name)
    if in_images:
        yield from not_pulled(job["reason"] for _, job in failed)
    yield from not_run(result["jobs"])
    for name, job in result["jobs"].items():
        if below := job["downstream"]:
            yield f"downstream pipeline of {name}: {below['status']}, {below['url']}"
    for name, job in result["jobs"].items():
        yield from _results(name, job)
        yield from _failed_tests(job, objects)
    yield from artifacts(result)
    yield from verdict(run)
    yield f"run: {result['url']}"


def artifacts(result: dict[str, Any]) -> Iterator[str]:
    """Say which jobs left artifacts, and how to get them."""
    counts = {
        name: sum(artifact["files"] for artifact in job["artifacts"])
        for name, job in result["jobs"].items()
        if job["artifacts"]
    }
    if counts:
        listed = [f"{name} ({n} file{'' if n == 1 else 's'})" for name, n in counts.items()]
        more = f" and {len(listed) - _TAIL} more" if len(listed) > _TAIL else ""
        yield f"artifacts: {', '.join(listed[:_TAIL])}{more}"
        yield f"to fetch them: `gitlab-dags artifacts get {shlex.quote(result['url'])}`"


def verdict(run: FollowedRun) -> Iterator[str]:
    """Say how the pipeline ended, and because of which jobs."""
    result, waiting = run.result, ", ".join(run.blocked)
    failed, allowed = ", ".join(result["failed"]), ", ".join(_allowed(result))
    words = [f"failed: {failed}"] if failed else []
    if run.how == "waiting":
        words = [f"waiting for a person: {waiting}", *words]
    elif result["status"] == "canceled":
        words = ["canceled", *words, *([f"never played: {waiting}"] if waiting else [])]
    elif not failed:
        words = [f"{result['status']}{_why_none(result)}"]
    shown = "; ".join(words)
    if allowed:
        shown += f" with warnings ({allowed})" if not failed else f"; warnings: {allowed}"
    yield f"pipeline {shown}"
    if run.how == "waiting":
        job, address = shlex.quote(run.blocked[0]), shlex.quote(result["url"])
        yield (
            f"to continue: `gitlab-dags play {address} {job}`, or Required Actions in the Airflow "
            f"UI. Next time, `--manual {job}` plays it"
        )


def _why_none(result: dict[str, Any]) -> str:
    """Say why a run has no pipeline: all of its jobs say the same; empty when it has one."""
    if not result["jobs"]:
        return ": the rules of includes leave no jobs" if result["status"] == "skipped" else ""
    reasons = {job["reason"] for job in result["jobs"].values()}
    said = reasons.pop() if len(reasons) == 1 else ""
    return f": {said.removeprefix(_NONE)}" if said.startswith(_NONE) else ""


def _allowed(result: dict[str, Any]) -> list[str]:
    return [name for name, job in result["jobs"].items() if _is_warning(job)]


def _is_warning(job: dict[str, Any]) -> bool:
    return bool(job["allowed_failure"]) and job["status"] == "failed"


def _results(name: str, job: dict[str, Any]) -> Iterator[str]:
    for report in job["reports"]:
        numbers = ", ".join(f"{key} {value:g}" for key, value in report["summary"].items())
        yield f"{report['kind']} of {name}: {numbers or 'stored'}"
    if job["coverage"] is not None:
        yield f"coverage of {name}: {job['coverage']:g} %"
    environment = job["environment"]
    if environment:
        yield f"environment {environment['name']}: {environment['state']} {environment['url']}"


def _failed_tests(job: dict[str, Any], objects: Path) -> Iterator[str]:
    """List the failed tests of JUnit reports."""
    from gitlab_ci_provider.local.follow.artifacts import failed_tests

    names = failed_tests(job["reports"], objects)
    yield from (f"    failed test: {name}" for name in names[:_TAIL])
    if len(names) > _TAIL:
        yield f"    and {len(names) - _TAIL} more"


def not_run(jobs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Say why jobs did not run, those with the same reason together."""
    together: dict[tuple[str, str], list[str]] = {}
    for name, job in jobs.items():
        if job["status"] in _DID_NOT_RUN and job["reason"]:
            together.setdefault((job["status"], job["reason"]), []).append(name)
    for (status, reason), names in together.items():
        yield f"{listed(names)} {'were' if len(names) > 1 else 'was'} {status}: {reason}"


def _failure(name: str, job: dict[str, Any], *, with_log: bool) -> Iterator[str]:
    allowed = " (allowed)" if job["allowed_failure"] else ""
    yield f"{name} failed{allowed}: {job['reason']}"
    if job["log"] and with_log:
        yield from _tail(script_output(Path(job["log"])))


def missed_image(pipeline: Pipeline, name: str) -> Iterator[str]:
    """Say which image a job did not run in."""
    job = pipeline.jobs.get(name)
    if job is not None and job.image is not None:
        image = expand_known(job.image.name, job.variables.as_dict())
        yield f"    its image was not used: it ran with this machine's programs, not {image}"


def not_pulled(reasons: Iterable[str]) -> Iterator[str]:
    """Say how jobs run where images cannot be pulled."""
    if any(word in reason for reason in reasons for word in PULLING):
        yield (
            "images cannot be pulled: `gitlab-dags down`, then `gitlab-dags run --runtime process` "
            "runs jobs with this machine's programs"
        )


def _tail(output: bytes) -> Iterator[str]:
    lines = output.decode("utf-8", "replace").rstrip("\n").split("\n")
    yield from (f"    {safe_log(line, colours=False)}" for line in lines[-_TAIL:])


def _create_failed(run: FollowedRun) -> Iterator[str]:
    lines = failed_task_log(run.follower, run.end)
    if lines:
        yield "the pipeline could not be created:"
        yield from (f"    {line}" for line in lines[-_TAIL:] if line)
