"""Signed addresses are those that botocore makes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.storage.signing import LONGEST, Period, signed_url

NOW = datetime(2026, 11, 28, 14, 44, 22, tzinfo=UTC)
TARGET = StoreTarget(
    bucket="bucket", endpoint_url="http://127.0.0.1:9000", access_key="AKID", secret_key="secret/+"
)


def by_botocore(target: StoreTarget, method: str, key: str, period: Period) -> str:
    import boto3
    from botocore.config import Config

    style = {"addressing_style": "path" if target.path_style else "virtual"}
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=target.endpoint_url or None,
        region_name=target.region,
        aws_access_key_id=target.access_key,
        aws_secret_access_key=target.secret_key,
        aws_session_token=target.session_token or None,
        config=Config(signature_version="s3v4", s3=style),
    )
    operation = "get_object" if method == "GET" else "put_object"
    with mock.patch("botocore.auth.get_current_datetime", return_value=period.start):
        url: str = client.generate_presigned_url(
            operation,
            Params={"Bucket": target.bucket, "Key": f"{target.prefix}{key}"},
            ExpiresIn=period.seconds,
        )
    return url


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prefix": "a/b/", "region": "eu-central-1"},
        {"session_token": "token/with+signs=="},
        {"endpoint_url": "https://s3.example.com:443"},
        {"endpoint_url": "https://s3.example.com/below"},
        {"endpoint_url": "", "region": "eu-central-1"},
        {"endpoint_url": "", "region": "eu-central-1", "path_style": False},
        {"endpoint_url": "", "region": "cn-north-1"},
        {"endpoint_url": "http://s3.example.com:9000", "path_style": False},
    ],
)
def test_are_those_of_botocore(method: Literal["GET", "PUT"], changes: dict[str, Any]):
    """For every kind of server and key, byte by byte but for the order of the parameters."""
    target, period = replace(TARGET, **changes), Period(start=NOW, seconds=600)
    for key in ("project/7/main.tar.zst", "a b/ü+@=._-~/%2F(1)*!'&?#.zip"):
        ours = urlsplit(signed_url(target, method, key, period))
        theirs = urlsplit(by_botocore(target, method, key, period))

        assert ours.path == theirs.path
        assert ours.netloc.lower().removesuffix(":443") == theirs.netloc.removesuffix(":443")
        assert parse_qs(ours.query) == parse_qs(theirs.query)


def test_a_question_and_headers_are_signed_too():
    """As botocore signs a listing with a header of its own."""
    from botocore.auth import S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    query = {"list-type": "2", "prefix": "a b/ü", "start-after": "a/b+c"}
    headers = {"x-amz-meta-writer": "me"}
    period = Period(start=NOW, seconds=600)
    ours = signed_url(TARGET, "GET", "", period, query=query, headers=headers)
    request = AWSRequest("GET", f"{TARGET.endpoint_url}/bucket/", headers=headers, params=query)
    signer = S3SigV4QueryAuth(
        Credentials(TARGET.access_key, TARGET.secret_key), "s3", TARGET.region, expires=600
    )
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW):
        signer.add_auth(request)

    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(request.url).query)


def test_no_address_is_good_for_longer_than_s3_allows():
    """A job of a month keeps its last days without a store."""
    url = signed_url(TARGET, "PUT", "a", Period(start=NOW, seconds=30 * 24 * 3600))

    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == [str(LONGEST)]


def test_without_keys_nothing_is_signed():
    """A store in the cluster may want none."""
    url = signed_url(replace(TARGET, access_key=""), "GET", "a", Period(start=NOW, seconds=60))

    assert url == "http://127.0.0.1:9000/bucket/a"


@settings(max_examples=50)
@given(st.text(min_size=1, max_size=20), st.text(min_size=8, max_size=40))
def test_the_key_is_never_in_it(key: str, secret: str):
    """Only what was made of it."""
    url = signed_url(
        replace(TARGET, secret_key=f"S{secret}S"), "GET", key, Period(start=NOW, seconds=60)
    )

    assert f"S{secret}S" not in url
