"""Secrets in what jobs write."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import subprocess
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitlab_ci_provider.variables.masking import Masker, log_masker

# Inputs of the runner's own tests, cut at `|` into what is written at once.
PHRASES = [
    ("empty secrets have no effect", [""], "empty secrets have no effect"),
    ("secret|s", ["secrets"], "[MASKED]"),
    ("secretssecrets", ["secrets"], "[MASKED][MASKED]"),
    ("s|secrets", ["secrets"], "s[MASKED]"),
    ("at the end of the buffer", ["buffer"], "at the end of the [MASKED]"),
    ("values are masked", ["values", "masked"], "[MASKED] are [MASKED]"),
    ("pre_mask mask pre_|mask pre_ma|sk mas|k", ["mask", "pre_mask"], " ".join(["[MASKED]"] * 5)),
    ("large: " + "_" * 8000 + "|" + "_" * 8000, ["_" * 16000], "large: [MASKED]"),
    ("this is the en| foobar", ["this is the end", "en foobar"], "this is the [MASKED]"),
    ("trimmed: se|cret", ["  secret \t"], "trimmed: [MASKED]"),
]

TOKENS = [
    ("a glpat-imperdiet in", "a glpat-[MASKED] in"),
    ("esseglpat-imperdiet=_-. end", "esseglpat-[MASKED] end"),
    ("glpat-impglpat-erdiet Lorem", "glpat-[MASKED] Lorem"),
    ("glpat|-imperdiet Lorem gl|pat-imperdiet", "glpat-[MASKED] Lorem glpat-[MASKED]"),
    ("glpat| -imperdiet", "glpat -imperdiet"),
    (
        "glrt-a glcbt-b gldt-c _gitlab_session=d",
        "glrt-[MASKED] glcbt-[MASKED] gldt-[MASKED] _gitlab_session=[MASKED]",
    ),
]

PARAMETERS = [
    ("http://e.org/?test=foobar", "http://e.org/?test=foobar"),
    ("/?private_token=deadbeef sensitive", "/?private_token=[MASKED] sensitive"),
    ("/?X-AMZ-sigNATure=deadbeef with", "/?X-AMZ-sigNATure=[MASKED] with"),
    (
        "/?rss_token=h&x-amz-credential=d both",
        "/?rss_token=[MASKED]&x-amz-credential=[MASKED] both",
    ),
    ("/?x-amz-cred|ential=abcdefghij|klm\nx", "/?x-amz-credential=[MASKED]\nx"),
    ("/?x-amz-credential=&private_token=g", "/?x-amz-credential=[MASKED]&private_token=[MASKED]"),
    ("/?x-amz-credential=" + "0" * 8192 + " is", "/?x-amz-credential=[MASKED] is"),
    ("rss_token=notmasked", "rss_token=notmasked"),
]


def stream(masker: Masker, text: str) -> str:
    pieces = [masker.feed(piece.encode()) for piece in text.split("|")]
    return b"".join([*pieces, masker.flush()]).decode()


@pytest.mark.parametrize(("text", "values", "expected"), PHRASES)
def test_values_are_hidden_as_by_the_runner(text: str, values: list[str], expected: str):
    """The longest value first, whichever way the stream is cut."""
    assert stream(Masker(values), text) == expected
    assert stream(log_masker(values), text) == expected


@pytest.mark.parametrize(("text", "expected"), [*TOKENS, *PARAMETERS])
def test_tokens_and_signed_urls_are_hidden_without_being_told(text: str, expected: str):
    """What follows a known token prefix, and the values of known parameters of URLs."""
    assert stream(Masker(), text) == expected
    assert stream(log_masker([]), text) == expected


@pytest.mark.parametrize("prefix", ["", "u:", "us:"])
def test_encoded_forms_are_hidden(prefix: str):
    """HTTP clients show values percent-encoded, and as base64 behind a user name."""
    value = "p4ss/wörd+plus"
    shown = [quote(value, safe=""), base64.b64encode(f"{prefix}{value}\n".encode()).decode()]

    for form in shown:
        assert "[MASKED]" in Masker([value]).text(f"x {form} y")


HARD = 'it\'s a \\ "q" $HOME `x` ö/ü?>~ & <b>; word'


def _shell(command: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command], env={"S": HARD}, capture_output=True, text=True, check=True
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "shown",
    [
        base64.urlsafe_b64encode(f"??>{HARD}??>".encode()).decode(),
        base64.urlsafe_b64encode(f"u:{HARD}".encode()).decode().rstrip("="),
        base64.encodebytes((HARD * 3).encode()).decode(),
        json.dumps({"a": HARD}),
        json.dumps({"a": HARD}, ensure_ascii=False),
        json.dumps({"a": HARD}).replace("/", "\\/"),
        json.dumps({"outer": json.dumps({"a": HARD})}),
        html.escape(HARD),
        html.escape(HARD, quote=False),
        html.escape(HARD).replace("&#x27;", "&#39;"),
        shlex.quote(HARD),
        quote(HARD),
        re.sub("%..", lambda found: found[0].lower(), quote(HARD, safe="")),
        _shell('printf "%q" "$S"'),
        _shell("export -p | grep -A1 ' S='"),
        _shell('set -x; : "$S"'),
        _shell('printf "%s" "${S@Q}"'),
    ],
)
def test_what_programs_make_of_a_value_is_hidden(shown: str):
    """JSON, HTML, shells, URLs, base64 of both alphabets: nothing but the quotes around it."""
    masker = Masker([HARD * 3 if len(shown) > 150 and "\n" in shown else HARD])

    assert "[MASKED]" in masker.text(shown)
    left = masker.text(shown).replace("[MASKED]", "")
    assert not re.search("HOME|word|aXQncyBh|SE9NR", left), left


def test_each_line_of_a_longer_value_is_hidden():
    """A private key is printed line by line, and a log indents it."""
    masker = Masker(["-----BEGIN-----\nabcdef\n}\n"])

    assert masker.text("  abcdef\n}") == "  [MASKED]\n}"


def test_a_value_that_is_cut_in_a_very_long_line_is_hidden():
    """A line without an end is shown in parts, but never a part of a value."""
    masker, secret = Masker(["top-secret-value"]), "top-secret-value"
    text = ("x" * 997 + secret) * 50
    pieces = [masker.feed(text[at : at + 1000].encode()) for at in range(0, len(text), 1000)]
    shown = b"".join([*pieces, masker.flush()]).decode()

    assert any(pieces[:-1])
    assert shown == ("x" * 997 + "[MASKED]") * 50


def test_what_does_not_look_like_text_stays():
    """A job may write any bytes."""
    data = bytes(range(256))

    assert Masker(["secret"]).mask(data) == data


@given(st.text(), st.lists(st.text(min_size=4)), st.lists(st.integers(0, 50)))
def test_cutting_changes_nothing(text: str, values: list[str], cuts: list[int]):
    """The stream is hidden alike however it is cut, and no value passes as a whole."""
    data = "".join([text, *values]).encode("utf-8", "replace")
    values = [value.encode("utf-8", "replace").decode() for value in values]
    at, pieces = 0, []
    for cut in cuts:
        pieces.append(data[at : at + cut])
        at += cut
    masker = log_masker(values)
    shown = b"".join([*(masker.feed(piece) for piece in [*pieces, data[at:]]), masker.flush()])

    for value in values:
        for line in value.splitlines():
            if len(line.strip()) >= 4 and line.strip() not in "[MASKED]" * 2:
                assert line.strip().encode() not in shown.replace(b"[MASKED]", b"\0")


@given(
    st.lists(st.sampled_from(["top-", "secret", "-value", " ", "?", "x", "glpat-", "&rss_token="])),
    st.lists(st.booleans()),
)
def test_what_was_released_early_hides_the_same(words: list[str], pauses: list[bool]):
    """A line that pauses anywhere is shown up to a possible secret, never a part of one."""
    masker, shown = log_masker(["top-secret-value"]), b""
    for number, word in enumerate(words):
        shown += masker.feed(word.encode())
        if number < len(pauses) and pauses[number]:
            shown += masker.release()
    shown += masker.flush()

    assert shown == masker.mask("".join(words).encode())


@pytest.mark.parametrize("prompt", ["Continue? ", "Sure?", "50%\r", "password: ", "to", "x glpat-"])
def test_an_unfinished_line_can_be_shown(prompt: str):
    """All of it that cannot be the beginning of a value."""
    masker = Masker(["top-secret-value", "two words"])

    shown = masker.feed(prompt.encode()) + masker.release()

    assert shown.decode() == ("" if prompt == "to" else prompt)
    assert masker.holds is (prompt == "to")
