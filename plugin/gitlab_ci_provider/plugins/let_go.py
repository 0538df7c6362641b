"""What a run has in the state when it ends: it releases its DAG, and no longer counts as running.

The scheduler calls this, and must not wait for an object store. So it only notes the run, and a
thread does the rest. What is lost when the scheduler dies, later runs find out, see
`runs/create/redirect.py`.
"""

from __future__ import annotations

import logging
import threading
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
            _queue().put((settings, dag, run))
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


@cache
def _queue() -> SimpleQueue[tuple[Settings, str, str]]:
    """Make the queue and the thread that empties it."""
    queue: SimpleQueue[tuple[Settings, str, str]] = SimpleQueue()
    threading.Thread(target=_work, args=(queue,), name="gitlab-ci-let-go", daemon=True).start()
    return queue


def _work(queue: SimpleQueue[tuple[Settings, str, str]]) -> None:
    while True:
        settings, dag, run = queue.get()
        try:
            _release(settings, dag, run)
        except (GitlabCiError, OSError) as problem:
            _log.warning("cannot release %s of %s: %s", run, dag, problem)
        except Exception:  # noqa: BLE001 - the next run must not wait for ever
            _log.exception("cannot release %s of %s", run, dag)
