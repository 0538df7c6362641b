"""What people read when a store refuses."""

from __future__ import annotations

import socket
import ssl

import pytest

from gitlab_ci_provider.storage.s3_http import without_address, words_of

ANSWER = "<Error><Code>{}</Code><Message>{}</Message></Error>"


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        ("NoSuchBucket", "The bucket does not exist", "create the bucket, or correct `bucket`"),
        ("InvalidAccessKeyId", "There is none.", "correct the keys"),
        ("ExpiredToken", "The provided token has expired.", "renew the keys and `session_token`"),
        ("RequestTimeTooSkewed", "The difference is too large.", "compare the clocks"),
        ("AccessDenied", "Request has expired", "compare the clocks"),
        ("AccessDenied", "Request is not valid yet", "compare the clocks"),
        ("AccessDenied", "Access Denied", "s3:GetObject, s3:PutObject, s3:ListBucket"),
        ("PermanentRedirect", "Use another endpoint.", "correct `region_name` and `endpoint_url`"),
        ("SlowDown", "Please reduce your request rate.", "start the job again later"),
    ],
)
def test_a_refusal_says_what_to_do(code: str, message: str, advice: str):
    """In one sentence: S3's word, its message, and what helps."""
    said = words_of(403, ANSWER.format(code, message).encode())

    assert said.startswith(f"{code} {message.rstrip('.')}; ")
    assert advice in said


def test_an_unknown_refusal_is_passed_on():
    """Characters that XML escapes are readable; without a body there is the status."""
    assert words_of(400, ANSWER.format("Odd", "the server&#39;s reason").encode()) == (
        "Odd the server's reason"
    )
    assert words_of(418, b"") == "418"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ConnectionRefusedError(111, "refused"), "an address that the pods of jobs reach"),
        (socket.gaierror(-2, "unknown"), "an address that the pods of jobs reach"),
        (ssl.SSLCertVerificationError(1, "self-signed"), "in `ca_bundle` of the connection"),
        (OSError("cannot ask /bucket/key?X-Amz-Signature=1"), "OSError: cannot ask /bucket/key"),
    ],
)
def test_a_store_that_is_not_reached_says_what_to_do(error: OSError, advice: str):
    """Whatever it is wrapped in; signatures are not shown."""
    outer = RuntimeError("https://store/bucket/key?X-Amz-Signature=1")
    outer.__cause__ = error

    said = without_address(outer)

    assert advice in said
    assert "Signature" not in said
