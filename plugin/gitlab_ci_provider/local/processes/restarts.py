"""How often a part of the stack may be started again before the stack gives up."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

_MOST = 5
_WITHIN_SECONDS = 120


@dataclass(slots=True)
class Restarts:
    """Remembers when which part was started again."""

    clock: Callable[[], float] = time.monotonic
    _times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def allow(self, name: str) -> bool:
        """Count a restart; false when there were too many in a short time."""
        now = self.clock()
        recent = [one for one in self._times[name] if now - one < _WITHIN_SECONDS]
        self._times[name] = [*recent, now]
        return len(recent) < _MOST
