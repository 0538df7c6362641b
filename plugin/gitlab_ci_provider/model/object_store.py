"""Where caches and artifacts are, with the keys: known to Airflow alone, never to a pod."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTarget:
    """A bucket of any S3.

    Attributes:
        prefix: put before every key; empty or ends with `/`.
        endpoint_url: empty means AWS.
        path_style: bucket in the path instead of the host name.
        ca_bundle: path of certificates, empty for the system's.
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
