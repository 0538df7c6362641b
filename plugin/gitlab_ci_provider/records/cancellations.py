"""Orders to cancel jobs, at rest in the shared home folder, where every worker sees them.

One small file an order, in a folder a run: `<hash of DAG and run>/<name>.json`. A run without
orders has no folder, so looking costs next to nothing.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.serialization import decode, encode
from gitlab_ci_provider.records.files import write_whole


@dataclass(frozen=True, slots=True)
class Cancellations:
    """The orders of an installation, in one folder."""

    folder: Path

    def give(self, dag_id: str, run_id: str, order: Cancellation) -> None:
        """Give an order to the jobs of a run."""
        write_whole(self._run(dag_id, run_id) / f"{order.name}.json", encode(order))

    def of_run(self, dag_id: str, run_id: str) -> list[Cancellation]:
        """List the orders to a run, in the order of their names."""
        paths = sorted(self._run(dag_id, run_id).glob("*.json"))
        return [decode(path.read_bytes(), Cancellation) for path in paths]

    def forget(self, dag_id: str, run_id: str) -> None:
        """Take back all orders to a run: its pipeline is created anew."""
        shutil.rmtree(self._run(dag_id, run_id), ignore_errors=True)

    def _run(self, dag_id: str, run_id: str) -> Path:
        return self.folder / hashlib.sha256(f"{dag_id}\0{run_id}".encode()).hexdigest()
