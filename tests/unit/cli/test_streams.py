"""The command on streams that are closed, full, abandoned or of another time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """\
"prüfen 🚀": {script: 'true', default_typo: 1}
other: {script: 'true', stage: nope}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".gitlab-ci.yml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def shell(folder: Path, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `$dags` is the command."""
    dags = f"{sys.executable} -m gitlab_ci_provider.cli.main"
    return subprocess.run(
        ["bash", "-c", line],
        env={**os.environ, "dags": dags, "GITLAB_DAGS_HOME": str(folder / "home"), **environment},
        cwd=folder,
        capture_output=True,
        check=False,
    )


REDIRECTED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1"]


@pytest.mark.parametrize("streams", REDIRECTED)
@pytest.mark.parametrize("command", ["compile .", "compile . --json", "lint .", "status"])
def test_closed_and_full_streams_change_no_exit_code(folder: Path, streams: str, command: str):
    """Nobody has to listen: the answer is in the exit code, and nothing is a traceback."""
    plain = shell(folder, f"$dags {command}")
    done = shell(folder, f"$dags {command} {streams}")

    assert done.returncode == plain.returncode
    assert b"Traceback" not in done.stderr
    assert b"Error" not in done.stderr.replace(b"error [", b"")


def test_messages_do_not_slip_into_the_result_when_standard_error_is_closed(folder: Path):
    """Python prints to standard output what it has no standard error for; we do not."""
    done = shell(folder, "$dags compile . --json 2>&-")

    assert json.loads(done.stdout)["valid"] is False


@pytest.mark.parametrize("reader", ["head -c 1", "true", "head -1"])
def test_a_reader_that_goes_away_changes_no_exit_code(folder: Path, reader: str):
    """`| head` sees its lines; errors stay errors."""
    done = shell(folder, f"$dags compile . | {reader} >/dev/null; exit ${{PIPESTATUS[0]}}")

    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


OLD_LOCALES = (
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1:strict"},
)


@pytest.mark.parametrize("locale", OLD_LOCALES, ids=str)
def test_letters_that_the_locale_lacks_are_escaped(folder: Path, locale: dict[str, str]):
    """A name in any script is shown somehow, and JSON stays valid and complete."""
    table = shell(folder, "$dags lint .", **locale)
    as_json = shell(folder, "$dags compile . --json", **locale)

    assert (table.returncode, as_json.returncode) == (1, 1)
    assert b"Traceback" not in table.stderr + as_json.stderr
    shown = json.loads(as_json.stdout.decode("ascii"))
    assert "prüfen 🚀" in " ".join(one["message"] for one in shown["diagnostics"])


def test_file_names_that_are_no_text_are_shown(folder: Path):
    """A name of bytes that are no UTF-8 is escaped."""
    done = shell(folder, r"$dags compile $'no\xffsuch' ; $dags compile $'no\xffsuch' --json")

    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert json.loads(done.stdout)["valid"] is False
