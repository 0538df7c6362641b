"""A job's output in Airflow's log, and as it was written."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitlab_ci_provider.runs.job.log import Events, JobLog, job_log, without_first
from gitlab_ci_provider.runs.job.position import Position
from gitlab_ci_provider.variables.masking import log_masker

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


def test_a_bracket_that_is_not_closed_hides_no_section():
    """Nor is the rest of the line searched for its end, once for each bracket."""
    shown = said("section_start:1:a\n", "section_end:1:x[[section_end:1:a]\n", "after\n")

    assert shown.index("::endgroup::") < shown.index("after")


def test_a_script_may_make_sections_of_its_own():
    """Sections written by a script nest, and `[collapsed=true]` is understood."""
    lines = [
        f"section_start:1:step_script\r{ESC}Executing\n",
        f"{ESC}section_start:2:mine[collapsed=true]\r{ESC}Mine\n",
        f"{ESC}section_end:3:mine\r{ESC}\n",
        f"section_end:4:step_script\r{ESC}\n",
    ]

    expected = ["Executing", "::group::Mine", "::endgroup::"]
    assert said(*lines) == expected


def test_open_groups_are_closed_at_the_end():
    """A job that dies in a section leaves no open group behind."""
    assert said(f"section_start:1:build\r{ESC}X\n", "bye\n")[-1] == "::endgroup::"


def test_a_carriage_return_shows_the_last_state():
    """Progress bars show what a terminal would show in the end."""
    assert said("10%\r50%\r100%\n") == ["100%"]


def test_empty_lines_are_kept():
    """A blank line of the script stays one."""
    assert said("a\n", "\n", "b\n") == ["a", "", "b"]


def test_braces_and_percents_are_plain_text():
    """Nothing in the output is a template or a format."""
    assert said("{{ ds }} %s %(x)s {0}\n") == ["{{ ds }} %s %(x)s {0}"]


def test_the_raw_file_holds_the_bytes(tmp_path: Path):
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


def test_a_line_is_one_event_however_it_comes():
    """A piece waits for the rest of its line; in the file it is at once."""
    shown: list[str] = []
    log = JobLog(shown.append)
    for piece in (b"one", b" and\ntw", b"o\xc3", b"\xa9\n"):
        log.write(piece)
    log.close()

    assert shown == ["one and", "twoé"]


def test_an_endless_line_is_shown_in_pieces():
    """It must not fill the memory."""
    shown: list[str] = []
    log = JobLog(shown.append)
    for _ in range(100):
        log.write(b"x" * 10_000)
    log.close()

    assert len(shown) > 1
    assert "".join(shown) == "x" * 1_000_000


def test_very_many_lines_share_events():
    """All of them, in order; groups stay events of their own, and a slow job's lines do."""
    shown: list[str] = []
    log = JobLog(shown.append)
    lines = [f"line {number}" for number in range(100_000)]
    log.write(f"section_start:1:build\r{ESC}Run\n".encode())
    log.write("\n".join([*lines, ""]).encode())
    log.write(f"last words section_end:1:build\r{ESC}\n".encode())
    log.close()

    assert shown[0] == "::group::Run"
    assert shown[1:3] == lines[:2]
    assert len(shown) < 2000
    assert "\n".join(shown[1:-1]).split("\n") == [*lines, "last words "]
    assert shown[-1] == "::endgroup::"


def test_events_of_their_own_come_back_with_time():
    """A job that has once printed too fast is read line by line again later."""
    now = [0.0]
    shown: list[str] = []
    events = Events(shown.append, lambda: now[0])
    events.say(["x"] * 5000)
    now[0] += 10
    before = len(shown)
    events.say(["y"] * 20)

    assert shown[before:] == ["y"] * 20


@given(
    st.lists(st.sampled_from([b"top-secret", b"top-", b"secret", b"\n", b"x", b"\r", b"\x00"])),
    st.lists(st.integers(1, 9)),
)
def test_secrets_are_hidden_however_the_stream_is_cut(words: list[bytes], cuts: list[int]):
    """In blocks of lines, pieces of lines and single bytes, in both logs."""
    data, pieces, at = b"".join(words), [], 0
    for cut in [*cuts, len(data)]:
        pieces.append(data[at : at + cut])
        at += cut
    shown: list[str] = []
    raw = io.BytesIO()
    log = JobLog(shown.append, raw, log_masker(["top-secret"]))
    for piece in pieces:
        log.write(piece)
    log.close()

    assert raw.getvalue() == data.replace(b"top-secret", b"[MASKED]")
    assert "top-secret" not in "\n".join(shown)


@pytest.mark.parametrize(
    ("rest", "events"),
    [(b"\n", ["continue? "]), (b"\r\n", ["continue? "]), (b"yes\n", ["continue? ", "yes"])],
)
def test_a_line_that_waits_is_shown_before_its_end(rest: bytes, events: list[str]):
    """Its rest is another event; a mere line end is none."""
    shown, raw = list[str](), io.BytesIO()
    log = JobLog(shown.append, raw, log_masker(["top-secret"]))
    log.write(b"continue? ")
    log.pause()
    assert (shown, raw.getvalue()) == (["continue? "], b"continue? ")

    log.write(rest)
    log.close()

    assert shown == events
    assert raw.getvalue() == b"continue? " + rest


def test_a_secret_that_pauses_in_its_middle_is_hidden():
    """Its beginning waits, what stands before it does not."""
    shown, raw = list[str](), io.BytesIO()
    log = JobLog(shown.append, raw, log_masker(["top-secret"]))
    for part in (b"key: top-", b"secret!\n"):
        log.write(part)
        log.pause()
    log.close()

    assert shown == ["key: ", "[MASKED]!"]
    assert raw.getvalue() == b"key: [MASKED]!\n"


@pytest.mark.parametrize("count", range(6))
def test_lines_that_were_shown_are_left_out(count: int):
    """However many of them one event holds."""
    shown: list[str] = []
    say = without_first(shown.append, count)

    for text in ("1", "2\n3\n4", "5"):
        say(text)

    assert "\n".join(shown).split("\n") == list("12345"[count:]) or (count == 5 and shown == [])


def test_a_kept_log_is_written_again_from_where_it_was_handed_over(tmp_path: Path):
    """A triggerer that was lost had come further than the one that goes on knows."""
    path = tmp_path / "1.log"
    path.write_bytes(b"one\ntwo\nhal")

    with job_log(list[str]().append, path, begin=Position(size=4)) as log:
        log.write(b"two\nthree\n")

    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_lines_of_others_come_between_those_of_the_job():
    """No line is cut by another one, in Airflow's log and in the file."""
    shown, raw = list[str](), io.BytesIO()
    log = JobLog(shown.append, raw)
    long = b"x" * 100_000

    log.aside(b"[service:db] one\n")
    log.write(long)
    log.aside(b"[service:db] two\n")
    log.write(b" and ended\nnext")
    log.aside(b"[service:db] three\n")
    log.close()

    lines = raw.getvalue().decode().splitlines()
    whole = long.decode() + " and ended"
    assert shown == lines
    assert lines[:3] == ["[service:db] one", whole, "[service:db] two"]
    assert sorted(lines[3:]) == ["[service:db] three", "next"]
    assert log.size == len(raw.getvalue())


def test_a_line_that_waits_for_its_rest_is_not_cut_by_others():
    """A prompt was shown; what belongs to it comes before anything else."""
    shown = list[str]()
    log = JobLog(shown.append)

    log.write(b"name? ")
    log.pause()
    log.aside(b"[service:db] one\n")
    log.write(b"me\n")

    assert shown == ["name? ", "me", "[service:db] one"]
