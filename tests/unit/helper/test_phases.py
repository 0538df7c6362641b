"""What each phase does, on an object store in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StorageError, SystemFailure
from gitlab_ci_provider.helper.phases.archive_cache import archive_caches
from gitlab_ci_provider.helper.phases.cleanup_file_variables import cleanup_file_variables
from gitlab_ci_provider.helper.phases.download_artifacts import download_artifacts
from gitlab_ci_provider.helper.phases.prepare_script import prepare_script
from gitlab_ci_provider.helper.phases.restore_cache import restore_cache
from gitlab_ci_provider.helper.phases.upload_artifacts import upload_artifacts
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.plan import (
    ArtifactDownload,
    ArtifactUpload,
    CacheArchive,
    CacheRestore,
    PlanVariable,
)
from gitlab_ci_provider.storage.checksums import sha256_of
from gitlab_ci_provider.storage.index import decode_index
from processes.phases import CACHE, UPLOAD, BrokenStore, FolderStore, make_context, write
from servers.repositories import git


@pytest.fixture
def shown(capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What the phases wrote."""
    return lambda: capfd.readouterr().out


def objects(folder: Path) -> list[str]:
    """List what is in the store."""
    return FolderStore(folder / "objects").keys()


def test_file_variables_are_written(tmp_path: Path):
    """Byte by byte what the variable holds, next to the working copy, usable for any user."""
    variables = (
        PlanVariable(name="KEY", value="a\r\nü", file=True),
        PlanVariable(name="PLAIN", value="x"),
    )
    umask = os.umask(0)
    prepare_script(make_context(tmp_path, variables=variables))
    os.umask(umask)

    folder = tmp_path / "builds" / "project.tmp"
    assert {path.name for path in folder.iterdir()} == {"KEY", "gitlab_runner_env"}
    assert (folder / "KEY").read_bytes() == "a\r\nü".encode()
    assert (folder / "KEY").stat().st_mode & 0o777 == 0o666


def test_a_file_variable_cannot_write_elsewhere(tmp_path: Path):
    """Its name is that of a file in one folder."""
    variables = (PlanVariable(name="../x", value="", file=True),)

    with pytest.raises(SystemFailure, match=r"'\.\./x' is of type file"):
        prepare_script(make_context(tmp_path, variables=variables))


def test_file_variables_do_not_outlive_the_job(tmp_path: Path):
    """Nothing else remains next to the working copy, either; a link there is not followed."""
    context = make_context(tmp_path)
    context.temporary_dir.symlink_to(context.project_dir)
    write(tmp_path, "kept")

    cleanup_file_variables(context)

    assert not context.temporary_dir.is_symlink()
    assert (context.project_dir / "kept").exists()


def test_a_cache_comes_back(tmp_path: Path, shown: Callable[[], str]):
    """What one job archives, a later one restores."""
    write(tmp_path / "one", "deps/lib", "cached")
    store = FolderStore(tmp_path / "objects")
    archive_caches(make_context(tmp_path / "one", store=store), [CACHE])
    restores = (CacheRestore(name="main", object_keys=("c/none.tar.zst", CACHE.object_key)),)

    restore_cache(make_context(tmp_path / "two", store=store, restores=restores))

    assert (tmp_path / "two/builds/project/deps/lib").read_text() == "cached"
    log = shown()
    assert "deps/: found 2 matching artifact files and directories" in log
    assert "Created cache" in log
    assert "Successfully extracted cache" in log


def test_no_cache_is_no_problem(tmp_path: Path, shown: Callable[[], str]):
    """The first job of all has none."""
    restores = (CacheRestore(name="main", object_keys=("c/none.tar.zst",)),)

    restore_cache(make_context(tmp_path, restores=restores))

    assert "No cache found" in shown()
    assert "WARNING" not in shown()


def test_a_broken_cache_is_a_warning_and_the_next_is_tried(
    tmp_path: Path, shown: Callable[[], str]
):
    """A job never fails because of a cache."""
    write(tmp_path, "deps/lib", "cached")
    context = make_context(
        tmp_path,
        restores=(
            CacheRestore(name="broken", object_keys=("c/broken.tar.zst",)),
            CacheRestore(name="main", object_keys=(CACHE.object_key,)),
        ),
    )
    (tmp_path / "broken").write_text("no archive")
    context.store().put("c/broken.tar.zst", tmp_path / "broken")
    archive_caches(context, [CACHE])

    restore_cache(context)

    log = shown()
    assert "WARNING: Failed to extract cache: broken tar archive" in log
    assert "Successfully extracted cache" in log


def test_a_store_that_is_down_costs_the_cache_only(tmp_path: Path, shown: Callable[[], str]):
    """After the attempts of the plan it is a warning; the archive before stays as it was."""
    write(tmp_path, "deps/lib", "old")
    archive_caches(make_context(tmp_path), [CACHE])
    before = (tmp_path / "objects" / CACHE.object_key).read_bytes()
    write(tmp_path, "deps/lib", "new")

    broken = BrokenStore(tmp_path / "objects", failures=9)
    archive_caches(make_context(tmp_path, store=broken, attempts=3), [CACHE])

    log = shown()
    assert log.count("attempt 2 of 3") == log.count("attempt 3 of 3") == 1
    assert "WARNING: Failed to create cache: the store is down" in log
    assert (tmp_path / "objects" / CACHE.object_key).read_bytes() == before


def test_an_empty_cache_is_not_saved(tmp_path: Path, shown: Callable[[], str]):
    """Else a job that has lost its files would take them from all later jobs."""
    archive_caches(make_context(tmp_path), [CACHE])

    assert objects(tmp_path) == []
    assert "WARNING: deps/: no matching files" in shown()


def test_artifacts_come_with_an_index(tmp_path: Path, shown: Callable[[], str]):
    """The archive, then the list of what is in it; both are noted for the report."""
    write(tmp_path, "out/a.txt", "hello")
    context = make_context(tmp_path)

    upload_artifacts(context, [UPLOAD])

    assert objects(tmp_path) == ["a/artifacts.zip", "a/artifacts.zip.index.json"]
    index = decode_index((tmp_path / "objects/a/artifacts.zip.index.json").read_bytes())
    size = (tmp_path / "objects/a/artifacts.zip").stat().st_size
    assert (index.job, index.name, index.size) == ("job", "site", size)
    assert [file.path for file in index.files] == ["out/", "out/a.txt"]
    sha256 = sha256_of(tmp_path / "objects/a/artifacts.zip")
    assert index.sha256 == sha256
    assert context.uploaded == [
        JobArtifact(name="site", object_key="a/artifacts.zip", size=size, files=1, sha256=sha256)
    ]
    assert "Uploaded 1 files in site.zip" in shown()


@pytest.mark.parametrize(("expire_in", "seconds"), [(0, None), (3600, 3600)])
def test_the_index_says_when_artifacts_expire(tmp_path: Path, expire_in: int, seconds: int | None):
    """0 means never."""
    write(tmp_path, "out/a.txt")
    upload = ArtifactUpload(name="n", object_key="a.zip", paths=("out",), expire_in=expire_in)

    upload_artifacts(make_context(tmp_path), [upload])

    index = json.loads((tmp_path / "objects/a.zip.index.json").read_bytes())
    left = index["expire_at"] and index["expire_at"] - index["created"]
    assert left == seconds


def test_artifacts_leave_out_what_is_excluded(tmp_path: Path):
    """`exclude` holds for `untracked` as well."""
    for name in ("out/a.txt", "out/a.tmp"):
        write(tmp_path, name)
    upload = ArtifactUpload(name="n", object_key="a.zip", paths=("out",), exclude=("**/*.tmp",))

    upload_artifacts(make_context(tmp_path), [upload])

    index = decode_index((tmp_path / "objects/a.zip.index.json").read_bytes())
    assert [file.path for file in index.files] == ["out/", "out/a.txt"]


def test_no_files_are_a_warning(tmp_path: Path, shown: Callable[[], str]):
    """As with the runner, the job does not fail, and nothing is stored."""
    context = make_context(tmp_path)

    upload_artifacts(context, [UPLOAD])

    assert objects(tmp_path) == []
    assert context.uploaded == []
    assert "WARNING: No files to upload" in shown()


def test_a_store_that_comes_back_gets_the_artifacts(tmp_path: Path, shown: Callable[[], str]):
    """An upload is tried again before the job fails."""
    write(tmp_path, "out/a.txt")
    store = BrokenStore(tmp_path / "objects", failures=2)

    upload_artifacts(make_context(tmp_path, store=store, attempts=3), [UPLOAD])

    assert "a/artifacts.zip" in objects(tmp_path)
    assert "WARNING: the store is down (a/artifacts.zip); attempt 3 of 3 in 2 s" in shown()


def test_artifacts_that_cannot_be_saved_fail_the_job(tmp_path: Path):
    """Later jobs count on them; the message says which and why."""
    write(tmp_path, "out/a.txt")
    store = BrokenStore(tmp_path / "objects", failures=9)

    with pytest.raises(SystemFailure, match="cannot upload the artifacts 'site': the store is"):
        upload_artifacts(make_context(tmp_path, store=store), [UPLOAD])

    assert objects(tmp_path) == []
    assert [path.name for path in (tmp_path / "builds").iterdir()] == ["project"]


def test_a_refusal_is_not_tried_again(tmp_path: Path, shown: Callable[[], str]):
    """Wrong keys stay wrong."""
    write(tmp_path, "out/a.txt")
    store = BrokenStore(tmp_path / "objects", failures=9, error=StorageError)

    with pytest.raises(SystemFailure):
        upload_artifacts(make_context(tmp_path, store=store), [UPLOAD])

    assert "attempt" not in shown()


def test_artifacts_of_earlier_jobs_are_unpacked(tmp_path: Path, shown: Callable[[], str]):
    """Over what the repository has."""
    write(tmp_path / "one", "out/a.txt", "made")
    write(tmp_path / "two", "out/a.txt", "old")
    store = FolderStore(tmp_path / "objects")
    upload_artifacts(make_context(tmp_path / "one", store=store), [UPLOAD])
    downloads = (ArtifactDownload(job="build", object_key=UPLOAD.object_key),)

    download_artifacts(make_context(tmp_path / "two", store=store, downloads=downloads))

    assert (tmp_path / "two/builds/project/out/a.txt").read_text() == "made"
    assert "Downloading artifacts for build..." in shown()


def test_missing_artifacts_fail_the_job_and_name_their_own(tmp_path: Path):
    """GitLab's reason for it is one that a retry does not help."""
    downloads = (ArtifactDownload(job="build x", object_key="none.zip"),)

    with pytest.raises(SystemFailure, match="artifacts of job 'build x' are gone") as caught:
        download_artifacts(make_context(tmp_path, downloads=downloads))

    assert caught.value.reason == "missing_dependency_failure"


def test_artifacts_that_were_replaced_fail_the_job(tmp_path: Path):
    """The job gets what the earlier job has left, or nothing: its result has the checksum."""
    write(tmp_path, "out/a.txt", "hello")
    upload_artifacts(make_context(tmp_path), [UPLOAD])
    downloads = (ArtifactDownload(job="build", object_key=UPLOAD.object_key, sha256="0" * 64),)
    store = FolderStore(tmp_path / "objects")

    with pytest.raises(SystemFailure, match=r"job 'build': .*its checksum does not match"):
        download_artifacts(make_context(tmp_path / "two", store=store, downloads=downloads))
    assert not (tmp_path / "two" / "project" / "out").exists()


def test_broken_artifacts_fail_the_job(tmp_path: Path):
    """Going on with half of them would be worse."""
    downloads = (ArtifactDownload(job="build", object_key="a.zip"),)
    context = make_context(tmp_path, downloads=downloads)
    (tmp_path / "broken").write_text("no archive")
    context.store().put("a.zip", tmp_path / "broken")

    with pytest.raises(SystemFailure, match="job 'build': broken zip archive"):
        download_artifacts(context)


def test_untracked_files_are_those_that_git_does_not_know(tmp_path: Path, shown: Callable[[], str]):
    """Ignored ones included, as with GitLab."""
    project = tmp_path / "builds" / "project"
    for name in (".gitignore", "tracked", "new", "ignored.o", "sub/new"):
        write(tmp_path, name, "*.o\n")
    git(project, "init", "-q")
    git(project, "add", "tracked", ".gitignore")
    cache = CacheArchive(name="c", object_key="c.tar.zst", paths=(), untracked=True)

    archive_caches(make_context(tmp_path), [cache])

    assert "untracked: found 3 files" in shown()


def test_the_job_cannot_make_the_helper_run_programs(tmp_path: Path, shown: Callable[[], str]):
    """The repository's own configuration may name programs; it is not read."""
    project = tmp_path / "builds" / "project"
    write(tmp_path, "new")
    git(project, "init", "-q")
    write(tmp_path, "tracked")
    git(project, "add", "tracked")
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for setting in ("core.fsmonitor", "core.hooksPath", "core.sshCommand"):
        git(project, "config", setting, str(trap))
    cache = CacheArchive(name="c", object_key="c.tar.zst", paths=(), untracked=True)

    archive_caches(make_context(tmp_path), [cache])

    assert "untracked: found 1 files" in shown()
    assert not (tmp_path / "sprung").exists()


def test_untracked_without_a_repository_is_a_warning(tmp_path: Path, shown: Callable[[], str]):
    """GIT_STRATEGY none leaves none."""
    cache = CacheArchive(name="c", object_key="c.tar.zst", paths=(), untracked=True)

    archive_caches(make_context(tmp_path), [cache])

    assert "is not a git repository" in shown()


def test_a_cache_is_restored_by_a_later_attempt(tmp_path: Path, shown: Callable[[], str]):
    """RESTORE_CACHE_ATTEMPTS counts the phase; its transfers are tried again by themselves."""
    write(tmp_path / "one", "deps/a.txt", "kept")
    store = BrokenStore(tmp_path / "objects")
    archive_caches(make_context(tmp_path / "one", store=store), [CACHE])
    store.failures = 3
    restores = (CacheRestore(name="main", object_keys=(CACHE.object_key,)),)
    context = make_context(
        tmp_path / "two", store=store, restores=restores, attempts=3, restore_cache_attempts=2
    )

    restore_cache(context)

    assert (context.project_dir / "deps" / "a.txt").read_text() == "kept"
    assert "attempt 2 of 2 in 5 s" in shown()


def test_artifacts_are_downloaded_by_a_later_attempt(tmp_path: Path, shown: Callable[[], str]):
    """ARTIFACT_DOWNLOAD_ATTEMPTS counts the phase, whatever has failed in it."""
    write(tmp_path / "one", "out/a.txt", "made")
    store = BrokenStore(tmp_path / "objects")
    upload_artifacts(make_context(tmp_path / "one", store=store), [UPLOAD])
    store.failures, store.error = 2, StorageError
    downloads = (ArtifactDownload(job="build", object_key=UPLOAD.object_key),)
    context = make_context(tmp_path / "two", store=store, downloads=downloads, download_attempts=3)

    download_artifacts(context)

    assert (context.project_dir / "out" / "a.txt").read_text() == "made"
    assert "attempt 3 of 3 in 10 s" in shown()


def test_the_log_says_what_is_wrong_with_settings(tmp_path: Path, shown: Callable[[], str]):
    """A variable that counts as its default is named before anything runs."""
    prepare_script(make_context(tmp_path, warnings=("GIT_STRATEGY: expected either ...",)))

    assert "WARNING: GIT_STRATEGY: expected either ..." in shown()
