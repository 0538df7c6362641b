"""Visits to the pipeline page in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from processes.waiting import PATIENCE

Open = Callable[..., Page]
"""Opens the pipeline page of a run, or the projects: `(run, dag=, person=, theme=, query=)`."""

SERIOUS = """async () => (await axe.run(".glp-page")).violations
  .filter((violation) => ["serious", "critical"].includes(violation.impact))
  .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`)"""

PATIENT = PATIENCE * 1000
"""Milliseconds until a step in the browser fails; each waits for what it needs, not for a time."""


def barriers(page: Page, axe: Path) -> list[str]:
    """Find what keeps people from using the page, by axe: contrast, names, roles, order."""
    page.add_script_tag(path=axe)
    found: list[str] = page.evaluate(SERIOUS)
    return found
