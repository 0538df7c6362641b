"""A repository whose runs are created."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from factories import PROJECT, make_dag_record, make_entry
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.variables import ConfiguredVariables
from gitlab_ci_provider.runs.create.pinned import Pinned, pin
from gitlab_ci_provider.runs.form import RunForm
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.repositories import commit, make_repository
from unit.runs.support import make_task

CONFIG = "job: {script: 'true'}\n"


class Repository:
    """A repository whose pipelines are pinned as a run would."""

    def __init__(self, folder: Path):
        self.path = folder / "group" / "project"
        self.first = make_repository(self.path, {".gitlab-ci.yml": CONFIG, "a": "1"})
        self.settings = Settings(home=folder / "home")
        self.record = make_dag_record(project=replace(PROJECT, clone_url=self.path.as_uri()))

    def commit(self, files: Mapping[str, str]) -> str:
        """Commit files; return the sha."""
        return commit(self.path, files, "change")

    def pin(self, settings: Settings | None = None, **form: Any) -> Pinned:
        """Fix the commit of a run."""
        asked = RunForm(**{"ref": "main", "source": "push", **form})
        return pin(make_task(settings or self.settings), self.record, asked, ConfiguredVariables())

    def ran(self, sha: str, run: str, name: str = "main") -> None:
        """Register a pipeline that ran for a commit of a branch."""
        entry = make_entry(run_id=run, ref=Ref(name=name, sha=sha))
        open_state(self.settings).register.enter(entry)
