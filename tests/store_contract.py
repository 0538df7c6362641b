"""What every store of records promises: a new implementation has to pass all of this.

A module of tests inherits the class and gives it two fixtures: `records`, an empty store, and
`fresh`, which makes more of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.serialization import decode, encode
from gitlab_ci_provider.records.store import RecordStore, read_document, update_document

Fresh = Callable[[], RecordStore]

REF = Ref(name="main", sha="1" * 40)

HOSTILE = ["", "/etc/x", "../x", "a/../../x", "a//b", ".hidden", "a/", "ä", "a b", "a?b", "a%2fb"]

_NAMES = st.text("abAB01_-.", min_size=1, max_size=4).filter(lambda name: name[0] != ".")
_KEYS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)


def _without_folders(keys: set[str]) -> set[str]:
    return {key for key in keys if not any(other.startswith(f"{key}/") for other in keys)}


class StoreContract:
    """The promises; `records` is an empty store."""

    def test_what_was_written_last_is_read(self, records: RecordStore) -> None:
        """A value is there at once, and the next one replaces it."""
        assert records.read("a/b") is None
        records.write("a/b", b"1")
        records.write("a/b", b"2")

        assert records.read("a/b") == b"2"
        assert records.read("a/c") is None

    def test_a_value_is_created_once(self, records: RecordStore) -> None:
        """The second one neither replaces the first nor fails."""
        assert records.create("a/b", b"1")
        assert not records.create("a/b", b"2")

        assert records.read("a/b") == b"1"
        assert records.read_blob("a/b") == b"1"

    def test_an_update_creates_changes_and_deletes(self, records: RecordStore) -> None:
        """It is given what is stored, and returns what is stored from now on."""
        assert records.update("a/b", lambda data: b"1" if data is None else b"x") == b"1"
        assert records.update("a/b", lambda data: (data or b"") + b"2") == b"12"
        assert records.read("a/b") == b"12"

        assert records.update("a/b", lambda _: None) is None
        assert records.read("a/b") is None
        assert records.update("a/b", lambda data: data) is None
        assert list(records.keys("")) == []

    def test_an_update_that_raises_changes_nothing(self, records: RecordStore) -> None:
        """That is how a change refuses; the next one is not kept waiting."""
        records.create("a", b"1")

        def refuse(_: bytes | None) -> bytes:
            raise LookupError

        with pytest.raises(LookupError):
            records.update("a", refuse)
        assert records.read("a") == b"1"
        assert records.update("a", lambda _: b"2") == b"2"

    def test_what_is_deleted_is_gone(self, records: RecordStore) -> None:
        """Deleting what is not there is no error, and a deleted key can be created."""
        records.delete("a/b")
        records.create("a/b", b"1")
        records.delete("a/b")

        assert records.read("a/b") is None
        assert list(records.keys("a/")) == []
        assert records.create("a/b", b"2")

    def test_an_object_that_others_change_keeps_every_change(self, records: RecordStore) -> None:
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

    def test_a_listing_can_be_left_and_deleted_from(self, records: RecordStore) -> None:
        """The first keys cost no more than they need, and may be deleted while it is listed."""
        for name in "abc":
            records.create(f"x/{name}", b"1")

        assert next(records.keys("x/")) == "x/a"
        for key in records.keys("x/"):
            records.delete(key)

        assert list(records.keys("x/")) == []

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
        ],
    )
    @given(keys=st.sets(_KEYS, max_size=12).map(_without_folders), prefix=_KEYS | st.just(""))
    def test_keys_are_listed_by_prefix_in_order(
        self, keys: set[str], prefix: str, fresh: Fresh
    ) -> None:
        """The prefix may end within a name; within a folder, the order is that of the names."""
        records = fresh()
        for key in keys:
            records.create(key, b"1")

        for start in (prefix, f"{prefix}/", *keys):
            listed = list(records.keys(start))
            assert sorted(listed) == sorted(key for key in keys if key.startswith(start))
            for folder in {key.rpartition("/")[0] for key in keys}:
                inside = [key for key in listed if key.rpartition("/")[0] == folder]
                assert inside == sorted(inside)

    def test_a_version_changes_with_the_value(self, records: RecordStore) -> None:
        """Who has seen a listing knows what to read again."""
        records.write("x/a", b"1")
        records.write("x/b", b"1")
        before = dict(records.versions("x/"))
        records.update("x/a", lambda _: b"2")
        after = dict(records.versions("x/"))

        assert list(before) == list(after) == ["x/a", "x/b"]
        assert [key for key in after if after[key] != before[key]] == ["x/a"]

    def test_a_document_of_another_version_says_where_it_is_and_what_to_do(
        self, records: RecordStore
    ) -> None:
        """Nobody guesses what it meant, and no update replaces it."""
        records.write("a/b", b'{"name": 7}')

        with pytest.raises(
            StateError, match=r"a/b cannot be read .* another version .*: sync again"
        ):
            read_document(records, "a/b", Ref, "sync again")
        with pytest.raises(StateError, match="a/b"):
            update_document(records, "a/b", Ref, lambda _: REF)
        assert records.read("a/b") == b'{"name": 7}'

    def test_a_document_that_does_not_change_is_not_written(self, records: RecordStore) -> None:
        """Bytes of an older version stay until there is something new to say."""
        older = encode(REF).replace(b'"sha"', b' "sha"')
        records.write("a", older)

        assert update_document(records, "a", Ref, lambda ref: ref) == REF
        assert records.read("a") == older
        assert update_document(records, "a", Ref, lambda _: None) is None
        assert read_document(records, "a", Ref) is None

    def test_times_and_sizes_of_values_do_not_matter(self, records: RecordStore) -> None:
        """A value of some megabytes is read as it was written."""
        data = bytes(range(256)) * 20_000
        records.create("big", data)

        assert records.read("big") == data
        assert decode(encode(REF), Ref) == REF

    @pytest.mark.parametrize("key", HOSTILE)
    def test_a_hostile_key_reaches_nothing(self, records: RecordStore, key: str) -> None:
        """A key may come from an XCom, which people can write."""
        for work in (records.read, records.delete, records.read_blob):
            with pytest.raises(StateError, match="cannot be the key"):
                work(key)
        with pytest.raises(StateError, match="cannot be the key"):
            records.create(key, b"1")
        with pytest.raises(StateError, match="cannot be the key"):
            records.write(key, b"1")
        with pytest.raises(StateError, match="cannot be the key"):
            records.update(key, lambda _: b"1")
        assert list(records.keys("")) == []

    def test_what_an_update_has_deleted_can_be_made_again(self, records: RecordStore) -> None:
        """By `create`, once, and by `update`; until then it is neither read nor listed."""
        for _ in range(2):
            records.update("a", lambda _: b"1")
            records.update("a", lambda _: None)
            assert (records.read("a"), list(records.keys(""))) == (None, [])

        assert records.create("a", b"2")
        assert not records.create("a", b"3")
        assert records.read("a") == b"2"
