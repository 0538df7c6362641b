"""What a run has in the state when it ends: it releases its DAG, and no longer counts as running.

The scheduler calls this, or the API server for a run that a person has ended, and must not wait for
an object store. So it only notes the run, and a thread does the rest. Of a run that ended without
its last task, another thread tells GitLab. What is lost when the process dies, later runs find out,
see `runs/create/redirect.py` and `runs/report/send.py`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cache
from queue import SimpleQueue

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.records.register import RUNNING
from gitlab_ci_provider.settings import Settings, load_settings
from gitlab_ci_provider.state import open_state

_log = logging.getLogger(__name__)


def let_go(dag: str, run: str) -> None:
    """Release what a run holds, at once where the state is a folder."""
    try:
        settings = load_settings()
        if settings.state_conn_id:
            _queue("release").put(lambda: _release(settings, dag, run))
        else:
            _release(settings, dag, run)
    except (GitlabCiError, OSError) as problem:  # the scheduler may not see the folder
        _log.debug("cannot release %s of %s: %s", run, dag, problem)


def _release(settings: Settings, dag: str, run: str) -> None:
    state = open_state(settings)
    state.holds.drop(dag, run)
    register = state.register
    entry = register.of_run(dag, run)
    if entry is not None and entry.status == RUNNING:  # `finish_pipeline` did not run
        register.finish(entry.id, "canceled")
        _queue("tell").put(lambda: _tell(settings, entry.id))


def _tell(settings: Settings, pipeline: int) -> None:
    from gitlab_ci_provider.runs.report.send import send_broken_off  # most processes never need it

    send_broken_off(settings, open_state(settings), pipeline)


@cache
def _queue(name: str) -> SimpleQueue[Callable[[], None]]:
    """Make a queue of what is to be done, and the thread that does it."""
    queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
    threading.Thread(target=_work, args=(queue,), name=f"gitlab-ci-{name}", daemon=True).start()
    return queue


def _work(queue: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        work = queue.get()
        try:
            work()
        except (GitlabCiError, OSError) as problem:
            _log.warning("of a run that has ended: %s", problem)
        except Exception:  # noqa: BLE001 - the next run must not wait for ever
            _log.exception("of a run that has ended")
