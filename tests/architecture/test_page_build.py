"""No package without the pipeline page: it is built, not under version control."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "plugin/gitlab_ci_provider/plugins/page/static/page.js"


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the build hook in a checkout without the page."""
    monkeypatch.delenv("GITLAB_CI_WITHOUT_PAGE", raising=False)
    file = ROOT / "plugin" / "pipeline_page" / "build_hook.py"
    spec = importlib.util.spec_from_file_location("build_hook", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook = module.PageHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel")
    return hook.initialize


def test_a_wheel_without_the_page_is_refused(build: Any):
    """The message says what to do."""
    with pytest.raises(RuntimeError, match="make page"):
        build("standard", {})


def test_a_wheel_with_the_page_is_built(build: Any, tmp_path: Path):
    """Nothing else is asked of it."""
    (tmp_path / PAGE).parent.mkdir(parents=True)
    (tmp_path / PAGE).write_text("")
    build("standard", {})


def test_a_checkout_and_the_helper_image_do_without(build: Any, monkeypatch: pytest.MonkeyPatch):
    """A developer needs no Node.js, and the helper has no UI."""
    build("editable", {})
    monkeypatch.setenv("GITLAB_CI_WITHOUT_PAGE", "1")
    build("standard", {})


def test_the_lock_of_npm_names_no_registry():
    """Packages come from wherever npm is configured to fetch them."""
    lock = (ROOT / "plugin" / "pipeline_page" / "package-lock.json").read_text("utf-8")
    assert '"integrity"' in lock
    assert '"resolved"' not in lock
