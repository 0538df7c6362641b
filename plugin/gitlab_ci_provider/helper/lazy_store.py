"""Opens the object store in the background.

Importing an HTTP client takes longer than some scripts. So it is imported in the background: by
`prepare` while git fetches, by `finish` while the script runs; and not at all when nothing is
transferred.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from gitlab_ci_provider.exceptions import GitlabCiError

if TYPE_CHECKING:
    from gitlab_ci_provider.storage.object_store import ObjectStore


class LazyStore:
    """Opens a store once, when it is first asked for or warmed up.

    Args:
        opener: opens it; may raise StorageError.
    """

    def __init__(self, opener: Callable[[], ObjectStore]):
        self._opener = opener
        self._lock = threading.Lock()
        self._store: ObjectStore | None = None

    def __call__(self) -> ObjectStore:
        """Return the store.

        Raises:
            StorageError: it cannot be opened.
        """
        with self._lock:
            if self._store is None:
                self._store = self._opener()
            return self._store

    def warm_up(self) -> None:
        """Start opening it in the background; a failure shows when the store is used."""
        threading.Thread(target=self._open_quietly, daemon=True).start()

    def _open_quietly(self) -> None:
        with suppress(GitlabCiError, OSError):
            self()
