"""Which runtime is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.runtimes.known import VARIABLE, wanted_runtime


def test_the_environment_says_what_auto_is(monkeypatch: pytest.MonkeyPatch):
    """A name that was given wins."""
    monkeypatch.setenv(VARIABLE, "podman")

    assert wanted_runtime("auto") == "podman"
    assert wanted_runtime("user") == "user"
    monkeypatch.delenv(VARIABLE)
    assert wanted_runtime("auto") == "auto"


def test_an_unknown_name_is_refused(monkeypatch: pytest.MonkeyPatch):
    """With the names that there are."""
    monkeypatch.setenv(VARIABLE, "lxc")

    with pytest.raises(ClusterError, match=r"'lxc', not one of auto, docker, podman"):
        wanted_runtime("auto")


def test_names_import_no_runtime():
    """Each command of the command line reads them."""
    script = "import sys, gitlab_ci_cluster.runtimes.known; print('aiohttp' in sys.modules)"
    command = [sys.executable, "-c", script]

    assert subprocess.run(command, capture_output=True, check=True).stdout == b"False\n"
