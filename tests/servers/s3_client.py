"""boto3's client of an S3 server of the tests."""

from __future__ import annotations

from typing import Any

from gitlab_ci_provider.model.object_store import StoreTarget


def s3_client(target: StoreTarget) -> Any:
    """Make a client for what our own stores do not do."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=target.endpoint_url,
        region_name=target.region,
        aws_access_key_id=target.access_key,
        aws_secret_access_key=target.secret_key,
    )
