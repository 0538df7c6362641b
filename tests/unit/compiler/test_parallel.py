"""Instances of `parallel` jobs and needs between them."""

from __future__ import annotations

from collections.abc import Mapping

from factories import make_job
from gitlab_ci_provider.compiler.needs import connect
from gitlab_ci_provider.compiler.parallel import instances
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.config.keywords.parallel import Parallel
from gitlab_ci_provider.config.raw import Map, Mark
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.needs import Need

MATRIX = ((("OS", ("linux", "mac")), ("ARCH", ("arm",))), (("OS", ("windows",)),))


def _instances(name: str, parallel: Parallel | None, **given: object) -> dict[str, Job]:
    config = JobConfig(make_job(name, **given), Map(Mark("f")), parallel)
    return {job.name: job for job in instances(config)}


def groups_of(jobs: Mapping[str, Job]) -> dict[str, list[str]]:
    """List the instances of each job."""
    groups: dict[str, list[str]] = {}
    for name, job in jobs.items():
        groups.setdefault(job.group, []).append(name)
    return groups


def test_copies_are_numbered():
    """`parallel: 2` makes two jobs that know their number."""
    made = _instances("a", Parallel(total=2))

    assert list(made) == ["a 1/2", "a 2/2"]
    assert {job.group for job in made.values()} == {"a"}


def test_matrix_is_multiplied_item_by_item():
    """Each item is a product; items are added; values name the job and are its variables."""
    made = _instances("a", Parallel(matrix=MATRIX))

    assert list(made) == ["a: [linux, arm]", "a: [mac, arm]", "a: [windows]"]
    assert [one.value for one in made["a: [mac, arm]"].own_variables] == ["mac", "arm"]


def test_need_on_a_parallel_job_is_a_need_on_all_its_instances():
    """The name in the file stands for every instance."""
    jobs = _instances("a", Parallel(total=2)) | _instances("b", None, needs=(Need(job="a"),))

    assert connect(jobs, groups_of(jobs))["b"].needs == (Need(job="a 1/2"), Need(job="a 2/2"))


def test_need_may_choose_instances():
    """By the matrix, or by an instance's full name."""
    chosen = (("OS", ("linux",)), ("ARCH", ("arm",)))
    needs = (Need(job="a", matrix=(chosen,)), Need(job="a: [windows]"))
    jobs = _instances("a", Parallel(matrix=MATRIX)) | _instances("b", None, needs=needs)

    assert connect(jobs, groups_of(jobs))["b"].needs == (
        Need(job="a: [linux, arm]"),
        Need(job="a: [windows]"),
    )


def test_matrix_expressions_join_equal_instances():
    """`$[[ matrix.X ]]` in a need takes the value of the instance that needs."""
    items = ((("OS", ("linux", "mac")),),)
    need = Need(job="a", matrix=((("OS", ("$[[ matrix.OS ]]",)),),))
    jobs = _instances("a", Parallel(matrix=items)) | _instances(
        "b", Parallel(matrix=items), needs=(need,)
    )

    assert connect(jobs, groups_of(jobs))["b: [mac]"].needs == (Need(job="a: [mac]"),)
