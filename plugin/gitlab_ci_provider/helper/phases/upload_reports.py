"""Phase `upload_artifacts`, its second part: `artifacts:reports`, whatever became of the job.

As in GitLab, each kind is its own archive next to the artifacts; later jobs do not get it.
The kinds that people want numbers of are read here, where their files are. A report that cannot be
read is a warning.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from gitlab_ci_provider.exceptions import GitlabCiError, SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.phases.upload_artifacts import LISTING, save_artifacts
from gitlab_ci_provider.helper.reports.readers import ReportReader, read_files, reader_of
from gitlab_ci_provider.helper.transfers import put
from gitlab_ci_provider.model.job_artifacts import ArtifactReport
from gitlab_ci_provider.model.plan import ArtifactUpload, ReportUpload
from gitlab_ci_provider.model.reports import JunitReport, Results, failed_tests
from gitlab_ci_provider.storage.index import listed_files
from gitlab_ci_provider.storage.keys import results_key

_LONGEST_PROBLEM = 200
_MOST_NAMES, _LONGEST_NAME = 5, 100


def upload_reports(context: PhaseContext, reports: Iterable[ReportUpload]) -> None:
    """Save each kind of report; note in the context what was saved.

    Raises:
        SystemFailure: one could not be saved, though it was tried again.
    """
    for report in reports:
        context.output.notice(f"Uploading reports: {report.kind}...")
        try:
            with context.scratch() as folder:
                _upload(context, report, folder)
        except (GitlabCiError, OSError) as error:
            message = f"cannot upload the report '{report.kind}': {error}"
            raise SystemFailure(message) from error


def _upload(context: PhaseContext, report: ReportUpload, folder: Path) -> None:
    upload = ArtifactUpload(
        name=report.kind,
        object_key=report.object_key,
        paths=report.paths,
        expire_in=report.expire_in,
        access=report.access,
    )
    saved = save_artifacts(context, upload, folder)
    if saved is None:
        return
    listed = listed_files(folder / LISTING)
    files = [file.path for file in listed if stat.S_ISREG(int(file.mode, 8))]
    kept = ArtifactReport(
        kind=report.kind, object_key=report.object_key, files=len(files), size=saved.size
    )
    reader = reader_of(report.kind, context.plan.job, context.project_dir, report.format)
    if reader is not None:
        kept = _read(context, kept, reader, files, folder)
    context.reports.append(kept)


def _read(
    context: PhaseContext,
    report: ArtifactReport,
    reader: ReportReader,
    paths: Sequence[str],
    folder: Path,
) -> ArtifactReport:
    found = read_files(reader, context.project_dir, paths)
    problems = [context.output.mask(problem) for problem in found]
    for problem in problems:
        context.output.warning(f"{report.kind}: {problem}")
    summary = reader.summary()
    numbers = ", ".join(f"{name} {value:g}" for name, value in summary.items())
    context.output.line(f"{report.kind}: {numbers}")
    results = reader.results(problems)
    _put(context, results, folder / "results.json", results_key(report.object_key))
    return replace(
        report,
        results_key=results_key(report.object_key),
        summary=summary,
        failed=_failed(context, results),
        problem="; ".join(problems)[:_LONGEST_PROBLEM],
    )


def _failed(context: PhaseContext, results: Results) -> tuple[str, ...]:
    """Name the first tests that failed, for the note of the job's task."""
    names = failed_tests(results) if isinstance(results, JunitReport) else iter(())
    return tuple(context.output.mask(name)[:_LONGEST_NAME] for name in islice(names, _MOST_NAMES))


def _put(context: PhaseContext, results: Results, path: Path, key: str) -> None:
    import msgspec

    path.write_bytes(msgspec.json.encode(results))
    put(context, path, key)
