"""What `kubectl get` prints."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_cluster.api.pod_columns import status_text
from gitlab_ci_cluster.api.tables import human_duration


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (7 * 3600 + 60, "7h1m"),
        (47 * 3600, "47h"),
        (3 * 86400 + 7200, "3d2h"),
        (400 * 86400, "400d"),
        (800 * 86400, "2y70d"),
    ],
)
def test_ages_are_short(seconds: int, shown: str):
    """At most two units, as kubectl shows them."""
    assert human_duration(seconds) == shown


def test_status_column_follows_the_containers():
    """Init progress, reasons of waiting, Terminating."""
    spec = {"containers": [{"name": "m"}], "initContainers": [{"name": "i"}]}
    waiting = {"name": "m", "state": {"waiting": {"reason": "PodInitializing"}}, "ready": False}
    running = {"name": "i", "state": {"running": {}}, "started": True, "ready": False}
    ended = {**running, "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    pod: dict[str, Any] = {"metadata": {}, "spec": spec, "status": {"phase": "Pending"}}

    def shown(init: dict[str, Any], main: dict[str, Any], **metadata: Any) -> str:
        status = {**pod["status"], "initContainerStatuses": [init], "containerStatuses": [main]}
        return status_text({**pod, "metadata": metadata, "status": status})

    assert shown(running, waiting) == "Init:0/1"
    assert shown(ended, waiting) == "Init:Error"
    assert shown(running, waiting, deletionTimestamp="now") == "Terminating"
