"""Codes and keywords are documented."""

from __future__ import annotations

import re
from pathlib import Path

from gitlab_ci_provider.config.defaults import ROOT_KEYS
from gitlab_ci_provider.config.keywords.job import BRIDGE_KEYS, JOB_KEYS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
CALL = r"(?:error|warning|refuse|_error|LoadError|IncludeError)"
CODE = re.compile(CALL + r"\(\s*(?:job, |field, )?\"([a-z]+-[a-z0-9-]+)\"")


def test_every_code_is_explained():
    """A code that diagnostics use has a row on its page."""
    source = ROOT / "plugin" / "gitlab_ci_provider"
    files = [
        path
        for package in ("config", "compiler", "linter")
        for path in (source / package).rglob("*.py")
    ]
    used = {code for path in files for code in CODE.findall(path.read_text("utf-8"))}
    page = (REFERENCE / "diagnostics.md").read_text("utf-8")
    explained = set(re.findall(r"^\| `([a-z0-9-]+)`", page, re.MULTILINE))

    assert used - explained == set()
    assert len(used) > 40


def test_every_keyword_has_a_page():
    """Each keyword of a job and of the file's top level is described."""
    pages = {path.stem for path in (REFERENCE / "keywords").glob("*.md")}

    assert (JOB_KEYS | BRIDGE_KEYS | ROOT_KEYS) - pages == set()
