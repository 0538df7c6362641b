"""What the task of an image build does besides its pod: logins before it, the digest after it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Variable
from airflow.sdk.log import mask_secret
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.exceptions import FailureReason, SettingsError, SystemFailure
from gitlab_ci_provider.hooks.log_tail import log_tail
from gitlab_ci_provider.hooks.object_store import store_target, write_object
from gitlab_ci_provider.hooks.registry_logins import connection_logins, project_logins
from gitlab_ci_provider.image_builds.engine import Engine
from gitlab_ci_provider.image_builds.failures import BuildFailure, build_failure, is_usage
from gitlab_ci_provider.image_builds.logins import docker_config
from gitlab_ci_provider.model.image_build import ImageBuild
from gitlab_ci_provider.model.image_reference import parse_reference
from gitlab_ci_provider.pods.image_build import secret_contents
from gitlab_ci_provider.storage.keys import image_key

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LINES = 200
"""Kaniko's flags are half as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSources:
    """Where a build's logins and secrets come from.

    Attributes:
        conn_ids: of Airflow connections.
        project: whose CI/CD variables hold logins; empty for none.
        secrets: of the build: by id, the Airflow Variable with the value.
    """

    conn_ids: Sequence[str] = ()
    project: str = ""
    secrets: Mapping[str, str]


def pod_secrets(build: ImageBuild, engine: Engine, sources: LoginSources) -> dict[str, str]:
    """Read what goes into the pod's Secret; all of it is masked in the task's log from now on.

    Raises:
        SettingsError: a connection is incomplete, or there is no such Airflow Variable.
        SystemFailure: DOCKER_AUTH_CONFIG is not of the expected form, or the engine cannot tell
            the logins apart.
    """
    of_project, auth_config = project_logins(sources.project) if sources.project else ((), "")
    logins = (*connection_logins(sources.conn_ids), *of_project)
    config, secrets = docker_config(build, logins, auth_config, engine.logins)
    values = {key: _value(name) for key, name in sources.secrets.items()}
    for text in (*secrets, *values.values()):
        mask_secret(text)
    return secret_contents(config, values)


def _value(name: str) -> str:
    value = Variable.get(name, default=None)
    if value is None:
        raise SettingsError(f"there is no Airflow Variable '{name}' for a secret of the build")
    return str(value)


def built_image(build: ImageBuild, pod: k8s.V1Pod | None, container: str) -> dict[str, Any]:
    """Read what has been built from the pod: `image`, by digest, `digest` and `tags`.

    Raises:
        SystemFailure: the pod does not tell the digest of what was pushed.
    """
    ended = _ended(pod, container)
    # Nothing but a digest: with Kaniko, what a Dockerfile leaves running could write there, too.
    found = _DIGEST.fullmatch((ended.message or "").strip()) if ended is not None else None
    if found is None and build.destinations:
        message = "the engine has ended without telling the digest of the image"
        raise SystemFailure(message, reason=FailureReason.RUNNER_SYSTEM_FAILURE)
    digest = found.group() if found else ""
    first = parse_reference(build.destinations[0]) if build.destinations else None
    image = f"{first.name}@{digest}" if first and digest else ""
    return {"image": image, "digest": digest, "tags": list(build.destinations)}


def last_words(client: k8s.CoreV1Api, pod: k8s.V1Pod | None, container: str) -> str:
    """Return the end of what the container of a failed build has said.

    Kubernetes puts it into the termination message, unless a digest is there already: engines
    write that before they have pushed everything. Kaniko's flags may be all that has room there.
    """
    ended = _ended(pod, container)
    if pod is None or ended is None or ended.exit_code == 0:
        return ""
    said = "" if _DIGEST.fullmatch((ended.message or "").strip()) else ended.message or ""
    if said and not is_usage(said):
        return said
    place = (pod.metadata.name, pod.metadata.namespace)
    try:
        return log_tail(client, place, container, _LINES).decode("utf-8", "replace")
    except (ApiException, HTTPError):
        return said  # it explains only what has failed already


def why_failed(pod: k8s.V1Pod | None, container: str, said: str) -> BuildFailure | None:
    """Explain why the container of a build has failed; None when it is not the one that did.

    Args:
        pod: as it has ended.
        container: that of the build.
        said: its last words.
    """
    ended = _ended(pod, container)
    if ended is None or ended.exit_code == 0:
        return None
    if ended.reason == "OOMKilled":
        words = (
            "the image build was killed because it used more memory than its limit: raise the "
            "limit; Kaniko needs several times the largest layer with compressed_caching=True"
        )
        return BuildFailure(reason=FailureReason.SCRIPT_FAILURE, message=words)
    return build_failure(said, exit_code=ended.exit_code)


def keep_artifact(conn_id: str, place: Sequence[str], image: Mapping[str, Any]) -> str:
    """Store `image.json` in the object store; returns the object's key.

    Raises:
        SettingsError: there is no such connection, or it names no bucket.
        StorageError: the store refused or failed.
    """
    target = store_target(conn_id)
    if target is None:
        raise SettingsError(f"there is no connection '{conn_id}' for image.json")
    key = image_key(*place)
    write_object(target, key, (json.dumps(image, indent=1) + "\n").encode())
    return key


def _ended(pod: k8s.V1Pod | None, container: str) -> k8s.V1ContainerStateTerminated | None:
    statuses = (pod.status.container_statuses if pod is not None and pod.status else None) or []
    found = [status.state.terminated for status in statuses if status.name == container]
    return found[0] if found else None
