"""The kubeconfig: how clients reach the cluster, as they would any other."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from gitlab_ci_cluster.files import write_private

_NAME = "gitlab-ci-embedded"


def write_kubeconfig(path: Path, url: str, token: str, certificate: bytes) -> None:
    """Write a kubeconfig atomically, readable for its owner only."""
    authority = base64.b64encode(certificate).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": _NAME, "cluster": {"server": url, "certificate-authority-data": authority}}
        ],
        "users": [{"name": _NAME, "user": {"token": token}}],
        "contexts": [
            {
                "name": _NAME,
                "context": {"cluster": _NAME, "user": _NAME, "namespace": "default"},
            }
        ],
        "current-context": _NAME,
    }
    write_private(path, yaml.safe_dump(config, sort_keys=False).encode())
