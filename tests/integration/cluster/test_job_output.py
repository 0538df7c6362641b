"""A job's output from its scripts to the kept log: real pods with the real helper, no Airflow."""

from __future__ import annotations

import io
import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.pod_worker_io import WorkerIO
from gitlab_ci_provider.local.processes.tree import descendants
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.pods.starting import Starting
from gitlab_ci_provider.runs.job.coverage import CoverageScan
from gitlab_ci_provider.runs.job.follower import Follower
from gitlab_ci_provider.runs.job.log import JobLog
from gitlab_ci_provider.variables.masking import log_masker
from integration.cluster.faults import misbehaving
from integration.cluster.job_pods import job_objects, pod_worker
from integration.cluster.support import Api, EmbeddedCluster
from processes.counter import counting
from processes.waiting import PATIENCE, wait_until

LINES = 200_000


@pytest.fixture
def api(unkind_api: Api) -> Api:
    return unkind_api


def start(api: Api, name: str, script: Script, masked: dict[str, str]) -> PodWatch:
    """Start the pod of a job."""
    pod, secret = job_objects(name, api.namespace, script, **masked)
    core = api.core()
    core.create_namespaced_secret(api.namespace, secret)
    core.create_namespaced_pod(api.namespace, pod)
    return PodWatch(client=core, name=name, namespace=api.namespace)


def logs(
    api: Api,
    name: str,
    script: Script,
    seen: Callable[[bytes, list[str]], object] = lambda *_: None,
    **masked: str,
) -> tuple[bytes, list[str]]:
    """Run a job; return the bytes of its log and Airflow's events; `seen` sees them grow."""
    watched = start(api, name, script, masked)
    raw, events = io.BytesIO(), list[str]()
    log = JobLog(events.append, raw, log_masker(masked.values()))

    class Seeing(Follower):
        def _put(self, block: bytes) -> None:
            Follower._put(self, block)
            seen(raw.getvalue(), events)

    follower = Seeing(
        log=log, coverage=CoverageScan(None), starting=Starting(grace=0), patience=PATIENCE
    )
    end = WorkerIO(pod=watched).perform(follower.steps())
    assert end.kind == "over", watched.read().status
    log.close()
    return raw.getvalue(), events


def test_what_is_written_to_both_streams_keeps_its_order(api: Api):
    """And the last words without a line end stay in their section, before the next one's."""
    main = 'for i in $(seq 200); do echo "out $i"; echo "err $i" >&2; done; printf bye >&2; exit 3'

    raw, events = logs(api, "order", Script(main=(main,)))

    expected = "".join(f"out {i}\nerr {i}\n" for i in range(1, 201)) + "bye"
    assert f"{expected}section_end:" in raw.decode()
    assert events[events.index("bye") + 1].startswith("::group::Cleaning up")


def test_a_secret_in_both_streams_is_hidden(api: Api):
    """Its halves come from different processes, and late; the node has not kept it either."""
    main = 'printf "x top-"; sleep 1; sh -c "printf secret-value >&2"; echo; echo "$TOKEN"'

    raw, events = logs(api, "masked", Script(main=(main,)), TOKEN="top-secret-value")

    node = b"".join(api.log("masked", container=name) for name in ("prepare", "build", "helper"))
    assert b"x [MASKED]\n[MASKED]\n" in raw
    assert node.count(b"[MASKED]\n") == 2
    assert b"top-secret-value" not in node
    assert b"|top-" not in node
    assert b"/top-" not in node
    assert "top-" not in "".join(events).replace('printf "x top-"', "")


def test_no_line_of_a_fast_job_is_lost_over_broken_connections(api: Api, faults: Path):
    """Or doubled: the kept log and the events hold what was printed, to the byte."""
    cuts = [{"verb": "log", "count": 1, "after_bytes": 2_000_000} for _ in range(5)]
    with misbehaving(faults, *cuts):
        raw, events = logs(api, "fast", Script(main=(f"seq {LINES}",)))

    numbers = [b"%d" % number for number in range(1, LINES + 1)]
    assert [line for line in raw.split(b"\n") if line.isdigit()] == numbers
    shown = "\n".join(events).split("\n")
    assert [line.encode() for line in shown if line.isdigit()] == numbers


def test_a_question_is_shown_before_it_is_answered(api: Api):
    """In the kept log and in Airflow's, though the line has no end; the job waits for that."""
    with counting() as heard:
        heard.hold("asks")
        ask = f"printf 'continue? '; timeout 60 {heard.say('asks')} && echo yes"

        def seen(raw: bytes, events: list[str]) -> None:
            if raw.endswith(b"\ncontinue? ") and events[-1] == "continue? ":
                heard.release("asks")

        raw, events = logs(api, "asks", Script(main=(ask,)), seen)

    assert b"\ncontinue? yes\n" in raw
    assert "yes" in events


def test_a_job_ends_with_its_helper(
    api: Api, unkind: tuple[EmbeddedCluster, Path], caplog: pytest.LogCaptureFixture
):
    """A killed helper fails the job and is named, while the script goes on and says nothing."""
    caplog.set_level(logging.INFO)
    watched = start(api, "lost", Script(main=("echo begun", "sleep 600")), {})
    with ThreadPoolExecutor(1) as job:
        followed = job.submit(pod_worker(logging.getLogger(__name__)).follow, watched)
        wait_until(lambda: "begun" in [one.message for one in caplog.records], "the script")
        for pid in descendants(unkind[0].process.pid):
            with suppress(FileNotFoundError, ProcessLookupError):  # short ones come and go
                if b"/gitlab-ci-helper\0finish" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        problem = followed.exception(120)
    api.delete("pods", "lost")

    assert isinstance(problem, JobFailure)
    assert problem.reason == "runner_system_failure"
    assert "the helper container died while the script was running" in str(problem)
