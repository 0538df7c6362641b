"""`gitlab-dags lint --fix`: changes to files as one patch, each of which has been tried.

Every change is compiled: a job that is not exactly the rewritten one, or a change of any other job,
leaves the change out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gitlab_ci_provider.compiler.compile import compile_pipeline
from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.includes.fetcher import Elsewhere, FileFetcher
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.linter.fixes.docker_builds import fix, fixable
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.diagnostic import SourceLocation
from gitlab_ci_provider.model.job import Job

_NAMED = re.compile(r"[\w./ @+-]+")
_NOWHERE = SourceLocation(file="")


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch, and what it leaves out.

    Attributes:
        text: for `git apply`; empty when nothing changes.
        fixed: names of the jobs that it rewrites.
        left_out: for each job that could not be written, why.
    """

    text: str
    fixed: tuple[str, ...]
    left_out: Mapping[str, str]


class _Overlay:
    """Files of a repository, some of them changed."""

    def __init__(self, files: FileFetcher, changed: Mapping[str, str]):
        self.files = files
        self.changed = changed

    def read(self, path: str) -> bytes | None:
        """Return a file's contents."""
        text = self.changed.get(path.lstrip("/"))
        return self.files.read(path) if text is None else text.encode()

    def paths(self) -> Sequence[str]:
        """List all files."""
        return self.files.paths()


def docker_patch(
    files: FileFetcher, context: PipelineContext, elsewhere: Elsewhere | None = None
) -> Patch:
    """Write all jobs as image builds that can be written so, one after the other."""
    changed: dict[str, str] = {}
    fixed: list[str] = []
    left_out: dict[str, str] = {}
    while True:
        overlay = _Overlay(files, changed)
        config = compile_pipeline(overlay, context, elsewhere=elsewhere).config
        if config is None:
            break
        done = {*fixed, *left_out}
        found = next((pair for pair in fixable(config) if pair[0].job.name not in done), None)
        if found is None:
            break
        made = fix(config, *found, partial(_text, overlay))
        why = made.why_not or _unwritable(made.file)
        if not why:
            tried = {**changed, made.file: made.content or ""}
            result = compile_pipeline(_Overlay(files, tried), context, elsewhere=elsewhere)
            why = _difference(config, result.config, made.job)
            changed = changed if why else tried
        if why:
            left_out[made.job.name] = why
        else:
            fixed.append(made.job.name)
    diffs = [_diff(path, _text(files, path) or "", text) for path, text in changed.items()]
    return Patch("".join(line for diff in diffs for line in diff), tuple(fixed), left_out)


def _text(files: FileFetcher, path: str) -> str | None:
    try:
        content = files.read(path)
        return None if content is None else content.decode()
    except (SourceError, UnicodeDecodeError):
        return None


def _unwritable(path: str) -> str:
    """Say why a patch cannot name a file."""
    plain = _NAMED.fullmatch(path) and not path.startswith(("/", "-")) and ".." not in path
    return "" if plain else "the name of its file has characters that no patch should hold"


def _difference(before: CiConfig, after: CiConfig | None, wanted: Job) -> str:
    """Say in what a changed configuration differs from what it should be."""
    if after is None or list(before.jobs) != list(after.jobs):
        return "the changed file does not compile"
    for name, entry in after.jobs.items():
        if name != wanted.name and _plain(entry.job) != _plain(before.jobs[name].job):
            return f"the job {name} would change, too"
    same = _plain(after.jobs[wanted.name].job) == _plain(
        replace(wanted, variables=before.jobs[wanted.name].job.variables)
    )
    return "" if same else "its keywords come from places that cannot be changed for it alone"


def _plain(job: Job) -> Job:
    return replace(job, location=_NOWHERE)


def _diff(path: str, before: str, after: str) -> Iterator[str]:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, f"a/{path}", f"b/{path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def summary(patch: Patch) -> Iterable[str]:
    """Say what a patch does, for people."""
    for name in patch.fixed:
        yield f"{name} job: builds its images without a Docker daemon"
    for name, why in patch.left_out.items():
        yield f"{name} job: it could be an image build, but is not in the patch: {why}"
    if not (patch.fixed or patch.left_out):
        yield "nothing to fix: see `gitlab-dags lint` for what is wrong"
