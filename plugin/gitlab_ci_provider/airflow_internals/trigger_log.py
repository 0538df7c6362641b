"""What a trigger has written into its task's log, also in an earlier triggerer.

Airflow gives each triggerer its own file for a task's try, next to the log of the worker, and
merges them when it shows the log. A trigger that is started again has to know what is there.
"""

from __future__ import annotations

import asyncio
import glob
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


async def lines_shown(task_instance: Any, logger: str) -> int:
    """Count the lines that a logger has written in triggers of this try of a task.

    Args:
        task_instance: of the trigger; None where there is none.
        logger: its name.
    """
    if task_instance is None:
        return 0
    return await asyncio.to_thread(_count, task_instance, logger)


def _count(task_instance: Any, logger: str) -> int:
    files = sorted(_files(task_instance))
    return sum(text.count("\n") + 1 for file in files for text in _texts(file, logger))


def _files(task_instance: Any) -> Iterator[Path]:
    from airflow.configuration import conf
    from airflow.utils.helpers import log_filename_template_renderer

    name = log_filename_template_renderer()(ti=task_instance)
    path = Path(conf.get("logging", "base_log_folder")) / name
    return path.parent.glob(f"{glob.escape(path.name)}.trigger.*.log")


def _texts(file: Path, logger: str) -> Iterator[str]:
    """Read the events of a logger; the last may have been cut off when its triggerer was killed."""
    with file.open("rb") as lines:
        for line in lines:
            if logger.encode() not in line or not line.endswith(b"\n"):
                continue
            event = json.loads(line)
            if event.get("logger") == logger:
                yield str(event.get("event", ""))
