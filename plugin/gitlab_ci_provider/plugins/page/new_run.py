"""IDs for runs that are about to be started: with the number that their pipeline will have."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from pydantic import BaseModel, Field

from gitlab_ci_provider.airflow_internals.run_rows import read_run
from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state_for_people

_log = logging.getLogger(__name__)


class Asked(BaseModel):
    """What the run will be for: a ref and its commit, as far as they are known."""

    ref: Annotated[str, Field(max_length=1000)] = ""
    sha: Annotated[str, Field(max_length=40)] = ""


def new_run_id(session: Any, dag_id: str, ref: str, sha: str) -> str:
    """Reserve a number and name a run by it; empty when the state cannot be reached."""
    try:
        state = open_state_for_people(load_settings())
        dag = state.snapshots.load_dag(dag_id)
        path, named = dag.project.path, ref or dag.ref.name
        return state.register.reserve(
            path, named, sha, taken=lambda run: bool(read_run(session, dag_id, run))
        )
    except StateError as problem:
        _log.warning("the run gets a name without a number: %s", problem)
        return ""
