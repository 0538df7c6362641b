"""A browser in which somebody is logged in to the stack's Airflow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from airflow.api_fastapi.auth.tokens import JWTGenerator
from playwright.sync_api import Browser, Page, expect, sync_playwright

from e2e.embedded import Stack
from gitlab_ci_provider.local.secrets import load_secrets
from gitlab_ci_provider.plugins.page.static import BUILT, PAGE

PATIENT = 600_000
"""Milliseconds; a job on a busy machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium; skips where it or the page is missing."""
    program = shutil.which("chromium")
    if not program or not (BUILT / PAGE).exists():
        pytest.skip("needs chromium and `make page`")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )


def open_as(browser: Browser, stack: Stack, name: str, role: str) -> Page:
    """Open a window for a user of a role; the stack itself has an administrator only."""
    page = browser.new_context(viewport={"width": 1500, "height": 900}).new_page()
    page.set_default_timeout(PATIENT)
    expect.set_options(timeout=PATIENT)
    made = JWTGenerator(
        secret_key=load_secrets(stack.home).jwt_secret, valid_for=3600, audience="apache-airflow"
    )
    token = made.generate({"sub": name, "role": role, "teams": []})
    cookie = {"name": "_token", "value": token, "url": stack.api.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]  # its own TypedDict
    return page
