"""Cache keys made from files: the content hash that GitLab puts behind `cache:key:files`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from gitlab_ci_provider.operators.pinned import Pinned


def file_keys(pinned: Pinned) -> Mapping[str, str]:
    """Hash the files of every `cache:key:files` at the commit.

    Returns:
        By the file names joined with newlines, the SHA-1 over their sorted git blob ids; the text
        `default` when the commit has none of them.
        Source: GitLab, `lib/gitlab/ci/pipeline/seed/build/cache.rb`.
    """
    wanted = {
        cache.key.files
        for job in pinned.pipeline.jobs.values()
        for cache in job.caches
        if cache.key.files
    }
    return {"\n".join(files): _hash(pinned, files) for files in sorted(wanted)}


def _hash(pinned: Pinned, files: tuple[str, ...]) -> str:
    blobs = sorted(
        {_blob_id(data) for path in files if (data := pinned.files.read(path)) is not None}
    )
    return hashlib.sha1("-".join(blobs).encode()).hexdigest() if blobs else "default"  # noqa: S324 - GitLab's


def _blob_id(data: bytes) -> str:
    header = f"blob {len(data)}\0".encode()
    return hashlib.sha1(header + data).hexdigest()  # noqa: S324 - git's own object name
