"""Kubernetes names and label values from GitLab's: valid, short, still readable."""

from __future__ import annotations

import hashlib
import re

LABEL_DOMAIN = "airflow-provider-gitlab-ci"
"""Domain of our labels and annotations; the keys after it are GitLab Runner's."""

_NAME_MAX = 63


def pod_name(project_path: str, job: str, unique: str) -> str:
    """Name a pod: `<project>-<job>-<unique>`, a DNS label."""
    project = project_path.rsplit("/", 1)[-1]
    readable = _dns(f"{project}-{job}")[: _NAME_MAX - len(unique) - 1].strip("-")
    return f"{readable or 'job'}-{unique}"


def label_value(text: str) -> str:
    """Make a valid label value; one that had to be cut ends with a hash of the whole."""
    cleaned = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-_.")
    if len(cleaned) <= _NAME_MAX:
        return cleaned
    return f"{cleaned[:54]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _dns(text: str) -> str:
    return re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9-]+", "-", text.lower())).strip("-")
