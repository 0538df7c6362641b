"""What a trigger has written into its task's log, also in an earlier triggerer.

Airflow gives each triggerer its own file for a task's try, next to the log of the worker, and
merges them when it shows the log. A trigger that is started again has to know what is there, and a
triggerer that has a task's try a second time would overwrite what it has written at the first.
"""

from __future__ import annotations

import asyncio
import glob
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_KEPT = re.compile(r"-\d+\.log$")


async def lines_shown(task_instance: Any, logger: str) -> int:
    """Count the lines that a logger has written in triggers of this try of a task.

    Args:
        task_instance: of the trigger; None where there is none.
        logger: its name.
    """
    if task_instance is None:
        return 0
    return await asyncio.to_thread(_count, task_instance, logger)


def keep_earlier_logs(task_instance: Any) -> None:
    """Rename what triggerers have written of this try so far; Airflow still shows it.

    To be called before the triggerer opens its file. Logs that are uploaded are appended to.
    """
    from airflow.configuration import conf

    if task_instance is None or conf.getboolean("logging", "remote_logging", fallback=False):
        return
    files = list(_files(task_instance))
    for file in files:
        if not _KEPT.search(file.name):
            number = sum(other.name.startswith(f"{file.stem}-") for other in files) + 1
            with suppress(OSError):  # another triggerer was faster
                file.rename(file.with_name(f"{file.stem}-{number}.log"))


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
