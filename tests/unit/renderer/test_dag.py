"""A pipeline as a DAG."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from factories import make_dag_record
from gitlab_ci_provider.model.dag_record import DagKind
from gitlab_ci_provider.model.environment import Environment
from gitlab_ci_provider.model.job import Job, Retry, Script
from gitlab_ci_provider.model.pipeline import Included, Pipeline, PipelineInput, TaskSlot
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.topology import shown
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.renderer.dag import render_dag
from gitlab_ci_provider.renderer.params import run_params
from gitlab_ci_provider.settings import Settings

JOBS = (
    Job(name="compile: [a, b]", stage="build"),
    Job(name="test", stage="test", timeout=90, retry=Retry(max=1)),
    Job(name="lint", stage="test"),
)
PRODUCTION = Environment(name="production")
PIPELINE = Pipeline(
    stages=("build", "test"),
    jobs={job.name: job for job in JOBS},
    edges={"test": ("compile: [a, b]",), "lint": ("compile: [a, b]",)},
    variables=Variables(
        [
            Variable(name="LEVEL", value="low", description="how much", options=("low", "high")),
            Variable(name="HIDDEN", value="x"),
        ]
    ),
)
RECORD = make_dag_record(digest="abc123")

FEATURE = Ref(name="feature", sha="1" * 40)


@pytest.fixture(scope="module")
def dag() -> Any:
    return render_dag(RECORD, PIPELINE, Settings(home=Path("home")))


def serialized(dag: Any) -> str:
    return json.dumps(DagSerialization.to_dict(dag), sort_keys=True, default=str)


def test_no_task_has_a_copy_of_the_params(dag: Any):
    """The form is stored once for each DAG, not once for each of its jobs."""
    assert dag.params
    assert [task.task_id for task in dag.tasks if task.params] == []
    assert serialized(dag).count("how much") == 1


def test_the_documentation_lists_what_was_included_from_elsewhere(dag: Any):
    """Each file at its commit; what others have written cannot end the code that it is."""
    lock = (
        Included(file="group/ci:a.yml", sha="1" * 40, asked="~latest", version="1.2.0"),
        Included(file="template:`x`\n<b>.yml", sha="sha256:ab"),
    )
    shown = render_dag(RECORD, replace(PIPELINE, lock=lock), Settings(home=Path("home"))).doc_md

    assert str(shown).endswith(
        "Included from elsewhere:\n\n"
        f"- `group/ci:a.yml` at `{'1' * 40}` (asked for `~latest`, version `1.2.0`)\n"
        "- `template:'x'\\n<b>.yml` at `sha256:ab`\n"
    )
    assert "Included" not in dag.doc_md


def test_tasks_are_in_the_pools_and_queues_of_their_runners(dag: Any):
    """What the snapshot says of a job; the others are left to Airflow."""
    slots = {"test": TaskSlot(pool="cards", queue="ml", priority=9)}
    tasks = render_dag(
        RECORD, replace(PIPELINE, slots=slots), Settings(home=Path("home"))
    ).task_dict

    assert (tasks["test"].pool, tasks["test"].queue, tasks["test"].priority_weight) == (
        "cards",
        "ml",
        9,
    )
    assert tasks["lint"].pool == dag.task_dict["lint"].pool


def test_the_same_pipeline_gives_the_same_dag(dag: Any):
    """A parse that finds nothing new must not make a new DAG version."""
    again = render_dag(RECORD, PIPELINE, Settings(home=Path("home")))

    assert serialized(again) == serialized(dag)


def test_a_changed_script_makes_no_new_version(dag: Any):
    """Airflow makes a version of a DAG that looks another way; scripts are not in a DAG."""
    make = Script(main=("make",))
    scripts = {name: replace(job, script=make) for name, job in PIPELINE.jobs.items()}
    edited = replace(PIPELINE, jobs=scripts)
    record = replace(RECORD, digest="def456")

    assert serialized(render_dag(record, edited, Settings(home=Path("home")))) == serialized(dag)


@pytest.mark.parametrize(
    "changed",
    [
        {"jobs": {**PIPELINE.jobs, "test": replace(PIPELINE.jobs["test"], timeout=91)}},
        {"edges": {}},
        {"variables": Variables([Variable(name="LEVEL", value="low", description="how")])},
        {"inputs": (PipelineInput(name="level"),)},
        {"lock": (Included(file="ci.yml", sha="1" * 40),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_a_dag_shows_has_a_name(dag: Any, changed: dict[str, Any]):
    """Who waits until Airflow has read a DAG waits for that name, which its documentation has."""
    other = replace(PIPELINE, **changed)
    read = render_dag(RECORD, other, Settings(home=Path("home")))

    assert f"`{shown(PIPELINE)}`" in str(dag.doc_md)
    assert f"`{shown(other)}`" in str(read.doc_md)
    assert shown(other) != shown(PIPELINE)


def test_each_stage_is_a_group_and_each_job_a_task(dag: Any):
    """People find GitLab's names in Airflow."""
    groups = {group.group_display_name for group in dag.task_group.children.values()
              if not hasattr(group, "task_id")}  # fmt: skip
    names = {task.task_display_name for task in dag.tasks}

    assert groups == {"build", "test"}
    assert names == {*PIPELINE.jobs, "create_pipeline", "finish_pipeline"}


def test_tasks_of_the_pipeline_survive_lost_workers(dag: Any):
    """Who creates or ends a pipeline and dies without a word is tried again, as its jobs are."""
    assert dag.get_task("create_pipeline").retries > 0
    assert dag.get_task("finish_pipeline").retries > 0


def test_a_run_begins_and_ends_with_our_tasks(dag: Any):
    """`create_pipeline` is the only root, `finish_pipeline` the only leaf."""
    assert [task.task_id for task in dag.roots] == ["create_pipeline"]
    assert [task.task_id for task in dag.leaves] == ["finish_pipeline"]


def test_timeout_and_retries_are_the_jobs(dag: Any):
    """Airflow ends a job at its timeout; lost workers have tries of their own."""
    task = dag.get_task("test")

    assert task.execution_timeout.total_seconds() == 90
    assert task.retries == 9


def test_the_form_has_a_field_for_each_described_variable(dag: Any):
    """Variables with a description are fields, the others are not."""
    assert set(dag.params) == {"ref", "LEVEL", "variables", "source", "merge_request", "jobs"}
    assert dag.params.get_param("LEVEL").schema["enum"] == ["low", "high"]


def test_inputs_are_fields_of_their_type():
    """A required input may stay empty in the form: the run's conf can give it."""
    inputs = (
        PipelineInput(name="count", type="number", required=False, default=1),
        PipelineInput(name="where", options=("here", "there"), description="a place"),
    )
    form = run_params(replace(PIPELINE, inputs=inputs), "main")

    assert list(form)[1:3] == ["input_count", "input_where"]
    assert form["input_count"].schema["type"] == ["null", "number"]
    assert form["input_where"].schema["enum"] == ["here", "there", None]
    assert form["input_where"].resolve() is None
    assert form["input_count"].resolve() == 1


def test_the_dag_of_a_ref_starts_with_it_and_runs_at_once():
    """Its form names the ref, and nobody has to unpause what was made for a waiting run."""
    record = replace(RECORD, kind=DagKind.REF, dag_id="group__project..x", ref=FEATURE, title="t")

    dag = render_dag(record, PIPELINE, Settings(home=Path("home")))

    assert (dag.dag_id, dag.dag_display_name) == ("group__project..x", "t")
    assert dag.params["ref"] == "feature"
    assert dag.is_paused_upon_creation is False
    assert any(tag.startswith("topology-") for tag in dag.tags)


def test_nothing_of_a_job_passes_through_jinja(dag: Any):
    """Scripts hold braces of their own: no field of our operators is a template."""
    assert {tuple(task.template_fields) for task in dag.tasks} == {()}


def test_a_deployment_has_a_button_to_its_environment():
    """And no other task has: each button costs its task a moment."""
    jobs = (
        Job(name="test", stage="test"),
        Job(name="deploy", stage="test", environment=PRODUCTION),
    )
    pipeline = Pipeline(stages=("test",), jobs={job.name: job for job in jobs}, edges={})

    dag = render_dag(RECORD, pipeline, Settings(home=Path("home")))

    buttons = {
        task.task_id: [link.name for link in task.operator_extra_links] for task in dag.tasks
    }
    assert [name for name, found in buttons.items() if "Environment" in found] == ["deploy"]
    assert "_link_EnvironmentLink" in serialized(dag)
