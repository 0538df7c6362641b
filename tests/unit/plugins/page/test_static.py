"""The files of the pipeline page, in a checkout in which it was built and in one in which not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.plugins.page import static
from gitlab_ci_provider.plugins.page.plugin import PipelinePagePlugin


def test_a_checkout_without_node_says_how_to_build_the_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A clear message in the tab, not an error in the browser's console."""
    monkeypatch.setattr(static, "BUILT", tmp_path)
    found = static.static_file("page.js")
    assert found is not None
    assert b"make page" in found.content
    name = PipelinePagePlugin.react_apps[0]["name"]
    assert f"globalThis.{name} =".encode() in found.content


def test_the_built_page_comes_first_and_a_new_build_is_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Nobody restarts the API server to see a change."""
    monkeypatch.setattr(static, "BUILT", tmp_path)
    page = tmp_path / "page.js"
    page.write_text("one")
    first = static.static_file("page.js")
    page.write_text("two")
    second = static.static_file("page.js")
    assert first is not None
    assert second is not None
    assert (first.content, second.content) == (b"one", b"two")
    assert first.version != second.version


@pytest.mark.parametrize("name", ["../plugin.py", "plugin.py", "..", "", "x.js", "a/b.js"])
def test_no_other_file_is_served(name: str):
    """Names come from addresses."""
    assert static.static_file(name) is None
