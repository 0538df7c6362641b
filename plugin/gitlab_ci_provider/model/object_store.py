"""Where caches and artifacts are, with the keys: known to Airflow alone, never to a pod."""

from __future__ import annotations

from dataclasses import dataclass, field

_ENCRYPTION = "x-amz-server-side-encryption"
_ENCRYPTION_KEY = f"{_ENCRYPTION}-aws-kms-key-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTarget:
    """A bucket of any S3.

    Attributes:
        prefix: put before every key; empty or ends with `/`.
        endpoint_url: empty means AWS.
        path_style: bucket in the path instead of the host name.
        ca_bundle: path of certificates, empty for the system's.
        encryption: what the store does to new objects, `AES256` or `aws:kms`; empty is its default.
        multipart: large archives of jobs are stored in parts while they are packed.
        keys_end: when the keys are over, in seconds since 1970; 0 if never, or nobody knows.
        encryption_key: for `aws:kms`; empty means the store's.
    """

    bucket: str
    prefix: str = ""
    endpoint_url: str = ""
    region: str = "us-east-1"
    path_style: bool = True
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    ca_bundle: str = ""
    encryption: str = ""
    encryption_key: str = ""
    multipart: bool = False
    keys_end: float = 0.0

    @property
    def write_headers(self) -> dict[str, str]:
        """What a request must say that stores an object."""
        asked = {_ENCRYPTION: self.encryption, _ENCRYPTION_KEY: self.encryption_key}
        return {name: value for name, value in asked.items() if value}
