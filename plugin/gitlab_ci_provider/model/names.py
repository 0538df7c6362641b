"""GitLab's names as Airflow identifiers: letters, digits, `-`, `_` and `.` only, unique."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping

CREATE_PIPELINE = "create_pipeline"
FINISH_PIPELINE = "finish_pipeline"
STAGE_END = "StageEndOperator"
"""Class of the tasks that stand for whole stages of a large pipeline."""

_VARIABLES = "gitlab_ci_secret_variables"

_MAX, _MAX_GROUP = 200, 180
"""Airflow allows 250 characters."""

_MAX_PROJECT, _MAX_PART = 120, 24
"""A project, a ref and a child of a child fit into one DAG's name."""

_PLAIN_PATH = re.compile(r"[A-Za-z0-9]+(?:[._/-][A-Za-z0-9]+)*")
"""What GitLab allows today: no special character next to another one, or at an end."""


def dag_id(project_path: str) -> str:
    """Name the DAG of a project: `group/project` is `group__project`.

    No two projects share a name, and with it CI/CD variables: what is no path of today's GitLab,
    such as `_group/project` or `group/a__b`, gets two hyphens and a hash.
    """
    name = project_path.replace("/", "__")
    if _PLAIN_PATH.fullmatch(project_path) and len(name) <= _MAX_PROJECT:
        return name
    slug = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:_MAX_PROJECT].strip("_-")
    return f"{slug or 'project'}--{_hash(project_path, 16)}"


def part_dag_id(owner: str, part: str) -> str:
    """Name the DAG of a ref or child pipeline after the DAG that it belongs to: `owner..part`.

    `dag_id` never makes two dots in a row of a GitLab path, and Airflow allows no `@`.
    """
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", part).strip("-")[:_MAX_PART]
    return f"{owner}..{slug}" if slug == part else f"{owner}..{slug}-{_short_hash(part)}"


def child_dag_id(parent: str, bridge: str) -> str:
    """Name the DAG of the child pipelines of a `trigger:` job: `parent...bridge`, with three dots.

    A branch may have the name of a job: its DAG has two.
    """
    return part_dag_id(f"{parent}.", bridge)


def owner_of(dag: str) -> str:
    """Name the DAG of the project that a DAG is a part of, at any depth, or is itself."""
    return dag.partition("..")[0]


def belongs_to(dag: str, owner: str) -> bool:
    """Return whether a DAG is that of a part of another, at any depth."""
    return dag.startswith(f"{owner}..")


def stored_variables_names(project_path: str) -> tuple[str, ...]:
    """Name the Airflow Variables that hold CI/CD variables for a project.

    Returns:
        For `group/project`: of the instance, `gitlab_ci_secret_variables`, then the same with
        `__group`, of each group from the outermost to the closest, and with `__group__project`.
    """
    parts = project_path.split("/")
    paths = ("/".join(parts[: count + 1]) for count in range(len(parts)))
    return (_VARIABLES, *(f"{_VARIABLES}__{dag_id(path)}" for path in paths))


def task_ids(jobs: Iterable[str]) -> dict[str, str]:
    """Name the task of each job; the same jobs always get the same names."""
    return _unique(jobs, taken={CREATE_PIPELINE, FINISH_PIPELINE}, slug=_slug)


def group_ids(stages: Iterable[str], tasks: Mapping[str, str]) -> dict[str, str]:
    """Name the task group of each stage; tasks and groups share one space of names.

    In Airflow the name of a group is shorter than that of a task, and has no dots.
    """
    taken = {CREATE_PIPELINE, FINISH_PIPELINE, *tasks.values()}
    by_name = _unique((f"stage-{stage}" for stage in stages), taken=taken, slug=_group_slug)
    return {name.removeprefix("stage-"): group for name, group in by_name.items()}


def stage_end_ids(
    stages: Iterable[str], tasks: Mapping[str, str], groups: Mapping[str, str]
) -> dict[str, str]:
    """Name the task that ends when a stage has; it shares the names of tasks and groups."""
    taken = {CREATE_PIPELINE, FINISH_PIPELINE, *tasks.values(), *groups.values()}
    by_name = _unique((f"end-of-{stage}" for stage in stages), taken=taken, slug=_slug)
    return {name.removeprefix("end-of-"): task for name, task in by_name.items()}


def _unique(names: Iterable[str], *, taken: set[str], slug: Callable[[str], str]) -> dict[str, str]:
    ids: dict[str, str] = {}
    used = set(taken)
    ordered = sorted(set(names), key=lambda name: (slug(name) != name, name))
    for name in ordered:
        chosen, hashed = slug(name), name
        while chosen in used:
            chosen, hashed = f"{slug(name)[:_MAX]}-{_short_hash(hashed)}", f"{hashed}\0"
        used.add(chosen)
        ids[name] = chosen
    return ids


def _group_slug(name: str) -> str:
    return _slug(name.replace(".", "_"), _MAX_GROUP)


def _slug(name: str, limit: int = _MAX) -> str:
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_") or "job"
    return slug if len(slug) <= limit else f"{slug[:limit]}-{_short_hash(name)}"


def _short_hash(text: str) -> str:
    return _hash(text, 8)


def _hash(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]
