"""Orders to cancel jobs, stored where all workers see them.

Keys::

    cancellations/<run>/<name>    a Cancellation

A run without orders has no keys, so looking costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.records.store import RecordStore, read_document, run_name

_ORDERS = "cancellations/"


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

    def prune(self, is_needed: Callable[[str], bool]) -> None:
        """Remove the orders to runs that nobody needs any more; they are named as in the keys."""
        keys = sorted(self.store.keys(_ORDERS))
        for run, theirs in groupby(keys, lambda key: key.split("/")[1]):
            if not is_needed(run):
                for key in theirs:
                    self.store.delete(key)


def _prefix(dag_id: str, run_id: str) -> str:
    return f"{_ORDERS}{run_name(dag_id, run_id)}/"
