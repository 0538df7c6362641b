"""Reading along in the log of a job."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.local.follow.logs import LogTail

START = b"\x1b[0Ksection_start:1:step_script[collapsed=true]\r\x1b[0K"
END = b"\x1b[0Ksection_end:2:step_script\r\x1b[0K\n"


def test_lines_come_once_and_when_they_are_complete(tmp_path: Path):
    """Half a line waits for its other half; the last one comes at the end."""
    log, tail = tmp_path / "1.log", LogTail()
    log.write_bytes(b"one\ntw")
    first = list(tail.read(log))
    log.write_bytes(b"one\ntwo\nthr\xffee")

    assert (first, list(tail.read(log)), list(tail.end())) == (["one"], ["two"], ["thr\ufffdee"])


def test_markers_are_not_seen_and_headings_are(tmp_path: Path):
    """GitLab's markers of sections are for its page."""
    log = tmp_path / "1.log"
    log.write_bytes(START + b"Title\n$ make\n\n" + END + b"10 %\r20 %\r\n")

    assert list(LogTail().read(log)) == ["Title", "$ make", "", "20 %"]


def test_another_try_begins_another_log(tmp_path: Path):
    """What was left of the first one is shown before."""
    tail = LogTail()
    (tmp_path / "1.log").write_bytes(b"first, no end")
    (tmp_path / "2.log").write_bytes(b"second\n")

    assert list(tail.read(tmp_path / "1.log")) == []
    assert list(tail.read(tmp_path / "2.log")) == ["first, no end", "second"]


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path):
    """A job that has not started has none."""
    tail = LogTail()

    assert list(tail.read(None)) == []
    assert list(tail.read(tmp_path / "none.log")) == []
