"""Numbers that are assigned once: 1, 2, 3 ..., as keys that only one process can create."""

from __future__ import annotations

from collections.abc import Callable

from gitlab_ci_provider.records.store import RecordStore

_IN_A_FOLDER = 1000

_LARGEST = 10**12


def claim(store: RecordStore, prefix: str, content: Callable[[int], bytes]) -> int:
    """Take the next number and store its value.

    The last number is stored as a hint only: if it is behind, existing numbers are skipped.

    Args:
        store: of the numbers.
        prefix: of their keys, with a slash at its end.
        content: the value of a number, not empty.
    """
    number = _hint(store, prefix) + 1
    while not store.create(numbered_key(prefix, number), content(number)):
        number += 1
    store.write(f"{prefix}last", str(number).encode())
    return number


def numbered_key(prefix: str, number: int) -> str:
    """Name the key of a number; in a folder, a thousand of them are in one."""
    return f"{prefix}{number // _IN_A_FOLDER}/{number}"


def newest_first(number: int) -> str:
    """Name a number so that the keys of larger ones are listed first."""
    return str(_LARGEST - number).zfill(12)


def from_newest_first(name: str) -> int:
    """Read a number from its name."""
    return _LARGEST - int(name)


def _hint(store: RecordStore, prefix: str) -> int:
    """Read the last assigned number, or an earlier one."""
    text = store.read(f"{prefix}last") or b""
    if text.isdigit():
        return int(text)
    names = (key.rpartition("/")[2] for key in store.keys(prefix))
    return max((int(name) for name in names if name.isdecimal()), default=0)
