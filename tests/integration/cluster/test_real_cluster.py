"""The real Kubernetes of the tests: it goes without a trace, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from clusters.layout import EXTENSION
from clusters.real import real_cluster, why_not
from clusters.supervisor import CGROUPS
from processes.waiting import wait_until

UP = Path(__file__).parents[2] / "kubernetes" / "up"

pytestmark = [
    pytest.mark.real("it starts another one"),
    pytest.mark.skipif(why_not() != "", reason=why_not()),
]


@pytest.fixture
def started() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A cluster that was started by hand, and its folder."""
    with subprocess.Popen([UP], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip()).parent
        yield process, folder
        process.kill()


def traces(folder: Path, link: str) -> list[Path]:
    """List what a cluster has left on this machine."""
    found = [folder, Path("/sys/class/net") / link, *CGROUPS.glob(f"*/{folder.name}")]
    return [path for path in found if path.exists()]


def link_of(folder: Path) -> str:
    cluster = yaml.safe_load((folder / "kubeconfig").read_text())["clusters"][0]["cluster"]
    (said,) = (one for one in cluster["extensions"] if one["name"] == EXTENSION)
    return f"gitlabci{said['extension']['machine'].split('.')[2]}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_when_its_starter_ends(
    started: tuple[subprocess.Popen[str], Path], number: signal.Signals
):
    """Neither processes nor folders, interfaces and cgroups, also when it was killed."""
    process, folder = started
    link = link_of(folder)
    assert len(traces(folder, link)) > 2

    process.send_signal(number)

    wait_until(lambda: traces(folder, link) == [], f"the end of {folder}")


def test_nothing_stays_of_a_cluster_that_was_killed_itself():
    """The kernel takes processes, mounts and interfaces, its starter the rest, and says so."""
    with ExitStack() as started:
        cluster = started.enter_context(real_cluster())
        folder = cluster.layout.folder
        link = link_of(folder)
        os.kill(cluster.process.pid, signal.SIGKILL)
        wait_until(lambda: not (Path("/sys/class/net") / link).exists(), "the end of its network")
        with pytest.raises(AssertionError, match="ended before its tests"):
            started.close()

    assert traces(folder, link) == []
