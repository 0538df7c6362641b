"""Probes whose command an engine could not run say nothing of the container."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gitlab_ci_cluster.kubelet.probes import run_handler
from gitlab_ci_cluster.runtimes.interface import Sink, StartError

UNKNOWN = -1
"""The exit code of a command whose end Podman has not seen."""


class Engine:
    """Runs commands with these ends, one after the other: an exit code, or a refusal."""

    def __init__(self, *ends: int | str) -> None:
        self.ends = list(ends)

    async def exec(self, _container: object, _config: object, sink: Sink) -> Any:
        end = self.ends.pop(0)
        if isinstance(end, str):
            raise StartError(end)
        sink("stdout", b"said")

        async def wait() -> int:
            return end

        return SimpleNamespace(wait=wait)


def probe(engine: Engine, tries: int = 3) -> str | None:
    """Run the command of a probe; gives the problem."""
    worker: Any = SimpleNamespace(container=object(), context=SimpleNamespace(runtime=engine))
    return asyncio.run(run_handler(worker, {"exec": {"command": ["true"]}}, 60, tries=tries))


@pytest.mark.parametrize("busy", [(UNKNOWN,), ("busy",), ("busy", UNKNOWN)])
def test_a_command_that_nobody_saw_end_is_run_again(busy: tuple[int | str, ...]):
    """A real kubelet tries three times."""
    assert probe(Engine(*busy, 0)) is None


def test_a_command_that_fails_is_not_run_again():
    """Its end is known, and its output tells why."""
    engine = Engine(1, 0)

    assert probe(engine) == "said"
    assert engine.ends == [0]


@pytest.mark.parametrize(
    ("ends", "problem"),
    [
        (("busy", "busy", "gone"), "gone"),
        ((UNKNOWN,) * 3, "the exit code of its command is unknown"),
    ],
)
def test_what_never_works_is_told(ends: tuple[int | str, ...], problem: str):
    """In the engine's words, if it has any."""
    assert probe(Engine(*ends)) == problem


def test_hooks_run_once():
    """They may have done something."""
    engine = Engine(UNKNOWN, 0)

    assert probe(engine, tries=1) == "the exit code of its command is unknown"
    assert engine.ends == [0]
