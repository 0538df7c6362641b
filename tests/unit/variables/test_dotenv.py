"""Dotenv reports."""

from __future__ import annotations

import random

import pytest

from gitlab_ci_provider.variables.dotenv import DotenvError, parse_dotenv


def read(*files: bytes) -> dict[str, str]:
    return {one.name: one.value for one in parse_dotenv(files)}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"A=1\nB=2\n", {"A": "1", "B": "2"}),
        (b"A=1", {"A": "1"}),
        (b"A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        (b" A = x y  \n", {"A": "x y"}),
        (b"A=\n", {"A": ""}),
        (b"A=b=c\n", {"A": "b=c"}),
        (b"A=\"quoted\" 'too' # no comment\n", {"A": "\"quoted\" 'too' # no comment"}),
        (b"A=1\nB=2\nA=3\n", {"A": "3", "B": "2"}),
        (b"1A=1\n", {"1A": "1"}),
        ("A=grün\n".encode(), {"A": "grün"}),
        (b"\xef\xbb\xbfA=1\n", {"A": "1"}),
        ("A=1\r\nB=ü\r\n".encode("utf-16"), {"A": "1", "B": "ü"}),
        (b"A=\xff\n", {"A": "\ufffd"}),
        (b"", {}),
    ],
)
def test_lines_are_read_as_gitlab_does(data: bytes, expected: dict[str, str]):
    """Up to the first `=` is the key; white space around both is cut, nothing else."""
    assert read(data) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"A=1\n\nB=2\n", "Invalid Format"),
        (b"# comment\n", "Invalid Format"),
        (b"A\n", "Invalid Format"),
        (b"=1\n", "Key can't be blank"),
        (b"A-B=1\n", "can contain only letters, digits and '_'"),
        ("Ä=1\n".encode(), "can contain only letters, digits and '_'"),
        (b"export A=1\n", "can contain only letters, digits and '_'"),
        (b"A" * 256 + b"=1\n", "Key is too long"),
        (b"".join(b"A%d=1\n" % n for n in range(21)), "cannot have more than 20 variables"),
        (b"A=" + random.Random(1).randbytes(6000).hex().encode(), "Too Big. Maximum"),
        (b"A=" + b"x" * 2_000_000, "Too Big. Maximum"),
    ],
)
def test_what_gitlab_refuses_is_refused_in_its_words(data: bytes, message: str):
    """A report that is wrong fails its job."""
    with pytest.raises(DotenvError, match=message) as problem:
        read(data)

    assert problem.value.reason == "script_failure"


def test_the_size_is_that_of_what_is_uploaded():
    """The runner uploads reports compressed, and GitLab measures that."""
    assert read(b"A=" + b"x" * 9000) == {"A": "x" * 9000}


def test_several_files_are_one_report():
    """The last of equal keys wins, wherever it stands."""
    assert read(b"A=1\nB=1\n", b"A=2\n") == {"A": "2", "B": "1"}
