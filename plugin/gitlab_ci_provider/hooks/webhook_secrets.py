"""The secrets of webhooks, in the extra of a connection of type `gitlab`.

`webhook_signing_token` is GitLab's signing token (`whsec_...`), `webhook_token` the secret token of
a GitLab that cannot sign. Only connections that `[gitlab_ci] webhook_conn_ids` names are looked at:
everybody can send a request with any name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.gitlab_api.server import GitLabServer
from gitlab_ci_provider.gitlab_api.webhook_signature import WebhookSecrets, check_token, signing_key
from gitlab_ci_provider.hooks.gitlab import CONN_TYPE, server_of

TOKEN, SIGNING_TOKEN = "webhook_token", "webhook_signing_token"
_KEPT_SECONDS = 30.0


def webhook_secrets(conn_id: str) -> WebhookSecrets | None:
    """Read the secrets of a connection; None when there is no connection, or it has none.

    Raises:
        SettingsError: the connection is wrong.
    """
    try:
        server, signing, token = webhook_connection(conn_id)
        found = WebhookSecrets(server.url, check_token(token), signing_key(signing))
    except AirflowNotFoundException:
        return None
    except SettingsError as problem:
        raise SettingsError(f"connection '{conn_id}': {problem}") from problem
    return found if found.usable else None


def given_connection(conn_id: str) -> tuple[GitLabServer, str, str]:
    """Read a connection that a person has named; raises as `webhook_connection`, in words.

    Raises:
        SettingsError: there is none, or it is not one to GitLab.
    """
    try:
        return webhook_connection(conn_id)
    except AirflowNotFoundException as problem:
        words = (
            f"there is no connection '{conn_id}': not in the environment, in secrets backends or "
            "in the database of this machine's airflow.cfg"
        )
        raise SettingsError(words) from problem


def webhook_connection(conn_id: str) -> tuple[GitLabServer, str, str]:
    """Read a connection: the server, signing token and secret token.

    Raises:
        AirflowNotFoundException: there is none.
        SettingsError: it is not one to GitLab.
    """
    connection = Connection.get(conn_id)
    if connection.conn_type != CONN_TYPE:
        raise SettingsError(f"it is not of the type '{CONN_TYPE}'")
    extra = connection.extra_dejson
    signing, token = (str(extra.get(name) or "").strip() for name in (SIGNING_TOKEN, TOKEN))
    for secret in filter(None, (token, signing)):
        mask_secret(secret)
    return server_of(connection), signing, token


@dataclass(slots=True)
class KeptSecrets:
    """Secrets that are read again after half a minute: a flood of requests must not ask for them.

    Attributes:
        conn_ids: names of the connections.
    """

    conn_ids: Callable[[], tuple[str, ...]]
    read: Callable[[str], WebhookSecrets | None] = webhook_secrets
    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, tuple[float, WebhookSecrets | None]] = field(default_factory=dict)

    def of(self, conn_id: str) -> WebhookSecrets | None:
        """Return the secrets of a connection; None when it is not named, or has none.

        Raises:
            SettingsError: the connection is wrong.
        """
        if conn_id not in self.conn_ids():
            return None
        since, found = self._kept.get(conn_id, (float("-inf"), None))
        if self.clock() - since > _KEPT_SECONDS:
            found = self.read(conn_id)
            self._kept[conn_id] = (self.clock(), found)
        return found

    def any(self) -> bool:
        """Return whether there is a connection with a secret; raises as `of`."""
        return any(self.of(name) is not None for name in self.conn_ids())
