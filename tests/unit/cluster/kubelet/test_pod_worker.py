"""The worker of a pod of the embedded cluster, without a runtime."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gitlab_ci_cluster.kubelet.pod_worker import PodWorker


class Endless(PodWorker):
    """A pod that runs until it is stopped."""

    def __init__(self, told: list[str], folder: Path) -> None:
        self.told = told
        runtime = SimpleNamespace(remove_pod=self._removed)
        context: Any = SimpleNamespace(
            disk=folder,
            memory=folder,
            runtime=runtime,
            store=SimpleNamespace(find=lambda *_: None),
        )
        metadata = {"uid": "u", "name": "p", "namespace": "n"}
        super().__init__(context, {"metadata": metadata, "spec": {"containers": []}})

    async def _live(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.told.append("ended")

    async def _removed(self, _: object) -> None:
        self.told.append("removed")


def test_nothing_of_a_pod_goes_on_when_the_cluster_ends(tmp_path: Path):
    """It would find the runtime closed, and say so in a traceback."""

    async def end() -> tuple[list[str], int]:
        told = list[str]()
        task = asyncio.create_task(Endless(told, tmp_path).run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return told, len(asyncio.all_tasks())

    assert asyncio.run(end()) == (["ended", "removed"], 1)
