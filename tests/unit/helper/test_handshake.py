"""The FIFO between build and helper."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitlab_ci_provider.helper.handshake import make_fifo, wait_for_build


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"job 0\n", 0),
        (b"job 137\n", 137),
        (b"", None),
        (b"job 0", None),
        (b"job \n", None),
        (b"job -1\n", None),
        (b"noise\njob 3\nnoise\n", 3),
        (b"job 0\njob 1\n", 1),
        (b"\0\xff" * 100_000 + b"\njob 4\n", 4),
    ],
)
def test_hears_the_last_word(tmp_path: Path, said: bytes, code: int | None):
    """A whole `job` line counts, whatever else a job writes; without one the build was killed."""
    fifo = tmp_path / "events"
    make_fifo(fifo)

    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(wait_for_build, fifo)
        with fifo.open("wb") as build:
            build.write(said)

    assert heard.result(timeout=60) == code


def test_any_user_may_write(tmp_path: Path):
    """The image's user is not known beforehand."""
    make_fifo(tmp_path / "events")

    assert stat.S_IMODE((tmp_path / "events").stat().st_mode) == 0o666


def test_is_made_anew_when_the_pod_starts_again(tmp_path: Path):
    """Kubernetes may run init containers once more."""
    make_fifo(tmp_path / "events")
    make_fifo(tmp_path / "events")

    assert (tmp_path / "events").is_fifo()
