"""The Airflow that a command talks to: the embedded one, or any other.

Secrets come from the environment only: every user of a machine can see arguments.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import airflowctl, output
from gitlab_ci_provider.cli.repositories import dag_named
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import SourceError, StackError

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.client import AirflowApi
    from gitlab_ci_provider.discovery.sync import Sync
    from gitlab_ci_provider.model.dag_record import DagRecord
    from gitlab_ci_provider.sources.git import Mirror

URL = "GITLAB_DAGS_AIRFLOW_URL"
TOKEN = "GITLAB_DAGS_AIRFLOW_TOKEN"  # noqa: S105 - the name of a variable
USER = "GITLAB_DAGS_AIRFLOW_USER"
PASSWORD = "GITLAB_DAGS_AIRFLOW_PASSWORD"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Target:
    """An Airflow and, where it can be written from here, the folder that it makes its DAGs from."""

    api: AirflowApi
    sync: Sync | None
    dag_files: Path | None

    def url_of(self, project: str) -> str:
        """Find the repository of a project: a folder, a URL, or its path in the Airflow."""
        from gitlab_ci_provider.discovery.repositories import clone_url
        from gitlab_ci_provider.model.names import dag_id

        if self.sync is None or "://" in project or Path(project).is_dir():
            return clone_url(project)
        known = self.sync.state.snapshots.find_dag(dag_id(project))
        return known.project.clone_url if known else clone_url(project)

    def mirror(self, project: str) -> Mirror:
        """Open the mirror of a project.

        Raises:
            SourceError: there is none: Airflow's folder cannot be reached from here.
        """
        from gitlab_ci_provider.sources.git import Mirror

        if self.sync is None:
            raise SourceError(
                "cannot read the commits: give the [gitlab_ci] home of the Airflow with --home"
            )
        url = self.url_of(project)
        return Mirror.open(self.sync.mirrors, url, self.sync.logins(url))

    def dag(self, project: str, ref: str | None, sha: str = "") -> str:
        """Name the DAG for a ref, after making it if that is possible from here.

        Raises:
            SourceError: the ref does not compile; what is wrong was printed.
        """
        if self.sync is None:
            return dag_named(project)  # where a ref has other jobs, the run makes a DAG for it
        record = self._synced(self.sync, project, ref, sha)
        file = self.dag_files / f"{record.dag_id}.py" if self.dag_files else None
        shown = self.sync.state.snapshots.shown(record.digest)
        self.api.wait_for_dag(record.dag_id, shown=shown, file=file)
        return record.dag_id

    def _synced(self, sync: Sync, project: str, ref: str | None, sha: str) -> DagRecord:
        from gitlab_ci_provider.snapshots.dag_files import write_dag_files

        result = sync.one(self.url_of(project), ref, sha)
        output.diagnostics(result.diagnostics)
        if not result.ok or result.record is None:
            raise SourceError(f"{project}: {sha or ref or 'this ref'} has no pipeline that can run")
        if self.dag_files is not None:
            write_dag_files(sync.state.snapshots, self.dag_files)
        return result.record


def add_address_flags(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the flags that select the Airflow."""
    flags = parser.add_argument_group(
        "which Airflow (default: the embedded stack)",
        f"Log in with the token ${TOKEN}, or with ${USER} and ${PASSWORD}.",
    )
    flags.add_argument(
        "--airflow-url", metavar="URL", help=f"address of the Airflow (default: ${URL})"
    )
    flags.add_argument(
        "--airflow-env", metavar="NAME", help="an environment of `airflowctl auth login`, instead"
    )
    return flags


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that select the Airflow, and the folder that it makes its DAGs from."""
    flags = add_address_flags(parser)
    flags.add_argument("--home", type=Path, help="its [gitlab_ci] home, if it is on this machine")
    flags.add_argument(
        "--dag-files", type=Path, metavar="DIR", help="its [gitlab_ci] dag_files, if it has any"
    )


def given_url(args: argparse.Namespace) -> str:
    """Return the address of the Airflow that is meant; empty for the embedded stack."""
    named = getattr(args, "airflow_env", None)  # `prune` has no flag for it
    if named:
        if args.airflow_url:
            raise WrongUsage("give either --airflow-url or --airflow-env")
        return airflowctl.url_of(named)
    return str(args.airflow_url or os.environ.get(URL) or "")


def _token(args: argparse.Namespace) -> str:
    given = os.environ.get(TOKEN, "")
    named = getattr(args, "airflow_env", None)
    return given or (airflowctl.token_of(named) if named else "")


def target(args: argparse.Namespace) -> Target:
    """Connect to the selected Airflow.

    Raises:
        StackError: no stack is running.
        AirflowApiError: Airflow cannot be reached, or refuses the login.
    """
    from gitlab_ci_provider.airflow_api.client import AirflowApi
    from gitlab_ci_provider.airflow_api.session import Access, RetryPolicy
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.stack.state import connect, read_state

    url = given_url(args)
    if url:
        access = Access(
            url=url.rstrip("/"),
            token=_token(args),
            user=os.environ.get(USER, ""),
            password=os.environ.get(PASSWORD, ""),
        )
        return Target(
            AirflowApi(access, RetryPolicy(tell=output.note)),
            _sync(args.home),
            getattr(args, "dag_files", None),
        )
    if getattr(args, "home", None) or getattr(args, "dag_files", None):
        raise WrongUsage("--home and --dag-files are those of another Airflow: give --airflow-url")
    home = default_home()
    state = read_state(home)
    if state is None:
        message = (
            "no stack is running: start one with `gitlab-dags up`, "
            f"or give the address of an Airflow with --airflow-url or ${URL}"
        )
        raise StackError(message)
    return Target(connect(home, state, output.note), _sync(home.data), home.dags)


def _sync(home: Path | None) -> Sync | None:
    from gitlab_ci_provider.discovery.open_sync import open_sync
    from gitlab_ci_provider.settings import home_settings

    return None if home is None else open_sync(home_settings(home))
