"""How far a pull is."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_cluster.runtimes.engine.pulls import Progress, pull_problem

MIB = 1 << 20


def line(layer: str, current: int, total: int) -> dict[str, Any]:
    detail = {"current": current * MIB, "total": total * MIB}
    return {"status": "Downloading", "id": layer, "progressDetail": detail}


def test_the_layers_are_added_up():
    """A finished one counts in full."""
    progress = Progress()
    progress.add({"status": "Pulling fs layer", "id": "a", "progressDetail": {}})
    assert progress.text == ""

    progress.add(line("a", 10, 40))
    progress.add(line("b", 5, 20))
    assert progress.text == "15 of 60 MiB"

    progress.add({"status": "Download complete", "id": "b"})
    assert progress.text == "30 of 60 MiB"


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"errorDetail": {"message": "denied"}}, "denied"),
        ({"error": "denied\n"}, "denied"),
        ({"error": "denied", "errorDetail": {"message": "denied"}}, "denied"),
        ({"status": "Downloading", "id": "a"}, ""),
    ],
)
def test_why_a_pull_fails_is_told_by_either_word(said: dict[str, Any], problem: str):
    """Docker means to drop `error`, and Podman has no other."""
    assert pull_problem(said) == problem
