"""The one client of GitLab's API in this project: python-gitlab over a patient transport."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.gitlab_api.server import GitLabServer, Tls, TokenKind
from gitlab_ci_provider.model.quoted import quoted

if TYPE_CHECKING:
    import gitlab

    from gitlab_ci_provider.model.log import Log

_log = logging.getLogger(__name__)


def open_gitlab(server: GitLabServer, log: Log = _log) -> gitlab.Gitlab:
    """Make a client; nothing is asked yet.

    python-gitlab's own repetitions are off: it would send again what must not be sent twice.

    Raises:
        SettingsError: there is no such file of a CA.
    """
    import gitlab
    import urllib3

    from gitlab_ci_provider.gitlab_api.patience import Patience
    from gitlab_ci_provider.gitlab_api.session import PatientSession

    if server.ca_file and not Path(server.ca_file).is_file():
        raise SettingsError(f"there is no file '{quoted(server.ca_file)}' (`ca_file`) here")
    if server.tls is Tls.ANY_CERTIFICATE:  # which the connection says in words
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    names = {TokenKind.JOB: "job_token", TokenKind.OAUTH: "oauth_token"}
    token: dict[str, Any] = {names.get(server.kind, "private_token"): server.token or None}
    patience = Patience(server.patience, server.url, log, longest=server.limit_patience)
    return gitlab.Gitlab(
        server.url,
        ssl_verify=server.verify,
        session=PatientSession(server, patience),
        # Instances are reached by other names than their own: links to further pages follow ours.
        keep_base_url=True,
        per_page=100,
        retry_transient_errors=False,
        **token,
    )
