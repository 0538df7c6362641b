"""What is asked of Kubernetes' API for logs, and what its answers are worth; pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_REFUSALS = {400, 404, 408, 410, 429}
"""Of the API: it may answer differently later, as after any error of its own."""

_STAMPED = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* ")
"""The API's own texts have no time."""

_TAIL = 100


def log_query(
    container: str, *, since: int | None = None, follow: bool = False, stamped: bool = False
) -> list[tuple[str, str]]:
    """Write the query of a request for a log.

    Args:
        container: of which.
        since: seconds since 1970; the node compares them with its own times.
        follow: go on until the container ends.
        stamped: only the end of it, each line with its time.
    """
    query = [("container", container)]
    if follow:
        query.append(("follow", "true"))
    if since is not None:
        moment = datetime.fromtimestamp(since, UTC)
        query.append(("sinceTime", moment.strftime("%Y-%m-%dT%H:%M:%SZ")))
    if stamped:
        query += [("timestamps", "true"), ("tailLines", str(_TAIL))]
    return query


def may_change(status: int | None) -> bool:
    """Return whether the API may answer a request for a log differently later."""
    return status in _REFUSALS or not status or status >= 500


def stamped_lines(data: bytes) -> bytes:
    """Return the lines of a log that was asked for with times, without them."""
    lines = data.splitlines(keepends=True)
    return b"".join(line.partition(b" ")[2] for line in lines if _STAMPED.match(line))
