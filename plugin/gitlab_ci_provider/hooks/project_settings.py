"""The settings of GitLab projects that this package needs, in one Airflow Variable.

`gitlab_ci_projects` holds JSON, by project path, with the names of GitLab's REST API::

    {"group/project": {"auto_cancel_pending_pipelines": "disabled",
                       "resource_group_default_process_mode": "oldest_first",
                       "resource_groups": {"production": "newest_ready_first"},
                       "job_token_scope": {"allowlist": ["group/app"],
                                           "groups_allowlist": ["group/tools"]}}}

It is an Airflow Variable because people who may not deploy can change it while pipelines run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.serialization import decode
from gitlab_ci_provider.schedule.resource_group import ProcessMode

VARIABLE = "gitlab_ci_projects"


class JobTokenScope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which other projects' jobs may reach a project; named as in GitLab's API of that name.

    Attributes:
        inbound_enabled: only listed projects may; otherwise all.
        allowlist: paths of projects.
        groups_allowlist: paths of groups; with all projects below them.
    """

    inbound_enabled: bool = True
    allowlist: Sequence[str] = ()
    groups_allowlist: Sequence[str] = ()

    def allows(self, project: str) -> bool:
        """Return whether another project's jobs may reach this one."""
        grouped = any(project.startswith(f"{group}/") for group in self.groups_allowlist)
        return not self.inbound_enabled or project in self.allowlist or grouped


class ProjectSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one project; the defaults are GitLab's.

    Attributes:
        auto_cancel_pending_pipelines: whether new pipelines cancel redundant ones of their ref.
        resource_group_default_process_mode: of groups that `resource_groups` does not name.
        resource_groups: the process mode by resource group.
        job_token_scope: which other projects may take artifacts, or start protected pipelines.
        runner_cache: folder of the bucket in which GitLab Runner keeps the project's caches, such
            as `runner/t0k3n/project/42`; not of GitLab's API.
        runner_cache_save: caches are saved there and not in our own place, in the runner's form, so
            that GitLab Runner finds them; not of GitLab's API.
    """

    auto_cancel_pending_pipelines: Literal["enabled", "disabled"] = "enabled"
    resource_group_default_process_mode: ProcessMode = ProcessMode.UNORDERED
    resource_groups: Mapping[str, ProcessMode] = {}
    job_token_scope: JobTokenScope = JobTokenScope()
    runner_cache: str = ""
    runner_cache_save: bool = False

    def process_mode(self, resource_group: str) -> ProcessMode:
        """Return in which order the jobs of a resource group run."""
        usual = self.resource_group_default_process_mode
        return self.resource_groups.get(resource_group, usual)


def project_settings(project: str) -> ProjectSettings:
    """Read the settings of a project.

    Raises:
        SettingsError: the Airflow Variable is wrong; the message says where.
    """
    from airflow.sdk import Variable

    return parse(str(Variable.get(VARIABLE, default="{}")), project)


def may_reach(project: str, other: str) -> bool:
    """Return whether jobs of a project may reach another: itself always, others where it says so.

    Raises:
        SettingsError: the Airflow Variable is wrong; the message says where.
    """
    return project == other or project_settings(other).job_token_scope.allows(project)


def parse(text: str, project: str) -> ProjectSettings:
    """Read one project's settings from the text of the Airflow Variable.

    Raises:
        SettingsError: the text is wrong; errors of other projects do not matter.
    """
    try:
        found = msgspec.json.decode(text, type=dict[str, msgspec.Raw]).get(project)
        return ProjectSettings() if found is None else decode(bytes(found), ProjectSettings)
    except msgspec.MsgspecError as problem:
        message = f"the Airflow Variable {VARIABLE} is wrong for {project}: {problem}"
        raise SettingsError(message) from problem
