"""The links in the notes of tasks."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.operators.links import DownstreamLink, EnvironmentLink, UpstreamLink
from gitlab_ci_provider.plugins.note_links import with_links, worded


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://staging.example.com/a?b=1", "[Environment](https://staging.example.com/a?b=1)"),
        ("https://x.example/) [a](javascript:b", "[Environment](https://x.example/%29%20%5Ba%5D%28javascript:b)"),
        ("https://x.example/\n# a", "[Environment](https://x.example/%0A#%20a)"),
        ("javascript:alert(1)", ""),
        ("https://x.example/" + "x" * 900, ""),
        ("", ""),
        (None, ""),
    ],
)  # fmt: skip
def test_an_address_stays_one_link(url: object, link: str):
    """Its author must not add to the note, nor make it run anything."""
    assert worded("Environment", url) == link


def test_a_note_ends_with_its_link():
    """A long reason is cut, the link is not; a task without a reason has the link alone."""
    notes = with_links({"a": "x" * 1000, "b": "said"}, {"a": "[L](u)", "c": "[M](v)"}, 1000)
    assert (len(notes["a"]), notes["a"][-8:]) == (1000, "x [L](u)")
    assert (notes["b"], notes["c"]) == ("said", "[M](v)")


def test_links_are_read_where_airflow_keeps_them():
    """It names the XComs after the classes."""
    keys = {link().xcom_key for link in (UpstreamLink, DownstreamLink, EnvironmentLink)}
    assert keys == {xcom_keys.UPSTREAM_LINK, xcom_keys.DOWNSTREAM_LINK, xcom_keys.ENVIRONMENT_LINK}
