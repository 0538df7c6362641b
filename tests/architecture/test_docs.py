"""Every page of the documentation can be found by a reader."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitlab_ci_provider.cli.main import _parser
from gitlab_ci_provider.get_provider_info import get_provider_info
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.project import Project, Ref, RefKind
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.variables.predefined import job_variables, pipeline_variables

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
KEYWORDS = DOCS / "reference" / "keywords"


def test_navigation_names_every_page():
    """Each page but those of single keywords stands in the navigation, and each entry exists."""
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    keywords = {page for page in pages if page.startswith("reference/keywords/")}
    listed = set(_leaves(_config()["nav"]))

    assert listed == (pages - keywords) | {"reference/keywords/index.md"}


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_links_and_pictures_outside_of_the_site_are_there(page: Path):
    """The first page that people see has no broken picture; those of the site, mkdocs checks."""
    targets = re.findall(r"\]\(([^)\s#]+)", _read(page))

    assert [to for to in targets if "://" not in to and not (ROOT / to).exists()] == []


def test_every_keyword_page_is_linked_from_the_index():
    """The list of keywords links each page of a keyword."""
    index = (KEYWORDS / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))

    assert {path.name for path in KEYWORDS.glob("*.md")} - {"index.md"} <= linked


def test_every_setting_is_explained():
    """The settings page has a row for each option of airflow.cfg, and Airflow knows each."""
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8").split("\n## ")[0]
    options = get_provider_info()["config"]["gitlab_ci"]["options"]

    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == set(options)
    assert set(options) == {field.name for field in fields(Settings)}


def test_every_command_and_option_is_explained():
    """The page of the command names each command and each of its options."""
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    commands = _commands()
    options = {
        option
        for parser in commands.values()
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--")
    }

    assert [name for name in commands if f"gitlab-dags {name}" not in page] == []
    assert sorted(option for option in options - {"--help"} if option not in page) == []


def test_every_predefined_variable_is_listed():
    """The page of variables names all that a branch's, a tag's and a job's context defines."""
    page = (DOCS / "reference" / "variables.md").read_text(encoding="utf-8")
    project = Project(path="group/project", clone_url="file:///project")
    refs = [Ref(name="main", sha="0"), Ref(name="v1", sha="0", kind=RefKind.TAG)]
    defined = [
        *(
            one
            for ref in refs
            for one in pipeline_variables(PipelineContext(project=project, ref=ref))
        ),
        *job_variables(Job(name="test", stage="test"), None),
    ]

    assert sorted({one.name for one in defined if f"`{one.name}`" not in page}) == []


def test_every_fault_has_a_test():
    """Each line of the tables of faults names tests, and those exist."""
    lines = (DOCS / "reference" / "faults.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("|") and "---" not in line]
    rows = [row for row in rows if not row.startswith("| Fault |")]
    named = {row: re.findall(r"`([\w/]+\.py)::(\w+)`", row) for row in rows}

    assert [row for row, tests in named.items() if not tests] == []
    assert [
        f"{file}::{name}"
        for tests in named.values()
        for file, name in tests
        if f"def {name}(" not in _read(ROOT / "tests" / file)
    ] == []


def test_every_record_of_a_decision_has_a_number_of_its_own():
    """Two decisions that were made side by side may leave a gap, but never share a number."""
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "adr").glob("[0-9]*.md"))

    assert len(set(numbers)) == len(numbers)


def test_pages_load_nothing_from_other_hosts():
    """The documentation can be read offline: no fonts, scripts or pictures from elsewhere."""
    theme = _config()["theme"]
    pictures = [
        f"{path.relative_to(DOCS)}: {match}"
        for path in DOCS.rglob("*.md")
        for match in re.findall(
            r"!\[[^\]]*\]\(https?:[^)]*\)|<(?:img|script)\b[^>]*http[^>]*>", _read(path)
        )
    ]

    assert theme["font"] is False
    assert pictures == []


def _commands() -> dict[str, argparse.ArgumentParser]:
    (commands,) = (
        action for action in _parser([])._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(commands.choices)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _config() -> Any:
    return yaml.safe_load(_read(ROOT / "mkdocs.yml"))


def _leaves(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [leaf for part in parts for leaf in _leaves(part)]
