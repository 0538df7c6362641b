"""Phase `get_sources`, what comes after the checkout: Git LFS and submodules.

As the runner's shells/abstract.go does it. Submodules on the repository's own server are fetched
with its login, those elsewhere without any.

Unlike GitLab, a repository may lie on this machine. A relative address such as `../lib` then counts
from the repository's own `origin`, as it does for those who work in it. Submodules on this machine
are refused, as git itself does: with them any job could read any repository.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.helper.git import Git, GitError
from gitlab_ci_provider.helper.output import Output
from gitlab_ci_provider.model.git_login import configuration, split_login
from gitlab_ci_provider.model.plan import GetSources

NO_SMUDGE = {"GIT_LFS_SKIP_SMUDGE": "1"}
"""A checkout would fetch the files of Git LFS one by one; `git lfs pull` takes all at once."""


def pull_lfs(git: Git, sources: GetSources, output: Output) -> None:
    """Get the files that Git LFS keeps elsewhere.

    Raises:
        SourceError: they cannot be had; the working copy would hold pointers in their place.
    """
    if not sources.lfs or not _uses_lfs(git, sources.sha):
        return
    if not git.succeeds("lfs", "version"):
        message = "this repository uses Git LFS, but the helper image has no git-lfs: add it, or "
        raise SourceError(message + "set GIT_LFS_SKIP_SMUDGE to keep pointers instead of files")
    output.notice("Pulling LFS files...")
    git.run("lfs", "pull")


def _uses_lfs(git: Git, sha: str) -> bool:
    return git.succeeds("grep", "--quiet", "-F", "filter=lfs", sha, "--", "*.gitattributes")


def update_submodules(git: Git, sources: GetSources, output: Output) -> None:
    """Bring the submodules to the commits that the working copy names.

    Raises:
        SourceError: one cannot be had.
    """
    if sources.submodule_strategy == "none":
        output.notice("Skipping Git submodules setup")
        return
    recursive = sources.submodule_strategy == "recursive"
    depth = sources.submodule_depth
    how = (
        f"{' recursively' if recursive else ''}{f' with git depth set to {depth}' if depth else ''}"
    )
    output.notice(f"Updating/initializing submodules{how}...")
    _empty_submodules(git)
    try:
        with _origin_of_a_local_repository(git, sources.url):
            _update(
                _with_https(git, sources), sources, ["--recursive"] if recursive else [], output
            )
    except GitError as error:
        raise SourceError(f"cannot get the submodules: {_why(error)}") from error


def _empty_submodules(git: Git) -> None:
    """Remove what a job before ours has left where submodules go, repositories of its own too.

    Their git directories went with those that we do not trust, see `get_sources`.
    """
    root = git.folder.resolve()
    for entry in (git.answer("ls-files", "--stage", "-z") or "").split("\0"):
        described, _, name = entry.partition("\t")
        path = git.folder / name
        if not described.startswith("160000") or not path.parent.resolve().is_relative_to(root):
            continue
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def _origin_of_a_local_repository(git: Git, url: str) -> Iterator[None]:
    """Let relative addresses count from the origin of a repository on this machine, if it has one.

    Its login stays behind: what git registers, it prints, and the job reads.
    """
    if urlsplit(url).scheme != "file":
        yield
        return
    path = unquote(urlsplit(url).path)
    theirs = git.answer("-C", path, "config", "--get", "remote.origin.url")
    git.run("remote", "set-url", "origin", split_login(theirs or url)[0])
    yield
    git.run("remote", "set-url", "origin", url)


def _why(error: GitError) -> str:
    if "transport 'file' not allowed" not in error.said:
        return str(error)
    return (
        "one of them is on this machine, but jobs fetch submodules from servers only. A relative "
        f"address is resolved against the repository's remote 'origin': does it have one? ({error})"
    )


def _update(git: Git, sources: GetSources, recursive: list[str], output: Output) -> None:
    paths = ["--", *sources.submodule_paths] if sources.submodule_paths else []
    depth = ["--depth", str(sources.submodule_depth)] if sources.submodule_depth else []
    sync = ["submodule", "sync", "--quiet", *recursive, *paths]
    update = ["submodule", "update", "--init", *recursive, *depth, *sources.submodule_flags, *paths]
    each = ["submodule", "foreach", "--quiet", *recursive]
    git.run("submodule", "init")
    git.run(*sync)
    try:
        git.run(*update)
    except GitError as error:
        output.warning(f"Updating submodules failed ({error}). Retrying...")
        if "--remote" in sources.submodule_flags:
            git.run(*each, "git fetch origin +refs/heads/*:refs/remotes/origin/*")
        git.run(*sync)
        git.run(*update)
    git.run(*each, "git", "clean", *(sources.clean_flags or ("-ffdx",)))
    if sources.lfs and git.succeeds("lfs", "version"):
        git.run(*each, "git", "lfs", "pull")


def _with_https(git: Git, sources: GetSources) -> Git:
    """Let git take https for submodules that are given by ssh on the repository's server."""
    parts = urlsplit(sources.url)
    if not sources.https_submodules or parts.scheme not in {"http", "https"}:
        return git
    key = f"url.{parts.scheme}://{parts.netloc}/.insteadOf"
    extra = git.extra
    for ssh in (f"git@{parts.hostname}:", f"ssh://git@{parts.hostname}/"):
        extra = configuration({key: ssh}, extra)
    return replace(git, extra=extra)
