"""The end of a container's log, of which no more is read than can be kept."""

from __future__ import annotations

from typing import Any

from kubernetes import client as k8s

_MOST_READ = 4 << 20
_KEPT_BYTES = 64 * 1024
_SECONDS = (5, 15)


def log_tail(
    client: k8s.CoreV1Api,
    pod: tuple[str, str],
    container: str,
    lines: int,
    *,
    previous: bool = False,
) -> bytes:
    """Read the last lines of a log; a program may write one that never ends.

    Args:
        client: of the cluster.
        pod: its name and namespace.
        container: of the pod.
        lines: how many.
        previous: of the container before it was started again.

    Raises:
        ApiException: the node has none to give.
        HTTPError: nobody answers.
    """
    answer: Any = client.read_namespaced_pod_log(
        *pod,
        container=container,
        tail_lines=lines,
        previous=previous,
        _preload_content=False,  # else it is text that shows bytes as Python writes them
        _request_timeout=_SECONDS,
    )
    data, read = b"", 0
    for chunk in answer.stream(_KEPT_BYTES, decode_content=False):
        data, read = (data + chunk)[-_KEPT_BYTES:], read + len(chunk)
        if read > _MOST_READ:
            break
    answer.close()
    return data
