"""Addresses of pipelines in Airflow's UI: of their own pages, and of Airflow's pages of runs.

A pipeline's own page is below the list of projects. Airflow's page of a run has the same as a tab,
but loads more before it shows that, and is never narrower than 1280 pixels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

_RUN = re.compile(r"(.*)/(?:dags/([^/]+)/runs|plugin/pipelines/([^/]+))/([^/]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAddress:
    """A run of an Airflow, whose UI is at `base`."""

    base: str
    dag: str
    run: str


def page_path(dag: str, run: str, task: str = "") -> str:
    """Name the page of a pipeline, or of one of its jobs, relative to the UI's base."""
    job = f"?job={quote(task, safe='')}" if task else ""
    return f"plugin/pipelines/{quote(dag, safe='')}/{quote(run, safe='')}{job}"


def read_address(given: str) -> RunAddress | None:
    """Read the address of a page of a run, whichever it is; None for anything else."""
    parts = urlsplit(given)
    found = _RUN.match(parts.path) if parts.scheme in {"http", "https"} else None
    if found is None:
        return None
    before, in_airflow, own, run = found.groups()
    base = f"{parts.scheme}://{parts.netloc}{before}"
    return RunAddress(base=base, dag=unquote(in_airflow or own), run=unquote(run))
