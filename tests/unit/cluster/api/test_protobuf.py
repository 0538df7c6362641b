"""Bodies that kubectl sends as protobuf."""

from __future__ import annotations

import pytest

from gitlab_ci_cluster.api import protobuf
from gitlab_ci_cluster.objects.errors import ApiError


def test_protobuf_of_kubectl_is_read():
    """`kubectl create configmap c --from-literal=k=v`."""
    meta = b"\x0a\x01c\x12\x00\x1a\x02ns"
    entry = b"\x0a\x01k\x12\x01v"
    body = b"\x0a" + bytes([len(meta)]) + meta + b"\x12" + bytes([len(entry)]) + entry
    kind = b"\x0a\x02v1\x12\x09ConfigMap"
    message = b"k8s\x00\x0a" + bytes([len(kind)]) + kind + b"\x12" + bytes([len(body)]) + body

    assert protobuf.decode(message) == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "c", "namespace": "ns"},
        "data": {"k": "v"},
    }
    for broken in (b"", b"{}", message[:-1], b"k8s\x00\xff"):
        with pytest.raises(ApiError):
            protobuf.decode(broken)
