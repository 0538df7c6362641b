"""Following a job's pod: what is asked for, and that another follower can go on anywhere."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitlab_ci_provider.model.log_frames import FrameWriter
from gitlab_ci_provider.model.workspace import HELPER_CONTAINER, PREPARE_CONTAINER
from gitlab_ci_provider.pods.asking import NextChunk, OpenLog, Request, Steps, Until
from gitlab_ci_provider.pods.seen import SeenPod, decode_pod
from gitlab_ci_provider.pods.start_budget import Clock, wall_clock
from gitlab_ci_provider.pods.starting import Starting
from gitlab_ci_provider.runs.job.coverage import CoverageScan
from gitlab_ci_provider.runs.job.follower import End, Follower
from gitlab_ci_provider.runs.job.handover import Handover, pack, unpack
from gitlab_ci_provider.runs.job.log import JobLog
from gitlab_ci_provider.runs.job.position import BEGINNING, Position

PREPARED = b"section_start:1:get_sources\r\x1b[0KGetting sources\nprepared\n"


def terminated(name: str, *, lines: int = 0, code: int = 0) -> dict[str, Any]:
    message = json.dumps({"status": "success", "lines": lines})
    state = {"exitCode": code, "message": message, "finishedAt": "2026-11-28T00:00:00Z"}
    return {"name": name, "state": {"terminated": state}}


def make_pod(
    prepare: Any, *containers: Any, phase: str = "Running", conditions: Sequence[Any] = ()
) -> SeenPod:
    status = {
        "phase": phase,
        "conditions": conditions,
        "initContainerStatuses": [prepare],
        "containerStatuses": list(containers),
    }
    return decode_pod(json.dumps({"metadata": {"name": "pod"}, "status": status}).encode())


def frames(*blocks: bytes, pause: bool = False) -> tuple[bytes, int]:
    """Write blocks as the helper does; the log and the number of its lines."""
    written: list[bytes] = []
    times = iter(range(100, 1_000_000))
    writer = FrameWriter(written.append, lambda: next(times))
    for block in blocks:
        writer.write(block)
        if pause:
            writer.pause()
    writer.end_line()
    return b"".join(written), writer.count


class EndedPod:
    """A pod whose containers have ended, with their logs; each log comes in chunks."""

    def __init__(self, log: bytes, lines: int, chunk: int):
        prepared, count = frames(PREPARED)
        self.logs = {PREPARE_CONTAINER: prepared, HELPER_CONTAINER: log}
        helper = terminated("helper", lines=lines)
        self.pod = make_pod(
            terminated("prepare", lines=count), terminated("build"), helper, phase="Succeeded"
        )
        self.chunk = chunk
        self.rest = b""

    def answer(self, request: Request) -> Any:
        match request:
            case Until():
                return self.pod if request.condition(self.pod) else None
            case OpenLog():
                self.rest = self.logs[request.container]
            case NextChunk():
                piece, self.rest = self.rest[: self.chunk], self.rest[self.chunk :]
                return piece or "clean"
        return None


def follow(steps: Steps[End], pod: EndedPod, most: int = 1_000_000) -> End | None:
    """Take so many steps; None when they were not enough."""
    answer = None
    for _ in range(most):
        try:
            answer = pod.answer(steps.send(answer))
        except StopIteration as end:
            found: End = end.value
            return found
    steps.close()
    return None


class Half:
    """One follower, with what it shows."""

    def __init__(self, kept: bytes, begin: Position, clock: Clock = wall_clock):
        self.shown: list[str] = []
        self.raw = io.BytesIO(kept[: begin.size])
        self.raw.seek(begin.size)
        self.log = JobLog(self.shown.append, self.raw, begin=begin)
        coverage = CoverageScan(r"/total (\d+)%/", begin.coverage)
        self.follower = Follower(
            log=self.log,
            coverage=coverage,
            starting=Starting(grace=30, clock=clock),
            patience=60,
            begin=begin,
            clock=clock,
        )


def left(steps: Steps[End]) -> float:
    """Tell how long a container is waited for, after the look at one that takes its time."""
    next(steps)
    steps.send(None)
    request = steps.send(None)
    assert isinstance(request, Until)
    return request.seconds


def handover(half: Half) -> Handover:
    return Handover(
        connection="c",
        namespace="n",
        pod="p",
        uid="u",
        deadline=1,
        position=half.follower.position(),
    )


@given(
    text=st.lists(
        st.sampled_from(
            [
                b"line\n", b"", b"two\nlines\n", b"no end ", b"\n", b"progress 1\rprogress 2\r",
                b"total 7%\n", b"section_start:1:mine\r\x1b[0KMine\n", b"section_end:2:mine\r\n",
                b"x" * 40_000,
            ]
        ),
        max_size=12,
    ),
    pause=st.booleans(),
    chunk=st.integers(1, 200),
    most=st.integers(0, 120),
)  # fmt: skip
def test_another_follower_goes_on_wherever_one_stops(
    text: list[bytes], pause: bool, chunk: int, most: int
):
    """No byte is lost or doubled in the kept log, nor in what is shown, however a line is cut."""
    log, lines = frames(*text, pause=pause)
    pod = EndedPod(log, lines, chunk)
    whole = Half(b"", BEGINNING)
    follow(whole.follower.steps(), pod)
    whole.log.close()

    first = Half(b"", BEGINNING)
    end = follow(first.follower.steps(), pod, most)
    handed = unpack(json.loads(json.dumps(pack(handover(first)))))
    second = Half(first.raw.getvalue(), handed.position)
    end = follow(second.follower.steps(), pod)
    second.log.close()

    assert end is not None
    assert end.kind == "over"
    assert second.raw.getvalue() == whole.raw.getvalue()
    shown = "".join(first.shown + second.shown)
    assert shown == "".join(whole.shown)
    if not pause:
        assert second.follower.coverage.value == whole.follower.coverage.value


def test_nothing_of_a_log_is_handed_over():
    """What goes through Airflow's database is a place in the log, and no word of it."""
    log, lines = frames(b"secret words without an end", b" and more\n", pause=True)
    half = Half(b"", BEGINNING)
    follow(half.follower.steps(), EndedPod(log, lines, 60), 7)

    text = msgspec.json.encode(pack(handover(half)))

    assert b"words" not in text
    assert b"prepared" not in text


@pytest.mark.parametrize("reason", ["InvalidImageName", "CreateContainerConfigError"])
def test_a_pod_that_never_starts_is_not_waited_for(reason: str):
    """Kubernetes leaves it pending forever."""
    pod = EndedPod(b"", 0, 1)
    waiting = {"name": "prepare", "state": {"waiting": {"reason": reason, "message": "so"}}}
    pod.pod = make_pod(waiting, phase="Pending")

    end = follow(Half(b"", BEGINNING).follower.steps(), pod)

    assert end is not None
    assert end.kind == "hopeless"


def test_a_pod_that_does_not_start_in_time_is_late():
    """The follower says why it waits."""
    pod = EndedPod(b"", 0, 1)
    pod.pod = make_pod({"name": "prepare", "state": {"waiting": {}}}, phase="Pending")

    end = follow(Half(b"", BEGINNING).follower.steps(), pod)

    assert end == End("late", None)


def test_a_container_that_takes_its_time_is_named():
    """After half a minute of silence, and then it is waited for as before."""
    now = [1000.0]
    half = Half(b"", BEGINNING, clock=lambda: now[0])
    half.follower.starting.say = half.shown.append
    placed = {"type": "PodScheduled", "status": "True"}
    pulling = make_pod({"name": "prepare", "state": {"waiting": {}}}, conditions=[placed])
    steps = half.follower.steps()

    assert next(steps).seconds == 30  # type: ignore[union-attr]
    now[0] += 30
    steps.send(None)
    assert steps.send(pulling).seconds == 30  # type: ignore[union-attr]

    (said,) = half.shown
    assert "pod pod is waiting for its container 'prepare'" in said


def test_the_time_to_start_counts_once_for_all_followers():
    """Neither a change of hands nor the time until the next one begins makes it longer."""
    now = [1000.0]
    first = Half(b"", BEGINNING, clock=lambda: now[0])
    steps = first.follower.steps()
    assert left(steps) == 60
    now[0] += 25
    steps.close()
    handed = unpack(json.loads(json.dumps(pack(handover(first)))))
    now[0] += 15

    second = Half(b"", handed.position, clock=lambda: now[0])
    steps = second.follower.steps()
    assert left(steps) == 20
    assert second.follower.position().start_left == 60
    with pytest.raises(StopIteration, match="late"):
        steps.send(None)
    now[0] += 60

    last = Half(b"", second.follower.position(), clock=lambda: now[0])
    assert next(last.follower.steps()).seconds == 0  # type: ignore[union-attr]


def test_the_grace_of_a_failing_pull_counts_once_for_all_followers():
    """A registry that stutters gets no more time because the pod changes hands."""
    now = [1000.0]
    pod = EndedPod(b"", 0, 1)
    stutters = {"reason": "ErrImagePull", "message": "503 Service Unavailable"}
    pod.pod = make_pod({"name": "prepare", "state": {"waiting": stutters}}, phase="Pending")
    first = Half(b"", BEGINNING, clock=lambda: now[0])
    steps = first.follower.steps()
    request = next(steps)
    assert not request.condition(pod.pod)  # type: ignore[union-attr]
    steps.close()
    now[0] += 31

    handed = unpack(json.loads(json.dumps(pack(handover(first)))))
    second = Half(b"", handed.position, clock=lambda: now[0])
    end = follow(second.follower.steps(), pod)

    assert end is not None
    assert end.kind == "hopeless"
    problem = second.follower.starting.problem
    assert problem is not None
    assert "(tried again for 31 s)" in problem.message


def test_a_pod_has_no_less_time_to_start_because_its_sources_took_long():
    """What runs is not waited for, in whosever hands the pod is meanwhile."""
    now = [1000.0]
    running = {"name": "prepare", "state": {"running": {"startedAt": "2026-11-28T00:00:00Z"}}}
    first = Half(b"", BEGINNING, clock=lambda: now[0])
    steps = first.follower.steps()
    next(steps)
    now[0] += 10
    assert isinstance(steps.send(make_pod(running)), OpenLog)
    steps.close()
    handed = first.follower.position()
    now[0] += 3600

    steps = Half(b"", handed, clock=lambda: now[0]).follower.steps()
    assert left(steps) == 50
