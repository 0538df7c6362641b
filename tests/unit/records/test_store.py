"""What every store of records promises. A new implementation has to pass this file unchanged."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.serialization import decode, encode
from gitlab_ci_provider.records.store import (
    RecordStore,
    key_name,
    read_document,
    run_name,
    update_document,
)
from stores import STORES

REF = Ref(name="main", sha="1" * 40)


def test_what_was_written_last_is_read(records: RecordStore):
    """A value is there at once, and the next one replaces it."""
    assert records.read("a/b") is None
    records.write("a/b", b"1")
    records.write("a/b", b"2")

    assert records.read("a/b") == b"2"
    assert records.read("a/c") is None


def test_a_value_is_created_once(records: RecordStore):
    """The second one neither replaces the first nor fails."""
    assert records.create("a/b", b"1")
    assert not records.create("a/b", b"2")

    assert records.read("a/b") == b"1"
    assert records.read_blob("a/b") == b"1"


def test_an_update_creates_changes_and_deletes(records: RecordStore):
    """It is given what is stored, and returns what is stored from now on."""
    assert records.update("a/b", lambda data: b"1" if data is None else b"x") == b"1"
    assert records.update("a/b", lambda data: (data or b"") + b"2") == b"12"
    assert records.read("a/b") == b"12"

    assert records.update("a/b", lambda _: None) is None
    assert records.read("a/b") is None
    assert records.update("a/b", lambda data: data) is None
    assert list(records.keys("")) == []


def test_an_update_that_raises_changes_nothing(records: RecordStore):
    """That is how a change refuses; the next one is not kept waiting."""
    records.create("a", b"1")

    def refuse(_: bytes | None) -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        records.update("a", refuse)
    assert records.read("a") == b"1"
    assert records.update("a", lambda _: b"2") == b"2"


def test_what_is_deleted_is_gone(records: RecordStore):
    """Deleting what is not there is no error, and a deleted key can be created."""
    records.delete("a/b")
    records.create("a/b", b"1")
    records.delete("a/b")

    assert records.read("a/b") is None
    assert list(records.keys("a/")) == []
    assert records.create("a/b", b"2")


def test_an_object_that_others_change_keeps_every_change(records: RecordStore):
    """Of updates by several threads none is lost, whichever is faster."""

    def count() -> None:
        for _ in range(50):
            records.update("count", lambda data: str(int(data or b"0") + 1).encode())

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert records.read("count") == b"400"


def test_a_listing_can_be_left_and_deleted_from(records: RecordStore):
    """The first keys cost no more than they need, and may be deleted while the rest is listed."""
    for name in "abc":
        records.create(f"x/{name}", b"1")

    assert next(records.keys("x/")) == "x/a"
    for key in records.keys("x/"):
        records.delete(key)

    assert list(records.keys("x/")) == []


_NAMES = st.text("abAB01_-.", min_size=1, max_size=4).filter(lambda name: name[0] != ".")
_KEYS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)


def _without_folders(keys: set[str]) -> set[str]:
    return {key for key in keys if not any(other.startswith(f"{key}/") for other in keys)}


@pytest.mark.parametrize("kind", STORES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(keys=st.sets(_KEYS, max_size=12).map(_without_folders), prefix=_KEYS | st.just(""))
def test_keys_are_listed_by_prefix_in_order(
    kind: str, keys: set[str], prefix: str, tmp_path_factory: pytest.TempPathFactory
):
    """The prefix may end within a name, the order is that of the keys' bytes."""
    records = STORES[kind](tmp_path_factory.mktemp("state"))
    for key in keys:
        records.create(key, b"1")

    for start in (prefix, f"{prefix}/", *keys):
        assert list(records.keys(start)) == sorted(key for key in keys if key.startswith(start))


def test_a_document_of_another_version_says_where_it_is_and_what_to_do(records: RecordStore):
    """Nobody guesses what it meant, and no update replaces it."""
    records.write("a/b", b'{"name": 7}')

    with pytest.raises(StateError, match=r"a/b cannot be read .* another version .*: sync again"):
        read_document(records, "a/b", Ref, "sync again")
    with pytest.raises(StateError, match="a/b"):
        update_document(records, "a/b", Ref, lambda _: REF)
    assert records.read("a/b") == b'{"name": 7}'


def test_a_document_that_does_not_change_is_not_written(records: RecordStore):
    """Bytes of an older version stay until there is something new to say."""
    older = encode(REF).replace(b'"sha"', b' "sha"')
    records.write("a", older)

    assert update_document(records, "a", Ref, lambda ref: ref) == REF
    assert records.read("a") == older
    assert update_document(records, "a", Ref, lambda _: None) is None
    assert read_document(records, "a", Ref) is None


@given(st.text(max_size=20), st.text(max_size=20))
def test_names_that_differ_have_different_keys(one: str, other: str):
    """Also where a file system does not distinguish case, and names hold any character."""
    assert (key_name(one).lower() == key_name(other).lower()) == (one == other)
    assert (run_name(one, other) == run_name(other, one)) == (one == other)


def test_times_and_sizes_of_values_do_not_matter(records: RecordStore):
    """A value of some megabytes is read as it was written."""
    data = bytes(range(256)) * 20_000
    records.create("big", data)

    assert records.read("big") == data
    assert decode(encode(REF), Ref) == REF
