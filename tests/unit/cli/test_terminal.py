"""What reaches a terminal of texts that authors of pipelines have written."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.terminal import safe, safe_log

ATTACKS = [
    "\x1b]0;owned\x07",  # the title of the window
    "\x1b]52;c;cm0gLXJm\x07",  # the clipboard
    "\x1b[2J\x1b[H",  # the whole screen
    "\x1bc",  # a reset
    "\x9b2J",  # the same with an eight-bit introducer
    "\x1bP+q544e\x1b\\",  # a question that the terminal answers as if typed
    "\u202e",  # the rest of the line from right to left
    "\b\b\b\b",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_sequence_reaches_a_terminal(attack: str):
    """Neither from names nor from logs, however a terminal is told to do something."""
    for shown in (safe(f"a{attack}b"), safe_log(f"a{attack}b", colours=True)):
        assert shown.isprintable()
        assert shown[0] + shown[-1] == "ab"


def test_colours_of_a_log_are_kept_and_end_with_the_line():
    """A log that does not reset its colour colours no later line."""
    assert safe_log("\x1b[31mred", colours=True) == "\x1b[31mred\x1b[0m"
    assert safe_log("\x1b[31mred", colours=False) == "red"


def test_what_was_overwritten_on_a_line_is_left_out():
    """Progress bars show their last state, as on the terminal for which they were written."""
    assert safe_log("10 %\r100 %\r", colours=False) == "100 %"


def test_harmless_text_is_unchanged():
    """Letters of all scripts, tabs and line breaks stay."""
    text = "prüfen 🚀 👩‍💻\n\tعربي"
    assert safe(text) == text


def test_json_escapes_what_terminals_obey(capsys: pytest.CaptureFixture[str]):
    """It remains the same JSON."""
    output.say_json({"name": "a\x9b2J\u202e\x1b"})

    assert capsys.readouterr().out == '{"name": "a\\u009b2J\\u202e\\u001b"}\n'
