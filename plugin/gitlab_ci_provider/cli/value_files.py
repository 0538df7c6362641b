"""Files of values for a run: its pipeline variables, and its inputs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.model.quoted import quoted

_MAPPINGS = frozenset({".yml", ".yaml", ".json"})
_QUOTES = "\"'"
_MOST = 1_000_000
"""Bytes: more than a run's conf may contain."""
_VARIABLES, _INPUTS = "--variables-file", "--inputs-file"
_DATE, _BOOLEAN = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"


def read_variables(path: Path) -> dict[str, str]:
    """Read variables: `NAME=value` lines, or a mapping in YAML or JSON; of equal names, the last.

    Raises:
        WrongUsage: the file cannot be read, or has something else.
    """
    import yaml

    text = _text(_VARIABLES, path)
    if path.suffix not in _MAPPINGS:
        return dict(_pairs(path, text))
    # Scalars as they are written: `010` and `yes` are values of variables, too.
    found = _mapping(_VARIABLES, path, text, yaml.BaseLoader)
    for name, value in found.items():
        if not isinstance(value, str):
            raise WrongUsage(f"{_VARIABLES} {path}: {quoted(name)} must be one value")
    return found


def read_inputs(path: Path) -> dict[str, object]:
    """Read inputs: a mapping in YAML or JSON, whose values have the types that are written.

    Raises:
        WrongUsage: the file cannot be read, or has something else.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads dates, `yes` and `on` as texts, as YAML 1.2 does."""

        yaml_implicit_resolvers = {  # noqa: RUF012 - the library declares it so
            start: [one for one in known if one[0] not in {_DATE, _BOOLEAN}]
            for start, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver(_BOOLEAN, re.compile("true|false"), list("tf"))
    return _mapping(_INPUTS, path, _text(_INPUTS, path), Loader)


def _text(flag: str, path: Path) -> str:
    try:
        data = path.read_bytes()
        text = data[: _MOST + 1].decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        words = problem.strerror if isinstance(problem, OSError) else "not a text in UTF-8"
        raise WrongUsage(f"{flag} {path}: {words}") from problem
    if len(data) > _MOST:
        raise WrongUsage(f"{flag} {path}: more than {_MOST} bytes")
    return text


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


def _mapping(flag: str, path: Path, text: str, loader: Any) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.load(text, Loader=loader)  # noqa: S506 - no caller's makes objects
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        where = getattr(problem, "problem_mark", None)
        line = f":{where.line + 1}" if where else ""
        raise WrongUsage(f"{flag} {path}{line}: not valid YAML") from problem
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise WrongUsage(f"{flag} {path}: must be a mapping of names to values")
    return found
