"""Artifacts of a run, as an Airflow's pipeline page gives them to those who may read its logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.client import AirflowApi

_PAGE = "/gitlab-ci"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteArchive:
    """An archive that a job has left.

    Attributes:
        path: of its addresses in the Airflow.
        attempt: the try of the job that was asked for; 0 for its newest.
        kind: `archive`, or that of a report.
        expires: ISO 8601, empty for never.
    """

    path: str
    attempt: int
    job: str
    kind: str
    name: str
    files: int
    size: int
    expires: str

    @property
    def download(self) -> str:
        """Return the path of the archive itself."""
        return f"{self.path}/archive.zip{_of_try(self.attempt)}"

    def files_in(self, api: AirflowApi) -> list[dict[str, Any]]:
        """List what is in it: path, size and mode."""
        found: list[dict[str, Any]] = api.get(f"{self.path}/files{_of_try(self.attempt)}")
        return found


def _of_try(attempt: int) -> str:
    return f"?attempt={attempt}" if attempt else ""


def list_archives(api: AirflowApi, dag: str, run: str, attempt: int = 0) -> list[RemoteArchive]:
    """List the archives of a run's jobs: of the newest try of each, or of one try.

    Raises:
        AirflowApiError: the user may not read them, or this Airflow has no pipeline page.
    """
    base = f"{_PAGE}/dags/{quote(dag, safe='')}/runs/{quote(run, safe='')}/artifacts"
    return [
        RemoteArchive(
            path=f"{base}/{quote(found['task'], safe='')}/{quote(found['kind'], safe='')}",
            attempt=attempt,
            job=found["job"],
            kind=found["kind"],
            name=found["name"],
            files=found["files"],
            size=found["size"],
            expires=found["expires"],
        )
        for found in api.get(f"{base}{_of_try(attempt)}")
    ]
