"""Reading the plan."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.helper.plan_file import decode_plan, read_plan
from gitlab_ci_provider.model.plan import (
    ArtifactDownload,
    ArtifactUpload,
    CacheArchive,
    CacheRestore,
    DotenvUpload,
    GetSources,
    Grant,
    JobPlan,
    PartsGrant,
    PlanVariable,
    PreGetSources,
    ReportUpload,
    ServiceCheck,
    StorePlace,
)
from gitlab_ci_provider.model.serialization import encode

FULL = JobPlan(
    job="job",
    project_dir="/builds/group/project",
    variables=(PlanVariable(name="A", value="ü\n", file=True, masked=True),),
    hook=PreGetSources(script="echo", attempts=2),
    warnings=("mind",),
    id_tokens=("TOKEN",),
    sources=GetSources(url="u", sha="s", refspecs=("r", "q")),
    restores=(CacheRestore(name="c", object_keys=("a", "b")),),
    downloads=(ArtifactDownload(job="j", object_key="k"),),
    archives=(CacheArchive(name="c", object_key="a", paths=("p",)),),
    uploads=(ArtifactUpload(name="n", object_key="k", paths=("p",), exclude=("e",)),),
    reports=(ReportUpload(kind="junit", object_key="k", paths=("p",)),),
    dotenv=DotenvUpload(object_key="k", paths=("p",)),
    services=(ServiceCheck(name="db", image="postgres", hosts=("db",), port=5432),),
    store=StorePlace(name="s3://b/", write_headers={"x-amz-server-side-encryption": "AES256"}),
    cache_store=StorePlace(name="s3://caches/"),
    reads=(Grant(object_key="k", url="u"),),
    writes=(Grant(object_key="k", url="u"),),
    parted=(PartsGrant(object_key="k", part="p", signatures=("s",), complete="c", abort="a"),),
)


@pytest.mark.parametrize("plan", [FULL, JobPlan(job="job", project_dir="/p")])
def test_reads_what_the_operator_wrote(plan: JobPlan):
    """The same plan as at the other side of the Secret."""
    assert decode_plan(encode(plan)) == plan


def test_every_part_of_a_plan_is_known():
    """A field of a new kind must be read as that kind, so it has to stand in the full plan."""
    for field in dataclasses.fields(JobPlan):
        value = getattr(FULL, field.name)
        kind = typing.get_type_hints(JobPlan)[field.name]
        if "gitlab_ci_provider" in str(kind):
            assert value, field.name
    assert decode_plan(encode(FULL)) == FULL


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"secret": 1}', encode(FULL).replace(b'"sha"', b'"secret"')]
)
def test_a_plan_of_another_version_is_refused(tmp_path: Path, text: bytes):
    """The message says what to do and quotes nothing: a plan holds secrets."""
    (tmp_path / "plan.json").write_bytes(text)

    with pytest.raises(SystemFailure, match="same version") as caught:
        read_plan(tmp_path / "plan.json")

    assert "secret" not in str(caught.value)


def test_a_missing_plan_is_named(tmp_path: Path):
    """By its path."""
    with pytest.raises(SystemFailure, match=r"none\.json"):
        read_plan(tmp_path / "none.json")
