"""What helps when an engine cannot run a container."""

from __future__ import annotations

import pytest

from gitlab_ci_cluster.runtimes.engine.cures import cures


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted", "default_ulimits"),
        ("runc: error setting rlimits for ready process: error setting rlimit type 7", "-Hn"),
        ("crun: cgroups in hybrid mode not supported, drop all controllers", 'runtime = "runc"'),
        ("netavark: No such file or directory (os error 2)", "iptables"),
        ("cannot find newuidmap: exec: newuidmap: not found in $PATH", "uidmap"),
        ("nobody listens on /var/run/docker.sock: Permission denied", "group"),
    ],
)
def test_each_usual_reason_has_a_cure(said: str, cure: str):
    """In words that can be typed, after what the engine has said."""
    shown = cures(said)

    assert shown.startswith(said)
    assert cure in shown


def test_an_unknown_reason_leads_to_the_page():
    """Which lists all that is known."""
    assert "docs/how-to/images.md" in cures("something new")
