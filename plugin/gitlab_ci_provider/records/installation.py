"""Which installation this is: several Airflows may run their jobs in one namespace.

Key::

    installation    a random word, the same for as long as the state is kept

The objects of jobs carry it as a label, so that nobody deletes those of another installation.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.records.store import RecordStore

_KEY = "installation"
_WORD = re.compile(r"[0-9a-z]([0-9a-z-]{0,61}[0-9a-z])?")


@dataclass(frozen=True, slots=True)
class Installation:
    """The name of an installation."""

    store: RecordStore

    def name(self) -> str:
        """Return the name, which is chosen when it is asked for first.

        Raises:
            StateError: what is stored is not a name.
        """
        found = self.store.read(_KEY)
        if found is None:
            self.store.create(_KEY, secrets.token_hex(8).encode())
            found = self.store.read(_KEY)
        name = (found or b"").decode("utf-8", "replace").strip()
        if not _WORD.fullmatch(name):
            place = self.store.location(_KEY)
            raise StateError(f"{place} is not the name of an installation; delete it to start over")
        return name
