"""Reports of kind `dotenv`: variables for later jobs, kept as an object of their own. Fatal.

They are read and checked here, as GitLab's server does when the runner uploads them: a report that
is wrong fails the job. Values go into the object store and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from gitlab_ci_provider.exceptions import GitlabCiError, SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.phases.save import Wanted, find
from gitlab_ci_provider.helper.transfers import put
from gitlab_ci_provider.model.job_artifacts import ArtifactReport
from gitlab_ci_provider.model.plan import DotenvUpload
from gitlab_ci_provider.storage.tree_reader import TreeReader
from gitlab_ci_provider.variables.dotenv import MAX_UNPACKED, parse_dotenv


def upload_dotenv(context: PhaseContext, upload: DotenvUpload) -> None:
    """Save the variables that the job has written; no file is a warning only.

    Raises:
        DotenvError: GitLab would not accept the report.
        SystemFailure: it could not be saved.
    """
    members = find(context, Wanted(paths=upload.paths))
    found = _contents(context, members.paths)
    if not found:
        context.output.warning("No files to upload as dotenv")
        return
    variables = parse_dotenv(found)
    data = json.dumps([[variable.name, variable.value] for variable in variables]).encode()
    try:
        _save(context, upload.object_key, data)
    except (GitlabCiError, OSError) as error:
        raise SystemFailure(f"cannot upload the dotenv report: {error}") from error
    context.output.line(f"Uploaded {len(variables)} variables of the dotenv report")
    report = ArtifactReport(
        kind="dotenv",
        object_key=upload.object_key,
        files=len(found),
        size=len(data),
        summary={"variables": len(variables)},
    )
    context.reports.append(report)


def _contents(context: PhaseContext, paths: Iterable[str]) -> list[bytes]:
    """Read files; links are not followed: they could lead to what only the helper may see."""
    with TreeReader(context.project_dir, context.output.warning) as tree:
        return [file.read(MAX_UNPACKED + 1) for _, file in tree.entries(paths) if file is not None]


def _save(context: PhaseContext, key: str, data: bytes) -> None:
    with context.scratch() as folder:
        path = folder / "dotenv.json"
        path.write_bytes(data)
        put(context, path, key)
