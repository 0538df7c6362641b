"""The environments of each project and their deployments, as files in the shared home folder.

As in `records/register.py` there is no lock: a deployment's number is a file that only one
process can create, and an environment's record is written whole by the job that changed it.
Layout::

    <project>/deployments/<thousand>/<iid>   a Deployment
    <project>/environments/<name>            an EnvironmentRecord
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.environment import Deployment, EnvironmentRecord
from gitlab_ci_provider.model.serialization import decode, encode
from gitlab_ci_provider.records.files import write_whole
from gitlab_ci_provider.records.numbers import claim, file_name


@dataclass(frozen=True, slots=True)
class Environments:
    """The environments of an installation, in one folder."""

    folder: Path

    def get(self, project: str, name: str) -> EnvironmentRecord | None:
        """Read what is known of an environment.

        Raises:
            SourceError: another version of this package has written it.
        """
        path = self._environment(project, name)
        return _read(path) if path.exists() else None

    def save(self, project: str, record: EnvironmentRecord) -> None:
        """Keep what is known of an environment."""
        write_whole(self._environment(project, record.name), encode(record))

    def deploy(self, project: str, deployment: Deployment) -> Deployment:
        """Give a deployment its number and keep it."""
        folder = self._project(project) / "deployments"
        iid = claim(folder, lambda number: encode(replace(deployment, iid=number)))
        return replace(deployment, iid=iid)

    def of_project(self, project: str) -> list[EnvironmentRecord]:
        """List the environments of a project by name; raises SourceError as `get` does."""
        paths = (self._project(project) / "environments").glob("[!.]*")
        return sorted(map(_read, paths), key=lambda record: record.name)

    def _project(self, project: str) -> Path:
        return self.folder / file_name(project)

    def _environment(self, project: str, name: str) -> Path:
        return self._project(project) / "environments" / file_name(name)


def _read(path: Path) -> EnvironmentRecord:
    try:
        return decode(path.read_bytes(), EnvironmentRecord)
    except msgspec.DecodeError as error:
        message = f"environment {path} cannot be read ({error}): remove it to begin anew"
        raise SourceError(message) from error
