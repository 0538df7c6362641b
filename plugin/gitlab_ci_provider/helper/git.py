"""Runs git without prompts, without showing passwords, with its output in our log.

Credentials reach git through its environment, see `model/git_login.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.git_login import configuration

_CONFIG = Path(__file__).with_name("gitconfig")

_NO_PROGRAMS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "protocol.ext.allow": "never",
}
"""Overrides the configuration of a repository."""

_KEPT_LINES = 20


class GitError(SourceError):
    """A git command failed.

    Attributes:
        said: the last lines of its output.
    """

    def __init__(self, message: str, said: str):
        super().__init__(message)
        self.said = said


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Git in one folder.

    Attributes:
        say: takes each line that git writes.
        extra: environment variables on top of the clean ones.
    """

    folder: Path
    say: Callable[[str], None]
    extra: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> None:
        """Run a git command.

        Raises:
            GitError: it failed; the message holds git's reason.
        """
        kept: deque[str] = deque(maxlen=_KEPT_LINES)
        with self._start(arguments, subprocess.STDOUT) as process, _ended_with_us(process):
            for raw in process.stdout or ():
                line = raw.decode("utf-8", "replace").rstrip()
                kept.append(line)
                self.say(line)
        if process.returncode:
            said = _reason([*kept]) or f"exit code {process.returncode}"
            raise GitError(f"git {arguments[0]}: {said}", "\n".join(kept))

    def succeeds(self, *arguments: str) -> bool:
        """Run a git command that answers by its exit code; drop its output."""
        return self.answer(*arguments) is not None

    def answer(self, *arguments: str) -> str | None:
        """Run a git command and return what it printed; None when it failed."""
        with self._start(arguments, subprocess.DEVNULL) as process, _ended_with_us(process):
            said, _ = process.communicate()
        return None if process.returncode else said.decode("utf-8", "replace").strip()

    def _start(self, arguments: tuple[str, ...], errors: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["git", *arguments],
                cwd=self.folder,
                env=clean_environment(self.extra),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                process_group=0,
            )
        except FileNotFoundError as error:
            raise SourceError("git is missing from the helper image") from error


def _reason(said: Sequence[str]) -> str:
    """Find the last line that names an error; advice may follow it."""
    errors = [line for line in said if line.startswith(("fatal:", "error:"))]
    return (errors or [*said] or [""])[-1]


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill git and the programs that it has started when the helper is told to end."""
    try:
        yield
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Build the environment of a git that depends on no settings but the system's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": str(_CONFIG),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        **configuration(_NO_PROGRAMS, extra),
    }
