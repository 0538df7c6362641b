"""A job cannot say what it has left in the object store, nor take what others have left for it."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact
from gitlab_ci_provider.model.termination_message import TerminationMessage, encode_message
from integration.cluster.waiting_task import Task

FOLDER = "artifacts/group/project/1/job"
OWN = f"{FOLDER}/1/artifacts.zip"
OTHERS = (
    "artifacts/group/project/1/other/1/artifacts.zip",
    "artifacts/group/secret/7/build/1/artifacts.zip",
    f"{FOLDER}/../other/1/artifacts.zip",
    "project/group/project/default-protected.tar.zst",
)

WRITE_EVERYWHERE = """
claim='{claim}'
for file in /dev/termination-log /proc/[0-9]*/root/dev/termination-log /gitlab-ci/control/* \\
    "$CI_PROJECT_DIR"/* /builds/*; do
  [ -p "$file" ] || [ -d "$file" ] || printf %s "$claim" 2>/dev/null >"$file" || :
done
printf 'job 0\\n' >/gitlab-ci/control/events || :
echo written
"""


def claim(*keys: str) -> str:
    """Write a message as the helper does."""
    report = ArtifactReport(kind="junit", object_key=keys[-1], results_key=keys[-1])
    artifacts = tuple(JobArtifact(name="claimed", object_key=key) for key in keys)
    return encode_message(TerminationMessage(artifacts=artifacts, reports=(report,))).decode()


def test_a_script_cannot_speak_for_the_helper(task: Task):
    """Not by the message of its own container, nor by files that it shares with the helper."""
    task.archive_key = OWN

    result = task.run(WRITE_EVERYWHERE.format(claim=claim(OWN)))

    assert "\nwritten\n" in task.kept
    assert (result.status, result.artifacts, result.reports) == ("success", (), ())


def test_what_is_not_of_the_job_is_ignored(task: Task, caplog: pytest.LogCaptureFixture):
    """Even when the helper says it, in a pod that somebody has taken over: later jobs read it."""
    task.archive_key = OWN

    def lie(pod: Any) -> None:
        helper = next(one for one in pod.spec.containers if one.name == "helper")
        words = " ".join([*(helper.command or ()), *(helper.args or ())])
        forged = f"{words}; printf %s '{claim(OWN, *OTHERS)}' >/dev/termination-log"
        helper.command, helper.args = ["sh", "-c", forged], None

    task.change = lie
    result = task.run("echo done")

    assert [artifact.object_key for artifact in result.artifacts] == [OWN]
    assert result.reports == ()
    assert "named artifacts that are not of this job" in caplog.text
