"""The environments of each project and their deployments.

Keys::

    environments/<project>/deployments/<thousand>/<iid>    a Deployment
    environments/<project>/environments/<name>             an EnvironmentRecord
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gitlab_ci_provider.model.environment import Deployment, EnvironmentRecord
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.records.numbers import claim, numbered_key
from gitlab_ci_provider.records.store import RecordStore, key_name, read_document, update_document

EnvironmentChange = Callable[[EnvironmentRecord | None], EnvironmentRecord]


@dataclass(frozen=True, slots=True)
class Environments:
    """The environments of an installation."""

    store: RecordStore

    def get(self, project: str, name: str) -> EnvironmentRecord | None:
        """Read what is known of an environment.

        Raises:
            StateError: another version of this package has written it.
        """
        return read_document(self.store, _key(project, name), EnvironmentRecord)

    def change(self, project: str, name: str, change: EnvironmentChange) -> EnvironmentRecord:
        """Change what is known of an environment, so that no other job's change is lost.

        Raises:
            StateError: another version of this package has written it.
        """
        return update_document(self.store, _key(project, name), EnvironmentRecord, change)

    def deploy(self, project: str, deployment: Deployment) -> Deployment:
        """Give a deployment its number and store it."""
        prefix = f"{_prefix(project)}deployments/"
        iid = claim(self.store, prefix, lambda number: encode(replace(deployment, iid=number)))
        return replace(deployment, iid=iid)

    def of_project(self, project: str) -> list[EnvironmentRecord]:
        """List the environments of a project by name; raises StateError as `get` does."""
        keys = self.store.keys(f"{_prefix(project)}environments/")
        found = (read_document(self.store, key, EnvironmentRecord) for key in keys)
        return sorted(filter(None, found), key=lambda record: record.name)

    def history(self, project: str, most: int) -> list[Deployment]:
        """List the newest deployments of a project, newest first; raises StateError as `get`."""
        prefix = f"{_prefix(project)}deployments/"
        names = (key.rpartition("/")[2] for key in self.store.keys(prefix))
        numbers = sorted((int(name) for name in names if name.isdecimal()), reverse=True)
        keys = (numbered_key(prefix, number) for number in numbers[:most])
        found = (read_document(self.store, key, Deployment) for key in keys)
        return [deployment for deployment in found if deployment is not None]


def _prefix(project: str) -> str:
    return f"environments/{key_name(project)}/"


def _key(project: str, name: str) -> str:
    return f"{_prefix(project)}environments/{key_name(name)}"
