"""What is read of pods and watches, as a real Kubernetes writes them."""

from __future__ import annotations

from gitlab_ci_provider.pods.seen import decode_event


def test_a_bookmark_has_a_version_and_no_name():
    """It comes once a minute, and before a watch ends."""
    line = (
        b'{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{'
        b'"resourceVersion":"12746","creationTimestamp":null},"spec":{"containers":null},"status":{}}}'
    )

    event = decode_event(line)

    assert event.type == "BOOKMARK"
    assert event.pod.metadata.resource_version == "12746"


def test_an_expired_version_is_an_event():
    """With the code of its status, though the answer was 200."""
    line = b'{"type":"ERROR","object":{"kind":"Status","status":"Failure","code":410}}'

    assert decode_event(line).code == 410
