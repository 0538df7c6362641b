"""What the helper writes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gitlab_ci_provider.helper.output import Output
from processes.frames import read_frames

Shown = Callable[[], str]


@pytest.fixture
def shown(capfdbinary: pytest.CaptureFixture[bytes]) -> Shown:
    """Return what was written so far."""
    return lambda: read_frames(capfdbinary.readouterr().out).decode()


def test_sections_are_gitlabs(shown: Shown):
    """The markers that GitLab and the task log fold by, with a heading in cyan."""
    output = Output(clock=iter([5, 7]).__next__)

    with output.section("get_sources", "Getting source"):
        output.line("inside")

    assert shown() == (
        "section_start:5:get_sources\r\x1b[0K\x1b[36;1mGetting source\x1b[0;m\n"
        "inside\n"
        "section_end:7:get_sources\r\x1b[0K\n"
    )


def test_a_section_ends_whatever_happens(shown: Shown):
    """Else everything after a failure would be folded away."""
    with pytest.raises(ValueError, match="x"), Output().section("name", "Heading"):
        raise ValueError("x")

    assert "section_end" in shown()


def test_levels_have_colours(shown: Shown):
    """The runner's: green, yellow, red."""
    output = Output()
    output.notice("n")
    output.warning("w")
    output.error("e")

    assert shown() == (
        "\x1b[32;1mn\x1b[0;m\n\x1b[0;33mWARNING: w\x1b[0;m\n\x1b[31;1mERROR: e\x1b[0;m\n"
    )


def test_secrets_are_masked(shown: Shown):
    """Wherever they stand; the longer one first where one holds another."""
    Output(["secret", "secret-long"]).error("a secret-long and a secret, secretsecret")

    assert "a [MASKED] and a [MASKED], [MASKED][MASKED]" in shown()


def test_each_line_of_a_secret_is_masked(shown: Shown):
    """Output is written line by line, and so would a key of several lines be."""
    Output(["first line\nsecond line\n"]).line("x first line y second line")

    assert shown() == "x [MASKED] y [MASKED]\n"


def test_very_short_values_are_not_masked(shown: Shown):
    """GitLab masks no value of shorter than 8 characters; a `1` would make the log unreadable."""
    Output(["1", "", "abc"]).line("1 abc")

    assert shown() == "1 abc\n"


def test_any_name_of_a_file_can_be_written(capfdbinary: pytest.CaptureFixture[bytes]):
    """Also one that is not UTF-8."""
    Output().line("bad-\udcff")

    assert read_frames(capfdbinary.readouterr().out) == b"bad-\xff\n"
