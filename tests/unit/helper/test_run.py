"""Which failures end a job, and which only warn."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import FailureReason, StorageError, SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.run import Phase, PhaseFailure, run_phases
from processes.phases import make_context


class Log:
    """Makes phases that note that they ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def phase(self, name: str, error: Exception | None = None, **options: bool) -> Phase:
        """Make a phase that fails with an error, or does not."""

        def run(context: PhaseContext) -> None:
            self.ran.append(name)
            if error is not None:
                raise error

        return Phase(name=name, heading=name, run=run, **options)


def test_phases_run_in_order(tmp_path: Path):
    """Those that are wanted."""
    log = Log()

    run_phases(
        make_context(tmp_path), [log.phase("a"), log.phase("b", wanted=False), log.phase("c")]
    )

    assert log.ran == ["a", "c"]


def test_an_unwanted_phase_is_not_mentioned(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """No section without contents."""
    run_phases(make_context(tmp_path), [Log().phase("silent", wanted=False)])

    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("error", [StorageError("broken"), OSError(28, "No space left")])
def test_a_fatal_failure_ends_the_job(tmp_path: Path, error: Exception):
    """Later phases are left out, except those that always run; the first failure is told."""
    log = Log()
    phases = [
        log.phase("a", error),
        log.phase("b"),
        log.phase("c", StorageError("second"), fatal=True, always=True),
    ]

    with pytest.raises(PhaseFailure) as caught:
        run_phases(make_context(tmp_path), phases)

    assert log.ran == ["a", "c"]
    assert caught.value.phase == "a"
    assert str(caught.value) == str(error)


def test_a_failure_keeps_its_reason(tmp_path: Path):
    """GitLab's failure reason decides about retries."""
    error = SystemFailure("gone", reason=FailureReason.MISSING_DEPENDENCY_FAILURE)

    with pytest.raises(PhaseFailure) as caught:
        run_phases(make_context(tmp_path), [Log().phase("download_artifacts", error)])

    assert caught.value.reason == "missing_dependency_failure"
    assert caught.value.phase == "download_artifacts"


def test_other_failures_are_the_systems(tmp_path: Path):
    """Not the script's: a retry for `runner_system_failure` is right."""
    with pytest.raises(PhaseFailure) as caught:
        run_phases(make_context(tmp_path), [Log().phase("x", StorageError("down"))])

    assert caught.value.reason == "runner_system_failure"


def test_a_failure_that_is_not_fatal_is_a_warning(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """And the job goes on."""
    log = Log()

    run_phases(
        make_context(tmp_path), [log.phase("a", StorageError("down"), fatal=False), log.phase("b")]
    )

    assert log.ran == ["a", "b"]
    assert "WARNING: down" in capfd.readouterr().out


def test_a_mistake_of_ours_is_not_hidden(tmp_path: Path):
    """Only errors of the world are turned into failures of phases."""
    with pytest.raises(ZeroDivisionError):
        run_phases(make_context(tmp_path), [Log().phase("a", ZeroDivisionError(), fatal=False)])
