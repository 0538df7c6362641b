"""Variables that control the runner, read as GitLab Runner reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from factories import make_plan_request, with_variables
from gitlab_ci_provider.planner.build_settings import BuildSettings, read_build_settings
from gitlab_ci_provider.planner.plan import plan_job


def read(timeout: int | None = None, **variables: str) -> BuildSettings:
    values: Mapping[str, str] = variables
    return read_build_settings(lambda name: values.get(name, ""), timeout)


def test_defaults_are_the_runners():
    """One attempt each, five minutes for after_script, nothing to warn of."""
    assert read() == BuildSettings()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2h0m1s", 7201),
        ("1.5h", 5400),
        ("+10s", 10),
        ("1m500ms", 61),
        ("300ms", 1),
        ("0s", 0),
        ("0", 0),
    ],
)
def test_timeouts_are_durations_of_go(text: str, seconds: int):
    """Whole seconds at least; no time at all means no limit."""
    settings = read(RUNNER_SCRIPT_TIMEOUT=text, RUNNER_AFTER_SCRIPT_TIMEOUT=text)

    assert settings.script_seconds == seconds
    assert settings.after_script_seconds == (seconds or 300)
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("soon", "Ignoring malformed RUNNER_SCRIPT_TIMEOUT timeout: soon"),
        ("5", "Ignoring malformed RUNNER_SCRIPT_TIMEOUT timeout: 5"),
        ("1.2.3s", "Ignoring malformed RUNNER_SCRIPT_TIMEOUT timeout: 1.2.3s"),
        ("5 m", "Ignoring malformed RUNNER_SCRIPT_TIMEOUT timeout: 5 m"),
        ("-1m", "Ignoring relative RUNNER_SCRIPT_TIMEOUT timeout: -1m"),
    ],
)
def test_a_wrong_timeout_is_ignored_with_a_warning(text: str, warning: str):
    """In the runner's words; the script has no limit then."""
    settings = read(RUNNER_SCRIPT_TIMEOUT=text)

    assert (settings.script_seconds, settings.warnings) == (0, (warning,))


def test_many_digits_are_read_once():
    """Values have up to 100,000 characters, and a regular expression may try each of them twice."""
    settings = read(RUNNER_SCRIPT_TIMEOUT="1" * 100_000)

    assert (settings.script_seconds, len(settings.warnings)) == (0, 1)


def test_no_script_has_more_time_than_its_job():
    """A longer timeout becomes the job's own, and the log says so."""
    settings = read(60, RUNNER_SCRIPT_TIMEOUT="2h", RUNNER_AFTER_SCRIPT_TIMEOUT="10s")

    assert (settings.script_seconds, settings.after_script_seconds) == (60, 10)
    assert settings.warnings == (
        "RUNNER_SCRIPT_TIMEOUT timeout: 2h is longer than job timeout. Setting to job timeout",
    )


@pytest.mark.parametrize(
    ("text", "attempts", "warned"),
    [("3", 3, False), ("10", 10, False), ("0", 1, True), ("-2", 1, True), ("11", 10, True)],
)
def test_attempts_are_one_to_ten(text: str, attempts: int, warned: bool):
    """What is out of the range is moved to its end, with a warning."""
    settings = read(
        RESTORE_CACHE_ATTEMPTS=text,
        ARTIFACT_DOWNLOAD_ATTEMPTS=text,
        SECRETS_RETRIEVAL_ATTEMPTS=text,
    )

    assert settings.restore_cache_attempts == attempts
    assert settings.download_attempts == attempts
    assert settings.secrets_attempts == attempts
    assert len(settings.warnings) == 3 * warned


def test_a_cache_request_has_minutes():
    """CACHE_REQUEST_TIMEOUT counts minutes, and without it there is no limit."""
    assert read(CACHE_REQUEST_TIMEOUT="5").cache_seconds == 300
    assert read(CACHE_REQUEST_TIMEOUT="-1").cache_seconds == 0


@pytest.mark.parametrize("name", ["CACHE_COMPRESSION_LEVEL", "ARTIFACT_COMPRESSION_LEVEL"])
def test_levels_are_the_runners_words(name: str):
    """Another one counts as `default`, and the log says so."""
    good, bad = ({name: word} for word in ("slowest", "best"))
    assert read_build_settings(lambda asked: good.get(asked, "")).warnings == ()
    settings = read_build_settings(lambda asked: bad.get(asked, ""))

    (said,) = settings.warnings
    assert said.startswith(f"{name}: expected either 'fastest', 'fast', 'default'")
    assert replace(settings, warnings=()) == read()


@pytest.mark.parametrize(
    ("text", "seconds", "warned"),
    [
        ("", 0, False),
        ("0", 0, False),
        ("2s", 2, False),
        ("1m30s", 90, False),
        ("10ms", 1, False),
        ("-1s", 0, True),
        ("often", 0, True),
    ],
)
def test_the_meter_reports_every_so_many_seconds(text: str, seconds: int, warned: bool):
    """A second at least, as with the runner; never by default."""
    settings = read(TRANSFER_METER_FREQUENCY=text)

    assert settings.meter_seconds == seconds
    assert bool(settings.warnings) == warned


def test_the_plan_carries_them():
    """What the pod needs to know is in its plan, with what the log is to say."""
    job = with_variables(
        RESTORE_CACHE_ATTEMPTS="2",
        ARTIFACT_DOWNLOAD_ATTEMPTS="4",
        CACHE_REQUEST_TIMEOUT="1",
        CI_DEBUG_TRACE="please",
    )

    plan = plan_job(make_plan_request(job)).plan

    assert (plan.restore_cache_attempts, plan.download_attempts, plan.cache_seconds) == (2, 4, 60)
    assert plan.warnings == (
        'CI_DEBUG_TRACE: expected bool got "please", using default value: false',
    )


@pytest.mark.parametrize("text", ["true", "1", "T"])
def test_a_trace_is_for_scripts_and_for_git(text: str):
    """CI_DEBUG_TRACE as Go reads booleans; a job that says so itself decides about git's."""
    plan = plan_job(make_plan_request(with_variables(CI_DEBUG_TRACE=text))).plan
    quiet = plan_job(make_plan_request(with_variables(CI_DEBUG_TRACE=text, GIT_TRACE="0"))).plan

    assert plan.debug_trace
    assert plan.sources is not None
    assert quiet.sources is not None
    assert plan.sources.git_settings == ("GIT_TRACE=1",)
    assert quiet.sources.git_settings == ("GIT_TRACE=0",)


def test_traces_can_be_forbidden():
    """With the runner's words; everything else is as it was."""
    request = make_plan_request(with_variables(CI_DEBUG_TRACE="true"))
    limits = replace(request.limits, debug_trace_disabled=True)

    plan = plan_job(replace(request, limits=limits)).plan

    assert not plan.debug_trace
    assert plan.warnings == ("CI_DEBUG_TRACE: usage is disabled on this Runner",)
    assert plan.sources is not None
    assert plan.sources.git_settings == ()
