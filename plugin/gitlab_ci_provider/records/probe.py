"""Whether an object store can have state: it is tried, because many ignore conditions in silence.

Such a store answers as if it had honoured them, and two pipelines would get one number. Known to
pass are AWS S3, MinIO, Ceph and SeaweedFS; `rclone serve s3` ignores both conditions, OpenStack
Swift does not know `If-Match` for PUT and lets several processes create one object.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

from gitlab_ci_provider.exceptions import StateError, StorageError
from gitlab_ci_provider.records.store import RecordStore
from gitlab_ci_provider.storage.base import StorageUnavailableError
from gitlab_ci_provider.storage.conditional import NEW, ConditionalObjects, RefusedKeysError

_FOLDER = "probe/"
_AT_ONCE, _ROUNDS = 8, 3


def check_once(objects: ConditionalObjects, remembered: RecordStore) -> None:
    """Probe a store unless this machine, or any other, has found it good before.

    Args:
        objects: of the store.
        remembered: on this machine.

    Raises:
        StateError: the store cannot have state; the message says why, and what to do.
        StorageError: it could not be asked.
    """
    mark = f"{_FOLDER}honours-conditions"
    place = objects.location("").encode()
    with suppress(StateError):  # a machine without a folder of its own asks each time
        if remembered.read(mark) == place:
            return
    found = objects.get(mark)
    if found is None:
        check(objects)
        objects.put(mark, b"yes", None, "")
    with suppress(StateError):
        remembered.write(mark, place)


def check(objects: ConditionalObjects) -> None:
    """Probe a store; raises as `check_once`."""
    with closing(_problems(objects)) as problems:
        problem = next(problems, None)
    if problem is not None:
        place = objects.location("")
        message = (
            f"{place} cannot have the state: {problem}. Use a store that honours conditional "
            "requests, such as AWS S3, MinIO, Ceph or SeaweedFS, or a folder that all share"
        )
        raise StateError(message)


def _problems(objects: ConditionalObjects) -> Generator[str, None, None]:
    """Try both conditions on an object of our own; the first problem is enough to know."""
    key = f"{_FOLDER}{secrets.token_hex(8)}"
    try:
        if not objects.put(key, b"1", NEW, ""):
            yield "it refuses to create an object that does not exist with `If-None-Match: *`"
        if objects.put(key, b"2", NEW, ""):
            yield "it ignores `If-None-Match: *`: a second process could create the same object"
        yield from _swaps(objects, key)
        yield from _race(objects, key)
        if key not in [found.key for found in objects.page(key, "", 2)]:
            yield "it does not list an object that was just stored"
    except (StorageUnavailableError, RefusedKeysError):
        raise
    except StorageError as problem:
        yield f"it does not know conditional requests ({problem})"
    finally:
        _clean(objects, key)


def _swaps(objects: ConditionalObjects, key: str) -> Iterator[str]:
    first = objects.get(key)
    if first is None or not first.version:
        yield "it does not show an object that was just stored, or gives it no ETag"
        return
    if not objects.put(key, b"3", first.version, ""):
        yield "it refuses `If-Match` with the object's own ETag"
    if objects.put(key, b"4", first.version, ""):
        yield "it ignores `If-Match`: changes of other processes would be lost"


def _race(objects: ConditionalObjects, key: str) -> Iterator[str]:
    """Create one object by many at once: a check before the request is not enough."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for number in range(_ROUNDS):
            name = f"{key}-{number}"
            won = pool.map(lambda _, name=name: objects.put(name, b"1", NEW, ""), range(_AT_ONCE))
            if sum(won) != 1:
                yield "several processes can create one object with `If-None-Match: *`"
                return


def _clean(objects: ConditionalObjects, key: str) -> None:
    for name in (key, *(f"{key}-{number}" for number in range(_ROUNDS))):
        objects.delete(name)
