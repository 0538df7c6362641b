"""Files out of a job's artifacts, for generated child pipelines."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.runs.bridge.artifact_files import MAX_BYTES, read_member


@pytest.fixture
def archive() -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("ci/made.yml", "a: {script: echo}")
        made.writestr("empty.yml", "")
        made.writestr("huge.yml", b"#" * (MAX_BYTES + 1))
        made.mkdir("folder")
    return written.getvalue()


@pytest.mark.parametrize("path", ["ci/made.yml", "./ci/made.yml"])
def test_a_file_is_found_by_its_path(archive: bytes, path: str):
    """The path is that in the archive."""
    assert read_member(archive, "make", path) == b"a: {script: echo}"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nope.yml", "does not exist inside the `make` artifacts archive"),
        ("../ci/made.yml", "does not exist inside"),
        ("folder/", "was expected to be a file but it was a directory"),
        ("empty.yml", "is empty"),
        ("huge.yml", "is too large"),
    ],
)
def test_what_is_no_usable_file_is_refused_in_gitlabs_words(archive: bytes, path: str, words: str):
    """The pipeline cannot be created, and a person reads why."""
    with pytest.raises(SystemFailure, match=words) as refused:
        read_member(archive, "make", path)

    assert refused.value.reason == "downstream_pipeline_creation_failed"


def test_a_damaged_archive_is_refused():
    """Bytes that are not an archive do not crash it."""
    with pytest.raises(SystemFailure, match="cannot be read"):
        read_member(b"PK\x03\x04 and so on", "make", "made.yml")
