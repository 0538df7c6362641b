"""Options of the test suite, and the state of the process that it wants."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest

from clusters.real import real_cluster, why_not
from clusters.target import Target, read_target, why_skipped
from gitlab_ci_cluster.runtimes.known import VARIABLE
from servers.address import ADDRESS

OPEN = pytest.StashKey[ExitStack]()
TARGET = pytest.StashKey[Target]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written again, and tests of the embedded cluster run on another one."""
    parser.addoption("--update-golden", action="store_true", help="rewrite expected files")
    parser.addoption("--kubeconfig", help="run the tests of a cluster on this one")
    parser.addoption(
        "--engine",
        choices=["podman"],
        help="let the embedded cluster run images, by this container engine",
    )
    parser.addoption(
        "--kubernetes",
        action="store_true",
        help="start a real Kubernetes for them (see tests/kubernetes)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the cluster that is asked for, once for all processes of pytest-xdist."""
    _be_patient()
    # A machine with Docker or Podman must not decide which of the two kinds the tests are about.
    os.environ.setdefault(VARIABLE, "process")
    options = config.option
    if options.kubernetes and not options.kubeconfig:
        if reason := why_not():
            pytest.exit(f"no real Kubernetes here: {reason}", returncode=0)
        opened = config.stash[OPEN] = ExitStack()
        options.kubeconfig = str(opened.enter_context(real_cluster()).kubeconfig)
    if options.kubeconfig:
        target = config.stash[TARGET] = read_target(Path(options.kubeconfig))
        os.environ[ADDRESS] = target.machine


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the cluster that was started."""
    config.stash.get(OPEN, ExitStack()).close()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what the cluster of --kubeconfig cannot do, and say why."""
    reason = why_skipped(item.config.stash.get(TARGET, None), item)
    mark = item.get_closest_marker("processes")
    if mark and item.config.option.engine:
        reason = f"not with an engine: {mark.args[0]}"
    if reason:
        pytest.skip(reason)


def _be_patient() -> None:
    """Let no test fail because a machine is slow, nor because of how the suite was started.

    A shell that starts a program in the background has it, and all that it starts, ignore SIGINT;
    `nohup` does so with SIGHUP.
    """
    hypothesis.settings.register_profile("suite", deadline=None)
    hypothesis.settings.load_profile("suite")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
