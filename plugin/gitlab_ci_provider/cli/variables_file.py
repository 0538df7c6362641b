"""Pipeline variables from a file: `NAME=value` lines, or a mapping in YAML or JSON."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.model.quoted import quoted

_MAPPINGS = frozenset({".yml", ".yaml", ".json"})
_QUOTES = "\"'"
_MOST = 1_000_000
"""Bytes: more than a run's conf may contain."""


def read_variables(path: Path) -> dict[str, str]:
    """Read the variables of a file; of equal names, the last wins.

    Raises:
        WrongUsage: the file cannot be read, or has something else.
    """
    try:
        data = path.read_bytes()
        text = data[: _MOST + 1].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        words = problem.strerror if isinstance(problem, OSError) else "not a text in UTF-8"
        raise WrongUsage(f"--variables-file {path}: {words}") from problem
    if len(data) > _MOST:
        raise WrongUsage(f"--variables-file {path}: more than {_MOST} bytes")
    return _mapping(path, text) if path.suffix in _MAPPINGS else dict(_pairs(path, text))


def _pairs(path: Path, text: str) -> list[tuple[str, str]]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip().removeprefix("export ")
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals or not name.strip():
            raise WrongUsage(f"--variables-file {path}:{number}: must be NAME=VALUE")
        found.append((name.strip(), _unquoted(value.strip())))
    return found


def _unquoted(value: str) -> str:
    quoted_whole = len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES
    return value[1:-1] if quoted_whole else value


def _mapping(path: Path, text: str) -> dict[str, str]:
    import yaml

    try:
        # Scalars as they are written: `010` and `yes` are values of variables, too.
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it builds texts only
    except (yaml.YAMLError, RecursionError) as problem:
        where = getattr(problem, "problem_mark", None)
        line = f":{where.line + 1}" if where else ""
        raise WrongUsage(f"--variables-file {path}{line}: not valid YAML") from problem
    if not isinstance(found, dict):
        raise WrongUsage(f"--variables-file {path}: must be a mapping of names to values")
    for name, value in found.items():
        if not isinstance(value, str):
            raise WrongUsage(f"--variables-file {path}: {quoted(str(name))} must be one value")
    return found
