"""Orders to cancel jobs, stored where all workers see them.

Keys::

    cancellations/<run>/<name>    a Cancellation

A run without orders has no keys, so looking costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.records.store import RecordStore, read_document, run_name


@dataclass(frozen=True, slots=True)
class Cancellations:
    """The orders of an installation."""

    store: RecordStore

    def give(self, dag_id: str, run_id: str, order: Cancellation) -> None:
        """Give an order to the jobs of a run."""
        self.store.write(_prefix(dag_id, run_id) + order.name, encode(order))

    def of_run(self, dag_id: str, run_id: str) -> list[Cancellation]:
        """List the orders to a run, in the order of their names."""
        keys = self.store.keys(_prefix(dag_id, run_id))
        found = (read_document(self.store, key, Cancellation) for key in keys)
        return list(filter(None, found))

    def forget(self, dag_id: str, run_id: str) -> None:
        """Withdraw all orders to a run: its pipeline is created again."""
        for key in list(self.store.keys(_prefix(dag_id, run_id))):
            self.store.delete(key)


def _prefix(dag_id: str, run_id: str) -> str:
    return f"cancellations/{run_name(dag_id, run_id)}/"
