"""Keys and passwords of one embedded stack, made once, in a file for its user only."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass

from gitlab_ci_cluster.files import write_private
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.model.serialization import decode, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSecrets:
    """All secrets of a stack."""

    admin_password: str
    jwt_secret: str
    api_secret: str
    fernet_key: str
    s3_access_key: str
    s3_secret_key: str


def load_secrets(home: Home) -> StackSecrets:
    """Read the stack's secrets; make them the first time."""
    if home.secrets.exists():
        return decode(home.secrets.read_bytes(), StackSecrets)
    made = StackSecrets(
        admin_password=secrets.token_urlsafe(9),
        jwt_secret=secrets.token_urlsafe(48),
        api_secret=secrets.token_urlsafe(24),
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        s3_access_key=f"GITLABCI{secrets.token_hex(6).upper()}",
        s3_secret_key=secrets.token_hex(20),
    )
    write_private(home.secrets, encode(made))
    return made
