"""A job's output in Airflow's log, and as it was written."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.operators.job_log import JobLog, job_log, log_masker

ESC = "\x1b[0K"


def said(*lines: str) -> list[str]:
    shown: list[str] = []
    log = JobLog(shown.append)
    for line in lines:
        log.write(line.encode())
    log.close()
    return shown


def test_a_section_becomes_a_group():
    """GitLab's section markers fold in Airflow, under the header that follows the marker."""
    lines = [
        f"{ESC}section_start:1700000000:get_sources\r{ESC}\x1b[36;1mGetting source\x1b[0;m\n",
        "Fetching\n",
        f"{ESC}section_end:1700000001:get_sources\r{ESC}\n",
    ]

    assert said(*lines) == ["::group::Getting source", "Fetching", "::endgroup::"]


def test_a_section_may_end_and_another_start_on_one_line():
    """The runner writes the end of a phase and the start of the next on one line."""
    lines = [
        f"section_start:1:a\r{ESC}A\n",
        f"section_end:2:a\r{ESC}section_start:2:b\r{ESC}B\n",
        f"section_end:3:b\r{ESC}\n",
    ]

    assert said(*lines) == ["::group::A", "::endgroup::", "::group::B", "::endgroup::"]


def test_a_script_may_make_sections_of_its_own():
    """Sections written by a script nest, and `[collapsed=true]` is understood."""
    lines = [
        f"section_start:1:step_script\r{ESC}Executing\n",
        f"{ESC}section_start:2:mine[collapsed=true]\r{ESC}Mine\n",
        f"{ESC}section_end:3:mine\r{ESC}\n",
        f"section_end:4:step_script\r{ESC}\n",
    ]

    expected = ["::group::Executing", "::group::Mine", "::endgroup::", "::endgroup::"]
    assert said(*lines) == expected


def test_open_groups_are_closed_at_the_end():
    """A job that dies in a section leaves no open group behind."""
    assert said(f"section_start:1:step_script\r{ESC}X\n", "bye\n")[-1] == "::endgroup::"


def test_a_carriage_return_shows_the_last_state():
    """Progress bars show what a terminal would show in the end."""
    assert said("10%\r50%\r100%\n") == ["100%"]


def test_empty_lines_are_kept():
    """A blank line of the script stays one."""
    assert said("a\n", "\n", "b\n") == ["a", "", "b"]


def test_braces_and_percents_are_plain_text():
    """Nothing in the output is a template or a format."""
    assert said("{{ ds }} %s %(x)s {0}\n") == ["{{ ds }} %s %(x)s {0}"]


def test_the_raw_file_holds_the_bytes(tmp_path):
    """The kept file is what the job wrote, byte for byte."""
    shown: list[str] = []
    path = tmp_path / "a" / "1.log"

    with job_log(shown.append, path) as log:
        log.write(b"\xff\xfe\r\n")
        log.write(b"no end")

    assert path.read_bytes() == b"\xff\xfe\r\nno end"
    assert shown == ["��", "no end"]


def test_secrets_are_hidden_in_the_task_log_and_in_the_file(tmp_path: Path):
    """Also in a line that comes in pieces, and in one that has no end."""
    shown: list[str] = []
    path = tmp_path / "job.log"
    with job_log(shown.append, path, log_masker(["top-secret"])) as log:
        for piece in (b"a top-secret\n", b"b top-", b"secret\n", b"c top-secret"):
            log.write(piece)

    assert shown == ["a [MASKED]", "b [MASKED]", "c [MASKED]"]
    assert path.read_text() == "a [MASKED]\nb [MASKED]\nc [MASKED]"
