"""Pools, queues and priorities: what runners say of the tasks of jobs, before any run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factories import MAIN, PROJECT, compile_text
from gitlab_ci_provider.hooks.runners import slots_for_sync, slotted
from gitlab_ci_provider.model.pipeline import Pipeline, TaskSlot
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.serialization import decode, encode
from gitlab_ci_provider.model.topology import topology
from gitlab_ci_provider.runners.slots import with_slots
from gitlab_ci_provider.settings import Settings

TEXT = """
free: {script: x}
gpu: {tags: [gpu], script: x}
kept: {tags: [secure], script: x}
lost: {tags: [windows], script: x}
open: {tags: [$KIND], script: x}
child: {trigger: {include: child.yml}}
"""
GPU = RunnerProfile(name="gpu", tags=("gpu",), pool="cards", queue="ml", priority_weight=9)
SECURE = RunnerProfile(name="secure", tags=("secure",), access_level="ref_protected", pool="secure")
REST = RunnerProfile(name="rest", run_untagged=True, pool="rest")
RUNNERS = (GPU, SECURE, REST)


def pipeline() -> Pipeline:
    return compile_text(TEXT)


def test_each_job_has_the_slot_of_its_runner():
    """A job that no runner takes, and one whose tags only a run knows, are left to Airflow."""
    found = with_slots(pipeline(), RUNNERS, PROJECT, replace(MAIN, protected=True)).slots

    assert found == {
        "free": TaskSlot(pool="rest"),
        "gpu": TaskSlot(pool="cards", queue="ml", priority=9),
        "kept": TaskSlot(pool="secure"),
    }


def test_a_runner_for_protected_refs_does_not_count_for_others():
    """The ref decides, as it does when the job starts."""
    found = with_slots(pipeline(), RUNNERS, PROJECT, replace(MAIN, protected=False)).slots

    assert "kept" not in found


def test_tags_with_variables_have_a_slot_if_all_runners_agree():
    """Whichever runner takes the job, its task is in the right pool."""
    runners = [replace(runner, pool="all", queue="", priority_weight=None) for runner in RUNNERS]

    assert with_slots(pipeline(), runners, PROJECT, MAIN).slots["open"] == TaskSlot(pool="all")


def test_slots_are_part_of_the_topology():
    """A pipeline whose tasks are in other pools needs another DAG; without any, nothing changes."""
    plain = pipeline()
    without = with_slots(plain, [RunnerProfile(name="r", any_tags=True)], PROJECT, MAIN)
    with_pools = with_slots(plain, RUNNERS, PROJECT, MAIN)

    assert without == plain
    assert topology(with_pools) != topology(plain)
    assert topology(decode(encode(with_pools), Pipeline)) == topology(with_pools)
    assert encode(with_pools) == encode(with_slots(plain, RUNNERS, PROJECT, MAIN))


def test_while_runners_cannot_be_read_tasks_stay_where_they_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """The jobs say what is wrong with the runners when they start."""
    settings = Settings(home=tmp_path, runners_file=tmp_path / "none.yml")
    shown = with_slots(pipeline(), RUNNERS, PROJECT, MAIN)

    found = slotted(pipeline(), settings, PROJECT, MAIN, lambda: shown)

    assert found.slots == shown.slots
    assert slotted(pipeline(), settings, PROJECT, MAIN, lambda: None) == pipeline()
    assert "none.yml" in caplog.text


def test_a_sync_knows_protected_refs_by_their_names(tmp_path: Path):
    """So that the DAG that it makes fits the runs of the default branch."""
    file = tmp_path / "runners.yml"
    file.write_text("runners: [{name: s, tags: secure, access_level: ref_protected, pool: p}]")
    settings = Settings(home=tmp_path, runners_file=file)
    place = slots_for_sync(settings)

    def slots(ref: str) -> object:
        named = replace(MAIN, name=ref, protected=False)
        return place(pipeline(), PROJECT, named, lambda: None).slots

    assert slots(PROJECT.default_branch) == dict.fromkeys(("kept", "open"), TaskSlot(pool="p"))
    assert slots("topic") == {}
