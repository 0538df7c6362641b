"""A job's scripts as shell text: what the build container runs. Pure functions.

`entry` is process 1 of the container (its body is `entry.sh`); it runs `step_script` and
`after_script`, each in a shell of its own. They follow the runner's shells/bash.go: variables are
exported, options set, then all commands run in one `eval`, each echoed before it runs.

Unlike GitLab, git in the job accepts the working copy regardless of its owner
(`safe.directory`), and a variable that no shell can export is left out with a warning instead of
failing the job.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.git_environment import GIT_VARIABLES
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import JobPlan, PlanVariable
from gitlab_ci_provider.model.workspace import (
    EVENTS_FIFO,
    ID_TOKENS_DIR,
    OUTPUT_FIFO,
    TERMINATION_LOG,
    file_variable_path,
    job_env_path,
)
from gitlab_ci_provider.planner.build_settings import read_build_settings

_ENTRY_BODY = Path(__file__).with_name("entry.sh")

_GREEN, _YELLOW, _RESET = "\x1b[32;1m", "\x1b[0;33m", "\x1b[0;m"

_EXPORTABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

SHELLS = (
    "/usr/local/bin/bash",
    "/usr/bin/bash",
    "/bin/bash",
    "/usr/local/bin/sh",
    "/usr/bin/sh",
    "/bin/sh",
    "/busybox/sh",
)
"""In the order in which the runner looks for them."""

_READ_JOB_ENV = """\
if [ -r "$GITLAB_ENV" ]; then
  while read -r line; do export "$line"; done < "$GITLAB_ENV"
fi"""

_OPTIONS = """\
trap 'exit 1' TERM
if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi
set -o errexit
set +o noclobber
"""


_READ_ONCE = "_GITLAB_CI_ID_TOKEN_"
"""Before the names of tokens in the entry, which has variables of its own."""

_HOOK_END = """\
{{ set +o xtrace; }} 2>/dev/null
for name in {names}; do
  eval "value=\\${{$name-}}"
  [ -z "$value" ] || printf '%s=%s\\n' "$name" "$value"
done >"$GITLAB_CI_HOOK/variables"
git config --global --null --list >"$GITLAB_CI_HOOK/config" 2>/dev/null || :
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPaths:
    """Paths that the entry needs.

    Attributes:
        events: the FIFO to the helper.
        output: the FIFO for what the scripts write.
        last_words: the container's termination message, which says that the script ran too long,
            or that memory ran out.
        cgroup: where the kernel shows the limits of the container.
        shells: the first that exists runs the scripts, without any `sh` does.
    """

    events: str = EVENTS_FIFO
    output: str = OUTPUT_FIFO
    last_words: str = TERMINATION_LOG
    cgroup: str = "/sys/fs/cgroup"
    shells: tuple[str, ...] = SHELLS


def entry(
    plan: JobPlan,
    script: Script,
    *,
    deadline: int | None = None,
    paths: EntryPaths = EntryPaths(),
) -> str:
    """Write the build container's process 1; started as `sh <folder of the scripts>/entry`.

    Args:
        plan: of the job.
        script: of the job.
        deadline: when the job's time is over, in seconds since 1970. A pod that is deleted earlier
            belongs to a canceled job, whose `after_script` still runs.
        paths: the usual ones but in tests.
    """
    given = read_build_settings(plan.value)
    settings = {
        "events": paths.events,
        "output": paths.output,
        "cgroup": paths.cgroup,
        "shells": " ".join(paths.shells),
        "deadline": "" if deadline is None else str(deadline),
        "script_timeout": str(given.script_seconds or ""),
        "after_script": "yes" if script.after else "no",
        "after_script_timeout": str(given.after_script_seconds),
        "after_script_errors": "ignore" if given.after_script_ignore_errors else "fail",
        "last_words": paths.last_words,
    }
    head = "".join(f"{name}={_quote(value)}\n" for name, value in settings.items())
    head += "".join(f"{line}\n" for name in plan.id_tokens for line in _token(name, _READ_ONCE))
    return head + _ENTRY_BODY.read_text(encoding="utf-8")


def step_script(plan: JobPlan, script: Script) -> str:
    """Write `before_script` and `script`, which share one shell."""
    exports = [*_exports(plan), "export CI_JOB_STATUS=running"]
    return _text(plan, [*exports, *_tokens(plan)], (*script.before, *script.main))


def after_script(plan: JobPlan, script: Script) -> str:
    """Write `after_script`; empty when there is none. CI_JOB_STATUS comes from the entry."""
    if not script.after:
        return ""
    echo = f"printf '%s\\n' {_quote(f'{_GREEN}Running after script...{_RESET}')}"
    return _text(plan, [*_exports(plan), *_tokens(plan), echo], script.after)


def hook_script(plan: JobPlan, commands: Iterable[str]) -> str:
    """Write `hooks:pre_get_sources_script`; its container says where $GITLAB_CI_HOOK is.

    At its end it leaves what it tells the fetch, see `helper/hook_results.py`.
    """
    own = 'export HOME="$GITLAB_CI_HOOK/home" GITLAB_ENV="$GITLAB_CI_HOOK/env"'
    tokens = (line for name in plan.id_tokens for line in _token(name))
    return _text(plan, [*_exports(plan), *tokens, own], commands, "/") + _HOOK_END.format(
        names=" ".join(GIT_VARIABLES)
    )


def _text(plan: JobPlan, exports: Iterable[str], commands: Iterable[str], folder: str = "") -> str:
    """Put a script together; its exit code is that of the command that ended it."""
    body = "\n".join(line for command in commands for line in _command(command))
    lines = [
        *(["set -o xtrace"] if plan.debug_trace else []),
        _OPTIONS + "\n".join(exports),
        f"cd {_quote(folder or plan.project_dir)}",
        f"eval {_quote(body)}",
    ]
    return "\n".join(lines) + "\n"


def _command(command: str) -> Iterator[str]:
    """Echo a command as the runner does, then the command itself."""
    text = command.strip()
    if not text:
        yield "echo"
        return
    first, newline, _ = text.partition("\n")
    shown = f"$ {first} # collapsed multi-line command" if newline else f"$ {first}"
    yield f"printf '%s\\n' {_quote(f'{_GREEN}{shown}{_RESET}')}"
    yield text


def _tokens(plan: JobPlan) -> Iterator[str]:
    """Take the tokens from the entry, which has read them once for all scripts.

    A cluster that gives tokens less time than a job renews them, and the helper masks the first.
    """
    for name in plan.id_tokens:
        yield f'export {name}="${_READ_ONCE}{name}"'
        yield f"unset {_READ_ONCE}{name}"


def _token(name: str, prefix: str = "") -> Iterator[str]:
    """Read a token, without `cat`; it has no line end, so `read` fails though it has read all."""
    variable = f"{prefix}{name}"
    yield f'read -r {variable} <{ID_TOKENS_DIR}/{name} || [ -n "${variable}" ]'
    yield f"export {variable}"


def _exports(plan: JobPlan) -> Iterator[str]:
    for variable in plan.variables:
        if variable.name == "CI_JOB_STATUS":
            continue
        if _EXPORTABLE.fullmatch(variable.name):
            yield f"export {variable.name}={_quote(_value(variable, plan))}"
        else:
            words = "is not exported: shells do not accept its name"
            warning = f"WARNING: variable {variable.name!r} {words}"
            yield f"printf '%s\\n' {_quote(f'{_YELLOW}{warning}{_RESET}')}"
    yield f"export GITLAB_ENV={_quote(job_env_path(plan.project_dir))}"
    yield _READ_JOB_ENV
    owned = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": plan.project_dir,
    }
    settings = " ".join(f"{name}={_quote(value)}" for name, value in owned.items())
    yield f'[ -n "${{GIT_CONFIG_COUNT-}}" ] || export {settings}'


def _value(variable: PlanVariable, plan: JobPlan) -> str:
    return file_variable_path(plan.project_dir, variable.name) if variable.file else variable.value


def _quote(text: str) -> str:
    """Quote for a shell; single quotes keep every character as it is.

    Raises:
        SystemFailure: it holds a NUL, which no shell can carry.
    """
    if "\0" in text:
        message = f"a variable or command contains a NUL character: {text[:40]!r}"
        raise ConfigurationFailure(message)
    return shlex.quote(text)
