"""How the pipeline page's application answers, also when it cannot."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException, Response

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.storage.base import MissingObjectError, StorageUnavailableError
from gitlab_ci_provider.storage.entry import ArchiveError

NOT_SNIFFED = {"X-Content-Type-Options": "nosniff"}

_log = logging.getLogger(__name__)


def answer(value: object) -> Response:
    """Send a value as JSON."""
    headers = {"Cache-Control": "private, no-cache", **NOT_SNIFFED}
    return Response(encode(value), media_type="application/json", headers=headers)


@contextmanager
def told() -> Iterator[None]:
    """Answer with a sentence what goes wrong; the log has the rest, such as names of buckets.

    Raises:
        HTTPException: something did.
    """
    try:
        yield
    except MissingObjectError as problem:
        raise HTTPException(404, "This is no longer in the object store.") from problem
    except StorageUnavailableError as problem:
        _log.warning("the pipeline page: %s", problem)
        raise HTTPException(503, "The object store does not answer. Try again later.") from problem
    except ArchiveError as problem:
        _log.warning("the pipeline page: %s", problem)
        words = str(problem).partition(": ")[2] or str(problem)
        raise HTTPException(422, f"The archive cannot be read: {words}") from problem
    except GitlabCiError as problem:
        _log.warning("the pipeline page: %s", problem)
        raise HTTPException(503, f"The API server cannot read this: {problem}") from problem
