"""Whether one rule matches: `if`, `changes` and `exists`, all of them.

Source: GitLab's `Gitlab::Ci::Build::Rules::Rule::Clause`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from gitlab_ci_provider.model.rules import Changes, Exists, Rule
from gitlab_ci_provider.rules.expression.evaluator import is_true
from gitlab_ci_provider.rules.expression.lexer import ExpressionError
from gitlab_ci_provider.rules.expression.path_regexp import MAX_LENGTH, compile_path_regexp
from gitlab_ci_provider.rules.globs import is_plain, matches
from gitlab_ci_provider.rules.view import RuleView
from gitlab_ci_provider.variables.expand import expand_known

MAX_COMPARISONS = 50_000
"""More comparisons of patterns and files than this count as a match, as in GitLab."""

_ANYWHERE = "**/*"
_SUFFIX = re.compile(r"\*\*/\*\.[^/*?\[{]*")
"""`**/*.js` tests the end of a name, which GitLab does without counting comparisons."""


class RuleError(ValueError):
    """A rule refers to something that does not exist: GitLab's message for creating no pipeline."""


def rule_matches(rule: Rule, view: RuleView) -> bool:
    """Return whether all conditions of a rule hold; one without conditions always does.

    Raises:
        RuleError: the rule refers to a ref or a project that does not exist.
    """
    return missed(rule, view) is None


def missed(rule: Rule, view: RuleView) -> str | None:
    """Name the first condition of a rule that does not hold; None when all do.

    Raises:
        RuleError: the rule refers to a ref or a project that does not exist.
    """
    if rule.condition is not None and not condition_holds(rule.condition, view.variables):
        return "if"
    if rule.changes is not None and not changes_match(rule.changes, view):
        return "changes"
    if rule.exists is not None and not _exists_match(rule.exists, view):
        return "exists"
    return None


def condition_holds(condition: str, variables: Mapping[str, str]) -> bool:
    """Evaluate `if`; a broken expression, which compiling reports, never holds."""
    try:
        return is_true(condition, variables)
    except ExpressionError:
        return False


def changes_match(changes: Changes, view: RuleView) -> bool:
    """Return whether a changed file matches.

    Raises:
        RuleError: the ref of `compare_to` does not exist.
    """
    paths = _changed(changes, view)
    if paths is None:
        return True
    if changes.regexp is not None and paths:
        return _regexp_matches(changes.regexp, paths, view, "rules:changes")
    patterns = list(dict.fromkeys(_expanded(changes.paths, view)))
    if len(patterns) * len(paths) > MAX_COMPARISONS:
        return True
    return any(matches(pattern, path) for pattern in patterns for path in paths)


def _changed(changes: Changes, view: RuleView) -> Collection[str] | None:
    if changes.compare_to is None:
        return view.changed_paths
    ref = expand_known(changes.compare_to, view.expanded)
    paths = view.compared.get(ref, view.given_paths)
    if paths is None and ref in view.compared:
        raise RuleError("rules:changes:compare_to is not a valid ref")
    return paths


def _exists_match(exists: Exists, view: RuleView) -> bool:
    paths = _tree(exists, view)
    if exists.regexp is not None:
        return _regexp_matches(exists.regexp, paths, view, "rules:exists")
    patterns = list(_expanded(exists.paths, view))
    names = [pattern for pattern in patterns if is_plain(pattern)]
    folders = tuple(name for name in names if name.endswith("/"))
    if any(name in paths for name in names):
        return True
    if folders and any(path.startswith(folders) for path in paths):
        return True
    globs = [pattern for pattern in patterns if not is_plain(pattern)]
    suffixes = tuple(glob.removeprefix(_ANYWHERE) for glob in globs if _SUFFIX.fullmatch(glob))
    if suffixes and any(path.endswith(suffixes) for path in paths):
        return True
    return _globs_match([glob for glob in globs if not _SUFFIX.fullmatch(glob)], paths)


def _globs_match(globs: Sequence[str], paths: Iterable[str]) -> bool:
    """Compare until something matches or too much was compared."""
    if not any("/" in glob or "**" in glob for glob in globs):
        paths = (path for path in paths if "/" not in path)
    compared = 0
    for path in paths if globs else ():
        compared += len(globs)
        if compared > MAX_COMPARISONS or any(matches(glob, path) for glob in globs):
            return True
    return False


def _tree(exists: Exists, view: RuleView) -> Collection[str]:
    if exists.project is None:
        return view.tree()
    place = other_tree(exists, view)
    paths = view.other_trees.get(place, ())
    if paths is None:
        project, _, ref = place.rpartition("@")
        words = f"a valid ref in project `{project}`" if ref else "a valid project path"
        what = f"rules:exists:ref `{ref}`" if ref else f"rules:exists:project `{project}`"
        raise RuleError(_without_secrets(f"{what} is not {words}", view))
    return paths


def _without_secrets(words: str, view: RuleView) -> str:
    for value in sorted(view.masked, key=len, reverse=True):
        words = words.replace(value, "x" * len(value))
    return words


def other_tree(exists: Exists, view: RuleView) -> str:
    """Name the files that `exists:project` looks at: `project@ref`, the names expanded."""
    project = expand_known(exists.project or "", view.expanded)
    return f"{project}@{expand_known(exists.ref or '', view.expanded)}"


def _expanded(patterns: Collection[str], view: RuleView) -> Iterator[str]:
    return (
        expand_known(pattern, view.expanded) if "$" in pattern else pattern for pattern in patterns
    )


def _regexp_matches(pattern: str, paths: Collection[str], view: RuleView, keyword: str) -> bool:
    expanded = expand_known(pattern, view.expanded)
    if len(expanded) > MAX_LENGTH:
        words = f"(maximum is {MAX_LENGTH} characters after variable expansion)"
        raise RuleError(f"{keyword}:regexp is too long {words}")
    if len(paths) > MAX_COMPARISONS:
        return True
    regex = compile_path_regexp(expanded)
    if regex is None:
        raise RuleError(_without_secrets(f"{keyword}:regexp is invalid: {expanded}", view))
    return any(regex.found_in(path) for path in paths)
