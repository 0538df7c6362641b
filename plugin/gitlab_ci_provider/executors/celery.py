"""Celery's workers, with everything imported before they fork the processes that run tasks.

In airflow.cfg, section `[celery]`:
`celery_config_options = gitlab_ci_provider.executors.celery.CELERY_CONFIG`.
If you have a configuration of your own, import this module in its file instead.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG
from celery import signals

from gitlab_ci_provider.executors.preload import preload

CELERY_CONFIG: dict[str, Any] = dict(DEFAULT_CELERY_CONFIG)
"""Airflow's own."""


def preload_in_worker(**_: object) -> None:
    """Import what our tasks need; a worker sends the signal for it when it starts."""
    preload()


signals.import_modules.connect(preload_in_worker, weak=False)
