"""The task that ends when a stage of a large pipeline has."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator


class StageEndOperator(EmptyOperator):
    """Stands for all jobs of a stage and of those before it, so that later jobs wait for one task.

    The scheduler ends it by itself: it takes no slot, no process and no log.
    """

    ui_color = "#ececec"

    def __init__(self, **kwargs: Any):
        super().__init__(trigger_rule="all_done", **kwargs)
