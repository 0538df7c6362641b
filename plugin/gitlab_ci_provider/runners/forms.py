"""What the texts of options must look like: each function says what is wrong, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gitlab_ci_provider.model.runner_parts import Form
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from gitlab_ci_provider.pods.resources import quantity
from gitlab_ci_provider.storage.globs import BadPatternError, compile_glob

_LONGEST = 256
"""Characters that Airflow stores of the name of a pool or queue."""

_MOST = 4096
"""Characters of a pattern or a name: to compile longer ones takes long."""

_SHOWN = 60

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_AIRFLOWS = frozenset(
    {
        "already_checked",
        "airflow_kpo_in_cluster",
        "airflow_version",
        "dag_id",
        "kubernetes_pod_operator",
        "map_index",
        "run_id",
        "task_id",
        "try_number",
    }
)
"""Labels with which Airflow's pod operator, and we with it, find a task's pod again."""


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern is found anywhere in a text, by the rules of Go and in linear time.

    Raises:
        ValueError: the pattern is not a regular expression of RE2.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options).search(text.encode("utf-8", "replace")) is not None
    except re2.error as problem:
        raise ValueError(str(problem)) from problem


def label_problem(key: str) -> str:
    """Say why a label or annotation cannot have this key."""
    domain, slash, name = key.rpartition("/")
    if not _NAME.fullmatch(name) or (slash and not DOMAIN.fullmatch(domain)):
        return f"{key!r} is not a key of a label in Kubernetes"
    if is_own_label(key):
        return f"the label {key!r} is set by Airflow or this package"
    return ""


def is_own_label(key: str) -> bool:
    """Return whether a label is ours or Airflow's, and so cannot be given."""
    domain = key.rpartition("/")[0]
    return key in _AIRFLOWS or domain == LABEL_DOMAIN or domain.endswith(f".{LABEL_DOMAIN}")


def _quantity_problem(text: str) -> str:
    if quantity(text) is not None:
        return ""
    return f"{text!r} is not a quantity of Kubernetes such as '500m' or '2Gi'"


def _regex_problem(text: str) -> str:
    try:
        matches(text, "")
    except ValueError as problem:
        return f"{text!r} is not a regular expression of RE2: {problem}"
    return ""


def _glob_problem(text: str) -> str:
    try:
        compile_glob(text)
    except BadPatternError as problem:
        return f"{text!r} is not a pattern: {problem}"
    return ""


def _variable_problem(text: str) -> str:
    return "" if _VARIABLE.fullmatch(text) else f"{text!r} is not a name of a variable"


def _flag_problem(text: str) -> str:
    if text.startswith("FF_") and _VARIABLE.fullmatch(text):
        return ""
    return f"{text!r} is not the name of a feature flag, which begins with 'FF_'"


def _airflow_problem(text: str) -> str:
    if len(text) <= _LONGEST and text.isprintable() and text == text.strip():
        return ""
    return f"must have at most {_LONGEST} printable characters, without spaces around them"


def _bucket_problem(text: str) -> str:
    return "" if _BUCKET.fullmatch(text) else f"{text[:_LONGEST]!r} is not the name of a bucket"


def _path_problem(text: str) -> str:
    parts = text.strip("/").split("/")
    if {"", ".", ".."} & set(parts) or len(text) > _LONGEST or not text.isprintable():
        return f"{text[:_LONGEST]!r} is not a path such as 'ci/caches'"
    return ""


def _name_problem(text: str) -> str:
    return "" if DOMAIN.fullmatch(text) else f"{text[:_LONGEST]!r} is not a name in Kubernetes"


def form_problem(form: Form, text: str) -> str:
    """Say what is wrong with a text; empty when nothing is. Empty texts say nothing."""
    check = _FORMS.get(form)
    if check and len(text) > _MOST:
        return f"'{text[:_SHOWN]}...' is longer than {_MOST} characters"
    return check(text) if check and text else ""


_FORMS: Mapping[Form, Callable[[str], str]] = {
    "quantity": _quantity_problem,
    "regex": _regex_problem,
    "glob": _glob_problem,
    "label": label_problem,
    "variable": _variable_problem,
    "flag": _flag_problem,
    "airflow": _airflow_problem,
    "path": _path_problem,
    "bucket": _bucket_problem,
    "name": _name_problem,
}
