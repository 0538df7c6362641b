"""What the documentation says next to GitLab and gitlab-ci-local is complete, and was tried."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.configuration.compiled import compile_request
from gitlab_ci_provider.cli.configuration.request import Request
from gitlab_ci_provider.cli.main import _parser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ROW = re.compile(r"^\| (.+?) \| (.+?) \|(?: (.+?) \|)?$", re.MULTILINE)
THEIRS = """
    --help --version --manual --list --list-all --list-json --list-csv --list-csv-all
    --validate-dependency-chain --preview --cwd --variables-file --inputs-file --ignores-file
    --completion --evaluate-rule-changes --needs --only-needs --stage --variable --unset-variable
    --input --remote-variables --state-dir --file --home --shell-isolation --force-shell-executor
    --shell-executor-no-image --default-image --wait-image --wait-for-services-timeout
    --helper-image --mount-cache --umask --userns --privileged --device --ulimit --shm-size
    --network --volume --extra-host --ca-file --pull-policy --fetch-includes --maximum-includes
    --artifacts-to-source --cleanup --quiet --timestamps --max-job-name-padding
    --json-schema-validation --ignore-schema-paths --ignore-predefined-vars --concurrency
    --container-executable --container-mac-address --container-emulate --gpus --color --registry
"""
"""`gitlab-ci-local --help`, 4.75.1."""


def rows(page: str, heading: str) -> list[tuple[str, ...]]:
    """Read the table under a heading, without its head."""
    _, _, below = (DOCS / page).read_text("utf-8").partition(f"\n## {heading}\n")
    return ROW.findall(below.partition("\n## ")[0])[2:]


OPTIONS = rows("reference/gitlab-ci-local.md", "Options")
COMMANDS = [
    command
    for _, here, *_ in OPTIONS
    for command in re.findall(r"`((?:run|compile|lint|completion)(?: [^`]*)?)`", here)
]
EXAMPLES = re.findall(
    r"```yaml\n(.*?)```", (DOCS / "how-to/what-your-file-does.md").read_text("utf-8"), re.DOTALL
)


def test_every_option_of_gitlab_ci_local_has_a_row():
    """The one that a reader uses may be any of them."""
    named = set(re.findall(r"--[a-z-]+", " ".join(theirs for theirs, *_ in OPTIONS)))

    assert set(THEIRS.split()) - named == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_there_instead_is_accepted(command: str):
    """Commands and options of the other column are those of the program."""
    _parser([]).parse_args(shlex.split(command))


def test_every_row_about_gitlabs_page_was_tried():
    """The last column names the test."""
    tried = [re.findall(r"`([^`]+)`", row[2]) for row in rows("how-to/ui-tour.md",
             "GitLab's pipeline page, row by row")]  # fmt: skip

    assert len(tried) > 10
    assert [names for names in tried if len(names) != 1 or not (ROOT / names[0]).is_file()] == []


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_examples_of_files_compile(number: int, tmp_path: Path):
    """Each example is a file that GitLab accepts."""
    (tmp_path / ".gitlab-ci.yml").write_text(EXAMPLES[number])
    (tmp_path / "child.yml").write_text("job: {script: x}\n")

    assert compile_request(Request(path=tmp_path)).valid
