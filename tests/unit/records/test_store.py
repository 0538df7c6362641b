"""The contract of stores, for those that need no server, and how documents are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitlab_ci_provider.records.store import RecordStore, key_name, run_name
from store_contract import Fresh, StoreContract
from stores import STORES


class TestStores(StoreContract):
    """A folder, and a store in memory that works as an object store does."""

    @pytest.fixture(params=STORES)
    def fresh(
        self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Fresh:
        """Return what makes empty stores."""
        make = STORES[request.param]
        return lambda: make(tmp_path_factory.mktemp("state"))

    @pytest.fixture
    def records(self, fresh: Fresh) -> RecordStore:
        """Return an empty store."""
        return fresh()


@given(st.text(max_size=20), st.text(max_size=20))
def test_names_that_differ_have_different_keys(one: str, other: str):
    """Also where a file system does not distinguish case, and names hold any character."""
    assert (key_name(one).lower() == key_name(other).lower()) == (one == other)
    assert (run_name(one, other) == run_name(other, one)) == (one == other)
