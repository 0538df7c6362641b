"""Logs of jobs: cut to the script, saved, and followed."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.local.follow.logs import LogTail, file_names, save_logs, script_output

ESC = "\x1b[0K"


def section(name: str, text: str) -> str:
    return f"{ESC}section_start:1:{name}\r{ESC}Title\n{text}{ESC}section_end:2:{name}\r{ESC}\n"


def test_only_the_scripts_output_is_kept(tmp_path: Path):
    """What the phases say is not the script's output."""
    log = tmp_path / "1.log"
    parts = [section("get_sources", "Fetching\n"), section("step_script", "mine\n")]
    log.write_text("".join([*parts, section("after_script", "after\n")]))

    assert script_output(log) == b"mine\nafter\n"


def test_bytes_are_not_changed(tmp_path: Path):
    """Output that is not text stays as it is."""
    log = tmp_path / "1.log"
    log.write_bytes(section("step_script", "X\n").encode().replace(b"X", b"\xff\x00\r"))

    assert script_output(log) == b"\xff\x00\r\n"


def test_a_job_that_never_started_its_script_shows_everything(tmp_path: Path):
    """When fetching failed, that is what one wants to read."""
    log = tmp_path / "1.log"
    log.write_text(section("get_sources", "fatal: no route\n"))

    assert b"fatal: no route" in script_output(log)


def test_a_script_that_was_killed_is_ended_by_the_next_section(tmp_path: Path):
    """Its entry could not say that it has ended; what the helper says then is not the script's."""
    log = tmp_path / "1.log"
    begun = section("step_script", "mine\n").partition(f"{ESC}section_end")[0]
    log.write_text(begun + section("upload_artifacts_on_failure", "Uploading\n"))

    assert script_output(log) == b"mine\n"


def test_the_last_words_without_a_line_end_are_the_scripts(tmp_path: Path):
    """The marker follows them on the same line."""
    log = tmp_path / "1.log"
    log.write_text(section("step_script", "error no such key"))

    assert script_output(log) == b"error no such key"


def test_files_are_named_after_their_jobs(tmp_path: Path):
    """A job's name is its file's name, except what files cannot be called."""
    log = tmp_path / "1.log"
    log.write_text(section("step_script", "x\n"))
    jobs: dict[str, dict[str, object]] = {"test 1/2": {"log": str(log)}, "absent": {"log": None}}

    save_logs(jobs, tmp_path / "out")

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["test 1_2.log"]
    assert jobs["test 1/2"]["log"] == str(tmp_path / "out" / "test 1_2.log")


HARD = [
    "test/unit",
    "test_unit",
    "test\0unit",
    "x" * 255,
    "x" * 254,
    "ü" * 255,
    "..",
    ".",
    "/",
    "a b",
]


def test_no_two_jobs_share_a_file_and_every_name_can_be_one(tmp_path: Path):
    """Whatever GitLab accepts as a job's name: 255 letters, slashes, dots."""
    names = file_names(HARD)

    for name in names.values():
        (tmp_path / f"{name}.log").write_text("")
    assert len(list(tmp_path.iterdir())) == len(HARD)
    assert (names["test_unit"], names["a b"]) == ("test_unit", "a b")


def test_a_file_is_called_the_same_whatever_the_order_of_the_jobs():
    """The next run's files take the place of this one's."""
    assert file_names(HARD) == file_names(reversed(HARD))


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
    log.write_bytes(section("step_script", "$ make\n\n").encode() + b"10 %\r20 %\r\n")

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
