"""`$VAR`, `${VAR}` and `%VAR%` in texts.

Three readings exist. The runner expands a job's texts (Go's `os.Expand`): unknown names vanish,
`$$` is a dollar sign, and `%` means nothing. Values of variables are expanded by GitLab's server
first, which knows `%VAR%` as well and leaves `%%` alone, and then by the runner. The server alone,
which decides rules, names and environments, leaves `$$` in values of variables, too, and knows
neither `$$` nor `%%` in any other text.

Unlike GitLab, which refuses a pipeline whose variables refer to each other in a cycle, the
references that close a cycle stay literal here, and compiling warns of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from gitlab_ci_provider.model.variables import Variable, Variables

MAX_LENGTH = 1_000_000
"""Characters of an expanded value; a reference that would exceed it stays literal."""

_DOLLAR = (
    r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_]\w*)|(?P<special>[*#@!?0-9-])"
    r"|\{(?P<braced>[^}]*)\}|(?P<open>\{))"
)
_BY_RUNNER = re.compile(_DOLLAR, re.ASCII)
_BY_BOTH = re.compile(rf"{_DOLLAR}|%%|%(?P<windows>[A-Za-z_]\w*)%", re.ASCII)

_KNOWN = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})|%([A-Za-z_]\w*)%", re.ASCII)
"""Source: GitLab's `ExpandVariables`."""

_NESTED = re.compile(r"\$\$|%%|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})|%([A-Za-z_]\w*)%", re.ASCII)
"""Source: GitLab's `Gitlab::Ci::Variables::Collection::Item`."""

Lookup = Callable[[str], str | None]


def expand(text: str, variables: Variables) -> str:
    """Expand a text of a job, as the runner does, with variables that are already expanded."""
    if "$" not in text:
        return text
    return _render(text, variables.as_dict().get, _BY_RUNNER)


def expand_on_server(text: str, variables: Variables) -> str:
    """Expand a text that GitLab's server reads, with variables that are already expanded."""
    return expand_or_drop(text, variables.as_dict())


def expand_known(text: str, values: Mapping[str, str]) -> str:
    """Expand known names; everything else stays as written."""

    def swap(found: re.Match[str]) -> str:
        value = values.get(found[1] or found[2] or found[3])
        return found[0] if value is None else value

    return _KNOWN.sub(swap, text) if _refers(text) else text


def expand_or_drop(text: str, values: Mapping[str, str]) -> str:
    """Expand known names; remove the others."""
    if not _refers(text):
        return text
    return _KNOWN.sub(lambda found: values.get(found[1] or found[2] or found[3], ""), text)


def expand_in_rules(variables: Variables) -> dict[str, str]:
    """Return values by name as GitLab's server expands them for `changes`, `exists` and names.

    Unknown names vanish, `$$` stays, a file variable stands for its contents.
    """
    return _ServerExpansion(variables).values()


def references(text: str) -> list[str]:
    """List the names that the value of a variable refers to."""
    if not _refers(text):
        return []
    names = (found[1] or found[2] or found[3] for found in _NESTED.finditer(text))
    return [name for name in names if name]


def expand_all(variables: Variables) -> Variables:
    """Expand every variable with the others, recursively; raw ones stay as they are."""
    expansion = _Expansion(variables)
    return Variables(
        replace(variable, value=expansion.value(variable.name) or "")
        if variable.expand and not variable.file and _refers(variable.value)
        else variable
        for variable in variables
    )


def expand_values(variables: Variables, names: Collection[str] | None = None) -> dict[str, str]:
    """Return values after expansion by name: of all variables, or of some."""
    expansion = _Expansion(variables)
    return {
        variable.name: variable.value if variable.file else expansion.value(variable.name) or ""
        for variable in variables
        if names is None or variable.name in names
    }


class _Expansion:
    """Expands each variable once; names whose expansion is in progress reveal cycles."""

    keeps_circles = True

    def __init__(self, variables: Variables):
        self.variables = {variable.name: variable for variable in variables}
        self.done: dict[str, str] = {}
        self.open: set[str] = set()

    def value(self, name: str) -> str | None:
        """Return the final value of a variable; None when there is none."""
        if name in self.done:
            return self.done[name]
        variable = self.variables.get(name)
        if variable is None:
            return None
        if name in self.open or len(self.open) > 100:
            return f"${name}" if self.keeps_circles else ""
        self.open.add(name)
        self.done[name] = self._compute(variable)
        self.open.discard(name)
        return self.done[name]

    def _compute(self, variable: Variable) -> str:
        if variable.file:
            # The runner writes file variables next to the working copy and passes on the path.
            return f"{self.value('CI_PROJECT_DIR') or ''}.tmp/{variable.name}"
        if not variable.expand:
            return variable.value
        return _render(variable.value, self.value, _BY_BOTH)


class _ServerExpansion(_Expansion):
    """Expands as the server does."""

    keeps_circles = False

    def values(self) -> dict[str, str]:
        """Return all values by name."""
        return {name: self.value(name) or "" for name in self.variables}

    def _compute(self, variable: Variable) -> str:
        value = variable.value
        if not variable.expand or not _refers(value):
            return value
        length = len(value)

        def swap(found: re.Match[str]) -> str:
            nonlocal length
            name = found[1] or found[2] or found[3]
            text = (self.value(name) or "") if name else found[0]
            length += len(text)
            return text if length <= MAX_LENGTH else found[0]

        return _NESTED.sub(swap, value)


def _refers(text: str) -> bool:
    return "$" in text or "%" in text


def _render(text: str, lookup: Lookup, references: re.Pattern[str]) -> str:
    if not _refers(text):
        return text
    length = len(text)

    def swap(found: re.Match[str]) -> str:
        nonlocal length
        value = _replacement(found, lookup)
        length += len(value)
        return value if length <= MAX_LENGTH else found[0]

    return references.sub(swap, text)


def _replacement(found: re.Match[str], lookup: Lookup) -> str:
    if found["escaped"]:
        return "$"
    named = found.groupdict()
    if windows := named.get("windows"):
        value = lookup(windows)
        return found[0] if value is None else value
    if found[0] == "%%":
        return found[0]
    name = found["bare"] or found["braced"]
    return (lookup(name) if name else None) or ""
