"""The table of keywords says of each what the code says: what runs honour, and what they do not."""

from __future__ import annotations

import re
from pathlib import Path

from gitlab_ci_provider.model import support

INDEX = Path(__file__).parents[2] / "docs" / "reference" / "keywords" / "index.md"
ROW = re.compile(r"^\| \[`([a-z_]+)`\]\([a-z_]+\.md\) \| ([a-z ]+) \|", re.MULTILINE)
STATUS = dict(ROW.findall(INDEX.read_text("utf-8")))
LIMITS = [rule.limit for rule in support._RULES]
WITHOUT_LIMIT = {"publish": "reported"}
"""`publish` only says what `pages` publishes."""


def test_what_is_limited_is_not_called_supported():
    """A keyword that lint reports is honoured in part or not at all."""
    roots = {limit.keyword.partition(":")[0] for limit in LIMITS} & set(STATUS)

    assert {root for root in roots if STATUS[root] == "supported"} == set()


def test_what_is_not_supported_is_reported():
    """A keyword that is not supported in full has a limit that lint reports."""
    roots = {limit.keyword.partition(":")[0] for limit in LIMITS}
    limited = {key for key, status in STATUS.items() if status != "supported"}

    assert limited - roots == set(WITHOUT_LIMIT)


def test_keyword_that_stops_a_job_is_called_reported():
    """What makes a job fail here is not called honoured in part."""
    blocking = {limit.keyword for limit in LIMITS if limit.blocking} & set(STATUS)

    assert {key: STATUS[key] for key in blocking if STATUS[key] != "reported"} == {}
