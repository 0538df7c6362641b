"""The images, built once."""

from __future__ import annotations

import pytest

from integration.images.support import Image, build, why_not


@pytest.fixture(scope="session")
def helper_image() -> Image:
    """Build the helper image."""
    if reason := why_not():
        pytest.skip(reason)
    return build("helper")
