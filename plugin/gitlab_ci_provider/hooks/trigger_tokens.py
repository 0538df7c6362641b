"""Pipeline trigger tokens, as hashes in one Airflow Variable.

`gitlab_ci_trigger_tokens` holds JSON, by project path: a name for each token, and its SHA-256::

    {"group/project": {"deploy bot": "9f86d081884c7d65..."}}

A token is shown nowhere, and what the Variable holds cannot be used as one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from gitlab_ci_provider.exceptions import SettingsError

VARIABLE = "gitlab_ci_trigger_tokens"
_KEPT_SECONDS = 30.0
_HASH = re.compile(r"[0-9a-f]{64}")

Tokens = Mapping[str, Mapping[str, str]]


def read_tokens() -> Tokens:
    """Read the Variable.

    Raises:
        SettingsError: it is wrong.
    """
    from airflow.sdk import Variable

    return parse_tokens(str(Variable.get(VARIABLE, default="{}")))


def parse_tokens(text: str) -> Tokens:
    """Read the text of the Variable.

    Raises:
        SettingsError: it is wrong; the message quotes none of it: it may be a token.
    """
    try:
        found: Tokens = msgspec.json.decode(text, type=dict[str, dict[str, str]])
    except msgspec.MsgspecError as problem:
        words = f"the Airflow Variable {VARIABLE} is not JSON of names and hashes by project"
        raise SettingsError(words) from problem
    for project, tokens in found.items():
        if not all(map(_HASH.fullmatch, tokens.values())):
            words = f"the Airflow Variable {VARIABLE}: a value of {project} is not a SHA-256"
            raise SettingsError(words)
    return found


@dataclass(slots=True)
class KeptTokens:
    """Tokens that are read again after half a minute: a flood of requests must not ask for them."""

    read: Callable[[], Tokens] = read_tokens
    clock: Callable[[], float] = time.monotonic
    _since: float = float("-inf")
    _kept: Tokens = field(default_factory=dict)

    def projects_of(self, token: str) -> list[str]:
        """List the paths of the projects whose token this is."""
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        known = [(path, one) for path, tokens in self._all().items() for one in tokens.values()]
        return [path for path, one in known if hmac.compare_digest(given, one)]

    def any(self) -> bool:
        """Return whether there are tokens at all."""
        return bool(self._all())

    def _all(self) -> Tokens:
        if self.clock() - self._since > _KEPT_SECONDS:
            self._kept, self._since = self.read(), self.clock()
        return self._kept
