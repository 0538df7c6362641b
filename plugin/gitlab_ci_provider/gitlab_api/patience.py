"""When a request to GitLab is repeated, and after which pause.

Only what can be repeated is: a request that was not sent, one that GitLab refused because there
were too many, and reading or replacing. What may have created something is not sent twice.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from gitlab_ci_provider.gitlab_api.server import LIMIT_PATIENCE
from gitlab_ci_provider.model.log import Log

if TYPE_CHECKING:
    from requests import RequestException

_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_PASSING = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 30.0

AWAY = "GitLab at %s does not answer (%s); asking again for %.0f s"
LIMITED = "GitLab at %s limits the number of requests; the next one follows in %.0f s"
BACK = "GitLab at %s answers again after %.0f s"


@dataclass(slots=True)
class Patience:
    """How long to wait for a server; shared by all requests of a client.

    Attributes:
        seconds: from the first request that was not answered.
        server: as messages call it.
        longest: seconds for which rate limits are obeyed.
    """

    seconds: float
    server: str
    log: Log
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    longest: float = LIMIT_PATIENCE
    _since: float | None = field(default=None)
    _pause: float = field(default=_FIRST_SECONDS)
    _obeyed: float = field(default=0.0)

    def bear(self, why: str) -> bool:
        """Wait before a request that was not answered is repeated; False when the time is up."""
        now = self.clock()
        if self._since is None:
            if not self.seconds:
                return False
            self._since = now
            self.log.warning(AWAY, self.server, why, self.seconds)
        # What GitLab asked to wait is not its silence.
        left = self._since + self.seconds + self._obeyed - now
        if left <= 0:
            return False
        # Spread, so that many tasks do not come back at the same time.
        self.sleep(min(self._pause * random.uniform(0.5, 1), left))  # noqa: S311
        self._pause = min(self._pause * 2, _LONGEST_SECONDS)
        return True

    def obey(self, asked: float | None) -> bool:
        """Wait as long as a rate limit asks for; False when that is too long."""
        pause = self._pause if asked is None else max(asked, 0.0)
        if not self.seconds or self._obeyed + pause > self.longest:
            return False
        self._since = self.clock() if self._since is None else self._since
        self._obeyed += pause
        self.log.info(LIMITED, self.server, pause)
        self.sleep(pause + random.uniform(0, 0.5))  # noqa: S311
        self._pause = min(self._pause * 2, _LONGEST_SECONDS)
        return True

    def end(self) -> None:
        """Note that GitLab has answered."""
        if self._since is not None:
            self.log.info(BACK, self.server, self.clock() - self._since)
        self._since, self._pause, self._obeyed = None, _FIRST_SECONDS, 0.0


def may_repeat_answer(method: str, status: int, reason: str) -> bool:
    """Return whether a request with this answer may be sent again."""
    if status == 409:
        return "Resource lock" in reason
    return status in _PASSING and method.upper() in _REPEATABLE


def may_repeat_failure(method: str, problem: RequestException) -> bool:
    """Return whether a request that failed may be sent again."""
    from requests import exceptions as failures

    if isinstance(problem, failures.SSLError):
        return "EOF" in str(problem) and method.upper() in _REPEATABLE
    if isinstance(problem, failures.ConnectTimeout) or never_connected(problem):
        return True
    lost = (failures.ConnectionError, failures.ChunkedEncodingError, failures.Timeout)
    return isinstance(problem, lost) and method.upper() in _REPEATABLE


def never_connected(problem: BaseException) -> bool:
    """Return whether a connection was never there, so that nothing was sent."""
    from urllib3.exceptions import NewConnectionError

    inside = [problem, *getattr(problem, "args", ())]
    reasons = [getattr(one, "reason", None) for one in inside]
    return any(isinstance(one, NewConnectionError) for one in (*inside, *reasons))


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait; None when it does not say."""
    from urllib3 import Retry
    from urllib3.exceptions import InvalidHeader

    try:
        if "Retry-After" in headers:
            return float(Retry().parse_retry_after(headers["Retry-After"]))
        reset, date = headers.get("RateLimit-Reset"), headers.get("Date")
        if reset and date:  # by the server's own clock
            return float(reset) - parsedate_to_datetime(date).timestamp()
    except (InvalidHeader, ValueError, TypeError, OverflowError):
        pass
    return None
