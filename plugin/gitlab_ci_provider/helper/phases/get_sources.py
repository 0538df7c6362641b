"""Phase `get_sources`: the working copy at the exact commit. Fatal.

The commit itself is asked for, together with the refs of the plan, so a branch that has moved on
does not matter. A server that only gives what its refs name is asked for those, deeper and deeper.

Unlike GitLab, a ref that was deleted since the pipeline was created does not fail the job as long
as the server still has the commit.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.helper.attempts import STAGE, attempt
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.git import Git, GitError
from gitlab_ci_provider.helper.output import Output
from gitlab_ci_provider.helper.phases.get_more_sources import (
    NO_SMUDGE,
    pull_lfs,
    update_submodules,
)
from gitlab_ci_provider.model.git_login import GitLogin, configuration, login_environment
from gitlab_ci_provider.model.plan import GetSources

_STALE = ("index.lock", "shallow.lock", "HEAD.lock", "config.lock")
"""What a git that was killed can leave behind in a working copy that is used again."""

_NOT_OURS = ("config", "config.worktree", "commondir", "hooks", "modules")
"""Where a job before ours could have named programs that git would run for us."""


def get_sources(context: PhaseContext) -> None:
    """Bring the working copy to the plan's commit.

    Raises:
        SourceError: the commit cannot be had; the message says what git said.
    """
    sources = context.plan.sources
    if sources is None or sources.strategy == "none":
        context.output.notice("Skipping Git repository setup")
        return
    if sources.strategy == "empty":
        context.output.notice("Skipping Git repository setup and creating an empty build directory")
        _wipe(context.project_dir)
        return
    if sources.strategy == "clone":
        _wipe(context.project_dir)
    attempt(
        partial(_fetch_and_checkout, sources, context.project_dir, context.output),
        sources.attempts,
        sleep=context.sleep,
        say=lambda problem: _start_over(problem, context),
        pauses=STAGE,
    )


def _start_over(problem: str, context: PhaseContext) -> None:
    """Leave nothing of a failed attempt, as the runner does."""
    context.output.warning(problem)
    _wipe(context.project_dir)


def _fetch_and_checkout(sources: GetSources, folder: Path, output: Output) -> None:
    given = dict(setting.partition("=")[::2] for setting in sources.git_settings)
    local = Git(folder=folder, say=output.line, extra={**given, **NO_SMUDGE})
    login = GitLogin(username=sources.username, password=sources.password)
    known = {**local.extra, **login_environment(sources.url, login)}
    git = replace(local, extra=configuration(sources.git_config, known))
    local = replace(local, extra=configuration(sources.git_config, local.extra))
    found_empty = not any(folder.iterdir())
    try:
        if sources.clone_flags is None or not _cloned(git, sources, output):
            depth = f" with git depth set to {sources.depth}" if sources.depth else ""
            output.notice(f"Fetching changes{depth}...")
            _set_up(local, sources.url, output)
            _fetch(git, sources, output)
    except GitError as error:
        message = f"cannot fetch commit {sources.sha} from {sources.url}: {error}"
        raise SourceError(message) from error
    if sources.checkout:
        # What a filter has left out is fetched by the checkout.
        _checkout(git if _filters(sources) else local, sources, output)
        if sources.clean_flags and not found_empty:
            local.run("clean", *sources.clean_flags)
        pull_lfs(git, sources, output)
    else:
        output.notice("Skipping Git checkout")
    update_submodules(git, sources, output)


def _filters(sources: GetSources) -> bool:
    flags = (*sources.fetch_flags, *(sources.clone_flags or ()))
    return any(flag.startswith("--filter") for flag in flags)


def _cloned(git: Git, sources: GetSources, output: Output) -> bool:
    """Clone the ref; False when its commit has to be fetched after all."""
    depth = f" with git depth set to {sources.depth}" if sources.depth else ""
    output.notice(f"Cloning repository for {sources.ref_name}{depth}...")
    _wipe(git.folder)
    how = ("--depth", str(sources.depth)) if sources.depth else ()
    ref = (f"--branch={sources.ref_name}",) if sources.ref_name else ()
    flags = sources.clone_flags or ()
    try:
        git.run("clone", "--no-checkout", "--template=", *how, *ref, *flags, sources.url, ".")
    except GitError as error:
        if "Remote branch" not in error.said:
            raise
        output.warning(f"ref {sources.ref_name} no longer exists; fetching its commit only")
        _wipe(git.folder)
        return False
    return _has(git, sources.sha)


def _set_up(git: Git, url: str, output: Output) -> None:
    """Make the repository, or take the commits of the one that is there, and nothing else."""
    folder = git.folder / ".git"
    fresh = not folder.is_dir() or folder.is_symlink()
    if fresh:
        _remove(folder)
    for name in (*_STALE, *_NOT_OURS):
        _remove(folder / name)
    git.run("init", "--template=", *(["--quiet"] if not fresh else []), ".")
    git.run("remote", "add", "origin", url)
    if fresh:
        output.notice("Created fresh repository.")


def _fetch(git: Git, sources: GetSources, output: Output) -> None:
    """Fetch the commit, and the refs as far as they still exist."""
    try:
        _fetch_refs(git, sources, sources.sha, *sources.refspecs)
    except GitError as error:
        if "couldn't find remote ref" in error.said:
            output.warning(f"ref {sources.ref_name} no longer exists; fetching its commit only")
            _fetch_refs(git, sources, sources.sha)
        elif "unadvertised object" in error.said:
            output.line("The server does not serve single commits; fetching refs instead.")
            _fetch_deeper(git, sources)
        else:
            raise


def _fetch_refs(git: Git, sources: GetSources, *refs: str) -> None:
    depth = ("--depth", str(sources.depth)) if sources.depth else _whole(git)
    git.run("fetch", *depth, *sources.fetch_flags, "origin", *refs)


def _whole(git: Git) -> tuple[str, ...]:
    """Ask for what an earlier fetch into the same working copy has left out."""
    return ("--unshallow",) if (git.folder / ".git" / "shallow").exists() else ()


def _fetch_deeper(git: Git, sources: GetSources) -> None:
    """Fetch refs until the commit is there, at last all of their history."""
    _fetch_refs(git, sources, *sources.refspecs)
    if _has(git, sources.sha) or not sources.depth:
        return
    git.run("fetch", "--unshallow", *sources.fetch_flags, "origin", *sources.refspecs)


def _checkout(git: Git, sources: GetSources, output: Output) -> None:
    ref = f" (ref is {sources.ref_name})" if sources.ref_name else ""
    output.notice(f"Checking out {sources.sha[:8]} as detached HEAD{ref}...")
    try:
        git.run("checkout", "-f", "-q", "--detach", sources.sha)
    except GitError as error:
        if _has(git, sources.sha):
            raise
        message = f"commit {sources.sha} is not in {sources.url}: was it removed by a forced push?"
        raise SourceError(message) from error


def _has(git: Git, sha: str) -> bool:
    return git.succeeds("cat-file", "-e", f"{sha}^{{commit}}")


def _wipe(folder: Path) -> None:
    """Leave an empty folder; the folder itself stays, it may be a mount."""
    for path in folder.iterdir():
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
