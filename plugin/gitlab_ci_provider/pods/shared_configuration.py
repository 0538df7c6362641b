"""Makes many Kubernetes models at little cost.

Each model of the Kubernetes client copies the client's default configuration when it is made, and
again when the model itself is copied, which empties the caches of all loggers each time. A pod has
a hundred models, so this was half of the processor time of a job's task.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes.client import Configuration


class _Shared(Configuration):  # type: ignore[misc]  # the client has no types
    """A configuration that is passed on instead of copied."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> _Shared:
        """Return the same one: models only read whether to validate."""
        return self


@contextmanager
def shared_configuration() -> Iterator[None]:
    """Have the models that are made in this block share one copy of the configuration."""
    before = Configuration.get_default_copy()
    shared = Configuration.get_default_copy()
    shared.__class__ = _Shared
    Configuration.set_default(shared)
    try:
        yield
    finally:
        # If someone has set another one in the meantime, it is meant to stay.
        if Configuration.get_default_copy() is shared:
            Configuration.set_default(before)
