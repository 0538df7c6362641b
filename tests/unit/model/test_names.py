"""GitLab's names as Airflow identifiers."""

from __future__ import annotations

import re

import pytest

from gitlab_ci_provider.model.dag_record import DagKind, kind_of
from gitlab_ci_provider.model.names import (
    belongs_to,
    child_dag_id,
    dag_id,
    group_ids,
    part_dag_id,
    stored_variables_names,
    task_ids,
)

HOSTILE = [
    "build",
    "build linux",
    "build:linux",
    "test 1/3",
    "test: [a, b]",
    "ü",
    "日本",
    "..",
    " ",
]


@pytest.mark.parametrize("part", HOSTILE)
@pytest.mark.parametrize("project", ["group/project", "a.b/c.d", "g/x." + "y" * 300])
def test_the_kind_of_a_dag_is_in_its_name(project: str, part: str):
    """Whatever projects, refs and jobs are called: nobody has to read a record to tell it."""
    owner = dag_id(project)
    ref, child = part_dag_id(owner, part), child_dag_id(owner, part)

    assert kind_of(owner) is DagKind.PROJECT
    assert kind_of(ref) is DagKind.REF
    assert kind_of(child) is kind_of(child_dag_id(ref, part)) is DagKind.CHILD


def test_a_plain_name_stays_as_it_is():
    """Names that Airflow allows are not changed."""
    assert task_ids(["unit-test_1.x"]) == {"unit-test_1.x": "unit-test_1.x"}


def test_every_name_becomes_a_valid_and_unique_id():
    """Airflow allows letters, digits, `-`, `_` and `.`; no two jobs may share a task."""
    ids = task_ids(HOSTILE)

    assert len(set(ids.values())) == len(HOSTILE)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,250}", one) for one in ids.values())


def test_ids_do_not_depend_on_the_order():
    """The same jobs get the same ids in any order: else every parse makes a new DAG version."""
    assert task_ids(HOSTILE) == task_ids(reversed(HOSTILE))


def test_the_clean_name_wins():
    """Of two names that clash, the one that needed no change keeps its own."""
    assert task_ids(["a b", "a_b"])["a_b"] == "a_b"


@pytest.mark.parametrize("name", ["create_pipeline", "finish_pipeline"])
def test_our_own_tasks_keep_their_names(name: str):
    """A job called like one of our tasks gets another id."""
    assert task_ids([name])[name] != name


def test_a_stage_and_its_jobs_may_share_a_name():
    """Airflow has one space of names for tasks and groups; GitLab has two."""
    tasks = task_ids(["test", "stage-test"])

    groups = group_ids(["test"], tasks)

    assert groups["test"] not in tasks.values()


@pytest.mark.parametrize(
    "stages", [[".pre", ".post", "_pre"], ["a.b", "a_b"], ["x" * 300, "x." * 150]]
)
def test_any_stage_has_a_group_of_its_own(stages: list[str]):
    """Airflow refuses a DAG with a dot in the name of a group, or more than 200 characters."""
    groups = group_ids(stages, {})

    assert len(set(groups.values())) == len(stages)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,200}", group) for group in groups.values())


def test_no_job_takes_the_id_that_another_was_given():
    """An author who writes the id that a clash leads to as a name gets one of its own, too."""
    first = task_ids(["x", "x!"])["x!"]

    assert len({*task_ids(["x", "x!", first]).values()}) == 3


def test_a_long_name_is_cut_and_stays_unique():
    """A name of 300 characters fits, and differs from one with the same beginning."""
    ids = task_ids(["x" * 300, "x" * 299 + "y"])

    assert len(set(ids.values())) == 2
    assert all(len(one) <= 250 for one in ids.values())


def test_dag_id():
    """The namespace is part of the DAG's name."""
    assert dag_id("group/sub/project.x") == "group__sub__project.x"


@pytest.mark.parametrize(
    "path",
    ["_group/project", "group_/project", "group/_project", "group/project_", "group__project",
     "group/project ", "group//project", "group/project..main", "-group/project"],
)  # fmt: skip
def test_no_project_has_the_variables_of_another(path: str):
    """Git servers and older GitLabs allow paths that look like others when `/` becomes `__`."""
    others = stored_variables_names("group/project/main")
    groups = path.count("/") if path.startswith("group/") else 0

    assert dag_id(path) not in {dag_id("group/project"), dag_id("group/project/main")}
    assert kind_of(dag_id(path)) is DagKind.PROJECT
    assert set(stored_variables_names(path)) & set(others) == set(others[: 1 + min(groups, 1)])


def test_no_path_is_written_as_another_was_named():
    """The name that an odd path gets is not that of a path that is written like it."""
    made = dag_id("group/a__b")

    assert re.fullmatch(r"group__a__b--[0-9a-f]{16}", made)
    assert dag_id(made.replace("__", "/")) != made


def test_a_branch_and_a_job_of_one_name_have_dags_of_their_own():
    """A branch `deploy` of another topology and a `trigger:` job `deploy` do not meet."""
    child = child_dag_id("group__project", "deploy")

    assert child == "group__project...deploy"
    assert child != part_dag_id("group__project", "deploy")
    assert belongs_to(child, "group__project")
