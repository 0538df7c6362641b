"""Our webhook in a project or group: made, changed so that it fits, listed, removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.exceptions import GitlabApiError, SettingsError
from gitlab_ci_provider.gitlab_api.client import open_gitlab
from gitlab_ci_provider.gitlab_api.errors import in_words
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.model.quoted import quoted

if TYPE_CHECKING:
    from gitlab.v4.objects import Group, Project

_WANTED = ("push_events", "tag_push_events", "merge_requests_events")
_OTHERS = (
    *("confidential_issues_events", "confidential_note_events", "deployment_events"),
    *("issues_events", "job_events", "note_events", "pipeline_events", "releases_events"),
    "wiki_page_events",
)
_PLACE = "/gitlab-webhooks/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook to an Airflow.

    Attributes:
        owner: `project group/app` or `group group`.
        events: those that it reports.
    """

    owner: str
    id: int
    url: str
    events: tuple[str, ...]

    def is_of(self, path: str) -> bool:
        """Return whether it is that of a project or group itself."""
        return self.owner.partition(" ")[2] == path

    def __str__(self) -> str:
        return f"{self.owner}: webhook {self.id} to {self.url} ({', '.join(self.events)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAddress:
    """Where a webhook goes, and its secrets; at least one of them is needed."""

    airflow_url: str
    conn_id: str
    signing_token: str = ""
    token: str = ""

    @property
    def url(self) -> str:
        """The address that GitLab calls."""
        return f"{self.airflow_url.rstrip('/')}{_PLACE}{self.conn_id}"


def install(server: GitLabServer, path: str, address: WebhookAddress) -> list[Webhook]:
    """Make the webhook of a project or group, or change the one with this address.

    Where GitLab has none of groups, as the free one, or not for this token, each project gets one.

    Raises:
        GitlabApiError: GitLab refuses or does not answer.
        SettingsError: this GitLab does not sign, and there is no secret token.
    """
    return [_install(server, owner, address) for owner in _owners(server, path)]


def _install(server: GitLabServer, owner: Project | Group, address: WebhookAddress) -> Webhook:
    path = _path(owner)
    secrets = {"signing_token": address.signing_token, "token": address.token}
    wanted: dict[str, Any] = {
        "url": address.url,
        "enable_ssl_verification": address.url.startswith("https://"),
        **dict.fromkeys(_WANTED, True),
        **dict.fromkeys(_OTHERS, False),
        **{name: secret for name, secret in secrets.items() if secret},
    }
    with in_words(server, f"install the webhook of {path}"):
        listed = owner.hooks.list(iterator=True)
        known = next((hook for hook in listed if hook.url == address.url), None)
        if known is None:
            made = owner.hooks.create(wanted).attributes
        else:
            made = {**known.attributes, **owner.hooks.update(known.id, wanted)}
    if address.signing_token and not made.get("signing_token_present"):
        words = (
            f"the webhook of {path} is installed, but GitLab at {server.url} does not sign: it "
            "is older than 19. Use `webhook_token` in the connection instead of "
            "`webhook_signing_token`, then install it again"
        )
        raise SettingsError(words)
    return _webhook(owner, made)


def installed(server: GitLabServer, path: str) -> list[Webhook]:
    """List the webhooks of a project or group that go to an Airflow.

    Raises:
        GitlabApiError: GitLab refuses or does not answer.
    """
    return [hook for owner in _owners(server, path) for hook in _installed(server, owner)]


def _installed(server: GitLabServer, owner: Project | Group) -> list[Webhook]:
    with in_words(server, f"list the webhooks of {_path(owner)}"):
        found = [hook.attributes for hook in owner.hooks.list(iterator=True)]
    return [_webhook(owner, hook) for hook in found if _PLACE in str(hook.get("url"))]


def remove(server: GitLabServer, path: str, url: str) -> list[Webhook]:
    """Remove the webhooks with an address; those to other places stay.

    Raises:
        GitlabApiError: GitLab refuses or does not answer.
    """
    gone: list[Webhook] = []
    for owner in _owners(server, path):
        ours = [hook for hook in _installed(server, owner) if hook.url == url]
        with in_words(server, f"remove the webhook of {_path(owner)}"):
            for hook in ours:
                owner.hooks.delete(hook.id)
        gone += ours
    return gone


def _owners(server: GitLabServer, path: str) -> list[Project | Group]:
    """Find what has the webhooks: a project or group, or the projects of a group."""
    owner = _owner(server, path)
    if "path_with_namespace" in owner.attributes:
        return [owner]
    try:
        with in_words(server, f"list the webhooks of {path}"):
            owner.hooks.list(page=1, per_page=1, get_all=False)
    except GitlabApiError as problem:
        if problem.status not in {403, 404}:
            raise
    else:
        return [owner]
    asked = {"include_subgroups": True, "archived": False, "order_by": "id", "sort": "asc"}
    with in_words(server, f"list the projects of {path}"):
        found = [one.id for one in owner.projects.list(iterator=True, **asked)]
        return [owner.manager.gitlab.projects.get(number) for number in found]


def _owner(server: GitLabServer, path: str) -> Project | Group:
    """Find a project or group by its path."""
    client = open_gitlab(server)
    try:
        with in_words(server, f"find the project {quoted(path)}"):
            return client.projects.get(path)
    except GitlabApiError as problem:
        if problem.status != 404:
            raise
    with in_words(server, f"find a project or group {quoted(path)}"):
        return client.groups.get(path)


def _path(owner: Project | Group) -> str:
    return str(owner.attributes.get("path_with_namespace") or owner.attributes["full_path"])


def _webhook(owner: Project | Group, hook: Mapping[str, Any]) -> Webhook:
    kind = "project" if "path_with_namespace" in owner.attributes else "group"
    return Webhook(
        owner=f"{kind} {_path(owner)}",
        id=int(hook["id"]),
        url=str(hook["url"]),
        events=tuple(name for name in (*_WANTED, *_OTHERS) if hook.get(name)),
    )
