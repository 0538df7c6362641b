"""GitLab's scheduling table, row by row: what our runs did, written down for the documentation.

`GITLAB_CI_WRITE_TABLES=1 pytest tests/e2e/test_scheduling_table.py` writes the page again.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from e2e.embedded import Stack, make_repository
from e2e.runs import run_with_variables, wait_for
from processes import gitlab_scheduler
from processes.gitlab_scheduler import PlainJob

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "scheduling-table.md"

ROWS = {
    "success": "succeeded",
    "failed": "failed",
    "warning": "failed, `allow_failure: true`",
    "skipped": "was skipped",
    "optional": "is manual, optional, not played",
    "absent": "is left out by its rules",
}
"""What the earlier job does, by the value of `$ROW`."""

WHENS = ("on_success", "on_failure", "always", "manual", "delayed")
MODES = {"stage": "in stage order", "needs": "with `needs` on it"}
WORDS = {"success": "runs", "skipped": "skipped", "manual": "offered"}

EARLIER = """
stages: [earlier, later]
earlier:
  stage: earlier
  script: 'test "$ROW" = success'
  rules:
    - if: $ROW == "success" || $ROW == "failed"
    - {if: $ROW == "warning", allow_failure: true}
    - {if: $ROW == "skipped", when: on_failure}
    - {if: $ROW == "optional", when: manual, allow_failure: true}
    - {if: $ROW == "blocking", when: manual}
"""

HEAD = """\
# Scheduling, row by row

What a job did after an earlier job ended, for every `when` and both ways to wait. This page is
written by `tests/e2e/test_scheduling_table.py` from runs on the embedded stack, and the test fails
when a run does anything else than GitLab's processing (told a second time in
`tests/processes/gitlab_scheduler.py`) says.

| The earlier job | the later job waits | {whens} |
|---|---|{rules}
"""

FOOT = """
A blocking manual job (`when: manual` in `rules`, or `allow_failure: false`) that nobody has played
lets no later job start, in either mode: the run waits.
"""


def config() -> str:
    """Write one later job for each `when` and mode."""
    jobs = [EARLIER]
    for mode in MODES:
        for when in WHENS:
            lines = [f"{mode}-{when}:", "  stage: later", "  script: 'true'", f"  when: {when}"]
            lines += ["  needs: [{job: earlier, optional: true}]"] if mode == "needs" else []
            lines += ["  start_in: 1 second"] if when == "delayed" else []
            jobs.append("\n".join(lines) + "\n")
    return "".join(jobs)


def expected(row: str) -> dict[str, str]:
    """Ask the brute-force model of GitLab's processing."""
    when = {"skipped": "on_failure", "optional": "manual"}.get(row, "on_success")
    allowed = row in {"warning", "optional"}
    outcome = "failed" if row in {"failed", "warning"} else "success"
    jobs = [PlainJob("earlier", 0, when, allowed, None, outcome)] if row != "absent" else []
    for mode in MODES:
        needs = ("earlier",) if mode == "needs" else None
        jobs += [PlainJob(f"{mode}-{w}", 1, w, w == "manual", needs, "success") for w in WHENS]
    statuses = gitlab_scheduler.run(jobs, lambda names: names[0])
    return {name: status for name, status in statuses.items() if name != "earlier"}


def page(seen: dict[str, dict[str, str]]) -> str:
    """Write the page from what was seen."""
    head = HEAD.format(whens=" | ".join(f"`{when}`" for when in WHENS), rules="---|" * len(WHENS))
    rows = [
        f"| {words} | {waits} | "
        + " | ".join(WORDS[seen[row][f"{mode}-{when}"]] for when in WHENS)
        + " |\n"
        for row, words in ROWS.items()
        for mode, waits in MODES.items()
    ]
    return head + "".join(rows) + FOOT


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose earlier job does what `$ROW` says."""
    folder = tmp_path_factory.mktemp("table") / "scheduling"
    return make_repository(folder, {".gitlab-ci.yml": config()})


def test_every_row_is_gitlabs(stack: Stack, repository: Path):
    """Each later job runs, is skipped or is offered as GitLab's table says; the page shows it."""
    runs = run_with_variables(stack, repository, [{"ROW": row} for row in ROWS])
    seen = {
        row: {name: status for name, status in run.statuses().items() if name != "earlier"}
        for row, run in zip(ROWS, runs, strict=True)
    }

    assert seen == {row: expected(row) for row in ROWS}
    if os.environ.get("GITLAB_CI_WRITE_TABLES"):
        PAGE.write_text(page(seen))
    assert PAGE.read_text() == page(seen)


def test_a_blocking_manual_job_lets_nobody_pass(stack: Stack, repository: Path):
    """Until it is played, no later job starts, whether by stage or by need."""
    [run] = run_with_variables(stack, repository, [{"ROW": "blocking"}], wait=False)
    wait_for(lambda: run.task("earlier").state == "awaiting_input")

    states = {run.task(f"{mode}-{when}").state for mode in MODES for when in WHENS}

    stack.api.stop_run(run.dag, run.id)
    assert states == {None}
