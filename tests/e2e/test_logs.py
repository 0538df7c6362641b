"""What jobs write, in the kept logs and in Airflow's."""

from __future__ import annotations

import json
from pathlib import Path

from e2e.embedded import Stack, make_repository

LINES = 50_000
LOUD = f"""
loud:
  before_script:
    - printf 'warming up' >&2
  script:
    - for i in $(seq 100); do echo "out $i"; echo "err $i" >&2; done
    - seq {LINES}
    - printf 'error no such key' >&2; exit 3
  after_script:
    - printf 'nothing to clean' >&2
"""


def test_a_log_is_whole_and_in_the_order_in_which_it_was_written(stack: Stack, tmp_path: Path):
    """Both streams as one; many lines; last words without a line end, inside their section."""
    repository = make_repository(tmp_path / "loud", {".gitlab-ci.yml": LOUD})

    report = stack.run(repository, "--logs-dir", str(tmp_path / "logs"))

    kept = (tmp_path / "logs" / "loud.log").read_bytes()
    mixed = "".join(f"out {i}\nerr {i}\n" for i in range(1, 101)).encode()
    numbers = b"".join(b"%d\n" % i for i in range(1, LINES + 1))
    assert b"warming up\x1b[32;1m$ for i" in kept
    assert mixed in kept
    assert numbers in kept
    assert b"error no such key" in kept
    assert kept.endswith(b"nothing to clean")
    events = airflows_log(stack, report)
    text = "\n".join(events).encode()
    assert mixed in text
    assert numbers in text
    told = [text.index(words) for words in (b"error no such key\n", b"nothing to clean\n")]
    assert told == sorted(told)


def airflows_log(stack: Stack, report: dict[str, str]) -> list[str]:
    """Read the events of the job's task from Airflow's own files: the worker's, the triggerer's."""
    folder = stack.home.airflow / "logs"
    logs = folder.rglob(f"*run_id={report['run_id']}/task_id=loud/attempt=1.log*")
    events = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    return [event["event"] for event in sorted(events, key=lambda event: event["timestamp"])]
