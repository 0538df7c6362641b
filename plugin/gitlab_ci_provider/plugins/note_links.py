"""The extra links of tasks, in their notes: the UI shows links only in a tab, and notes everywhere.

Notes are Markdown, and addresses are the text of a pipeline's author.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gitlab_ci_provider.airflow_internals.database import read_xcoms
from gitlab_ci_provider.model import xcom_keys

NAMES = {
    xcom_keys.UPSTREAM_LINK: "Upstream pipeline",
    xcom_keys.DOWNSTREAM_LINK: "Downstream pipeline",
    xcom_keys.ENVIRONMENT_LINK: "Environment",
}
"""What links are called, by the key of their XCom."""

BEGINNINGS = tuple(f"[{name}](" for name in NAMES.values())
"""How notes begin that are links only."""

_LONGEST = 500
"""Characters of a link; a longer one stays where Airflow shows it."""

_KEPT = ":/?#@!$&'*+,;=%"
"""Characters of an address that end no link of Markdown."""


def read_note_links(session: Any, dag_run: Any) -> dict[str, str]:
    """Read the links that the tasks of a run have left, by task."""
    links: dict[str, str] = {}
    for key, name in NAMES.items():
        for task, url in read_xcoms(session, dag_run, key).items():
            if link := worded(name, url):
                links[task] = f"{links[task]} {link}" if task in links else link
    return links


def worded(name: str, url: object) -> str:
    """Write a link; empty for what leads to no web page."""
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return ""
    link = f"[{name}]({quote(url, safe=_KEPT)})"
    return link if len(link) <= _LONGEST else ""


def with_links(notes: Mapping[str, str], links: Mapping[str, str], longest: int) -> dict[str, str]:
    """Add links to the ends of notes, which get no longer than that; a link is kept whole."""
    joined = dict(notes)
    for task, link in links.items():
        text = notes.get(task, "")
        joined[task] = f"{text[: longest - len(link) - 1]} {link}" if text else link[:longest]
    return joined
