"""The pod of a job in the hands of more than one worker."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

from gitlab_ci_provider.runs.job.handover import Handover
from gitlab_ci_provider.runs.job.pod_run import JobPod


def test_the_patience_of_a_runner_goes_with_the_pod():
    """A later worker does not choose the runner again, and says how long the pod had to start."""
    handed = Handover(connection="c", namespace="n", pod="p", uid="u", deadline=9e9, patience=20)
    settings = SimpleNamespace(
        pod_start_timeout=600, waiting="deferred", defer_after=0, image_pull_grace=0
    )
    run: Any = SimpleNamespace(context={}, job=SimpleNamespace(coverage=None), settings=settings)
    operator: Any = SimpleNamespace(log=logging.getLogger(), execution_timeout=None)

    assert JobPod(operator, run, handed)._start_timeout == 20
