"""Whatever lies where the configuration should be, a person reads one line that says what."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def huge(path: Path) -> None:
    """4 GiB, none of which are on the disk."""
    path.touch()
    os.truncate(path, 1 << 32)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda path: None, "file-missing"),
    "empty": (written(b""), "file-empty"),
    "binary": (written(b"\x7fELF\x02\x01\x01\x00\xd0\xff"), "file-not-utf8"),
    "latin-1": (written("j: {script: café}".encode("latin-1")), "file-not-utf8"),
    "utf-16": (written("j: {script: x}".encode("utf-16")), "file-not-utf8"),
    "nul": (written(b"j:\n  script: a\0b\n"), "yaml-syntax"),
    "huge": (huge, "file-too-big"),
    "deep": (written(b"j: " + b"[" * 100_000), "yaml-too-deep"),
    "scalar": (written(b"hello\n"), "yaml-not-a-hash"),
    "folder": (Path.mkdir, "file-missing"),
    "pipe": (os.mkfifo, "file-missing"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "file-unreadable"),
}
COMMANDS = (["compile"], ["compile", "--merged"], ["compile", "--explain", "j"], ["lint"])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("kind", FILES)
def test_one_line_says_what_is_wrong(
    kind: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """With the file and a code; a hint may follow, and `lint` counts."""
    make, problem = FILES[kind]
    make(tmp_path / ".gitlab-ci.yml")

    code = main([*command, str(tmp_path)])

    shown = capsys.readouterr()
    first, *rest = (shown.out + shown.err).splitlines()
    assert code == 1
    assert ".gitlab-ci.yml" in first
    assert f" error [{problem}] " in first
    assert [line for line in rest if not line.startswith(("    ", "1 error,"))] == []


def test_a_character_that_yaml_does_not_allow_has_a_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Not one counted in bytes from the beginning."""
    (tmp_path / ".gitlab-ci.yml").write_text("é: {script: x}\nj: ü\0\n")

    main(["compile", str(tmp_path)])

    assert ".gitlab-ci.yml:2:5: error [yaml-syntax]" in capsys.readouterr().err


def test_a_broken_file_is_not_a_file_without_problems(tmp_path: Path):
    """`lint --fix` prints no patch for it, and scripts see that by the exit code."""
    (tmp_path / ".gitlab-ci.yml").write_text("j: {script: x}\n")
    assert main(["lint", "--fix", str(tmp_path)]) == 0

    (tmp_path / ".gitlab-ci.yml").write_text("[")
    assert main(["lint", "--fix", str(tmp_path)]) == 1
