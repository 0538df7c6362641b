"""Visits to the pipeline page in a browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

Open = Callable[..., Page]
"""Opens the pipeline page of a run: `(run, dag=..., person=..., theme=..., query=...)`."""

PATIENT = 120_000
"""Milliseconds; the first page on a busy machine."""
