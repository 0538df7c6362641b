"""What every task of ours needs before it can do anything.

Airflow forks a process for each task. A process forked from one that has imported these modules
does not import them again: about two seconds of processor time a task, most of it Kubernetes'
clients. Nor does it prepare again what `rehearse` has prepared: about 60 milliseconds.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from gitlab_ci_provider.airflow_internals.startup import TASK_RUNNER
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.serialization import decoder

MODULES = (
    TASK_RUNNER,
    "gitlab_ci_provider.operators.create_pipeline",
    "gitlab_ci_provider.operators.finish_pipeline",
    "gitlab_ci_provider.operators.job",
    "gitlab_ci_provider.renderer.load",
    "gitlab_ci_provider.compiler.compile",
    "gitlab_ci_provider.rules.evaluate",
    "boto3",
)
"""In the order in which they are needed. None starts a thread or opens a connection."""


def preload() -> None:
    """Import and prepare in this process."""
    for name in MODULES:
        importlib.import_module(name)
    rehearse()


def rehearse() -> None:
    """Do what fills caches of this process: read types, make a DAG and its templates."""
    from gitlab_ci_provider.renderer.dag import render_dag
    from gitlab_ci_provider.settings import Settings
    from gitlab_ci_provider.snapshots.store import StoredDag

    for kind in (StoredDag, Pipeline, PipelineRun, PipelineEntry):
        decoder(kind)
    project = Project(path="rehearsal", clone_url="")
    record = DagRecord(dag_id="rehearsal", project=project, ref=Ref(name="main", sha=""))
    job = Job(name="job", stage="test")
    pipeline = Pipeline(stages=(job.stage,), jobs={job.name: job}, edges={})
    render_dag(record, pipeline, Settings(home=Path())).get_template_env()
