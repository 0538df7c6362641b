"""Tables of commands."""

from __future__ import annotations

from gitlab_ci_provider.cli.display.tables import table


def test_wide_letters_keep_columns_straight():
    """Each of them takes two columns of a terminal, an accent of its own none."""
    rows = [("日本語", "a"), ("e\u0301t\u0301", "b"), ("🚀 go", "c"), ("long name", "d")]

    assert list(table(("JOB", "B"), rows)) == [
        "JOB        B",
        "日本語     a",
        "e\u0301t\u0301         b",
        "🚀 go      c",
        "long name  d",
    ]


def test_a_commit_is_short_and_a_name_is_not():
    """The ref of a run of uncommitted changes is a commit; branches stay as they are."""
    rows = [("3f2a9c14" * 5, "a"), ("feature/deadbeef", "b\x1b")]
    assert list(table(("REF", "JOB"), rows)) == [
        "REF               JOB",
        "3f2a9c14          a",
        r"feature/deadbeef  b\x1b",
    ]
