"""Which caches a job restores and saves, under which names."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from factories import make_job, make_plan_request, make_run, make_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.cache import Cache, CacheKey
from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.planner.plan_request import RunnerCaches

PROTECTED = make_run(protected=True)
OPEN = make_run(protected=False)


def plan(cache: Cache, run: PipelineRun = OPEN, **variables: str) -> JobPlan:
    """Plan a job with one cache."""
    made = make_variables(**variables)
    job = make_job("job", caches=(replace(cache, paths=("x",)),), variables=made)
    return plan_job(make_plan_request(replace(job, own_variables=made), run=run)).plan


def name(key: CacheKey, run: PipelineRun = OPEN, **variables: str) -> str:
    """Name the cache that a key makes."""
    return plan(Cache(key=key), run, **variables).archives[0].name


def restored(cache: Cache, run: PipelineRun = OPEN, **variables: str) -> list[str]:
    """List the names of the objects that are looked for."""
    keys = plan(cache, run, **variables).restores[0].object_keys
    return [key.rsplit("/", 1)[1].removesuffix(".tar.zst") for key in keys]


def test_protected_refs_have_caches_of_their_own():
    """GitLab's suffix keeps caches of protected refs apart; fallback keys get it too."""
    cache = Cache(key=CacheKey(value="$CI_COMMIT_REF_SLUG"), fallback_keys=("old",))

    assert restored(cache, PROTECTED) == ["main-protected", "old-protected"]
    assert restored(cache) == ["main-non_protected", "old-non_protected"]


FOLDER = "runner/t0k3n/project/42"


def in_shards(key: str) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{FOLDER}/{digest[:2]}/{digest}"


def of_runner(cache: Cache, caches: RunnerCaches, **variables: str) -> JobPlan:
    """Plan a job of a project whose caches GitLab Runner keeps."""
    made = make_variables(**variables)
    job = make_job("job", caches=(cache,), variables=made, own_variables=made)
    return plan_job(make_plan_request(job, run=PROTECTED, runner_caches=caches)).plan


def test_cleared_caches_have_other_keys():
    """GitLab's index comes before the suffix, in fallback keys, too, but not in the variable's."""
    made = make_variables(CACHE_FALLBACK_KEY="last")
    cache = Cache(key=CacheKey(value="k"), paths=("x",), fallback_keys=("old",))
    job = make_job("job", caches=(cache,), variables=made)
    request = make_plan_request(replace(job, own_variables=made), run=PROTECTED, cache_index=3)

    keys = plan_job(request).plan.restores[0].object_keys

    names = [key.rsplit("/", 1)[1].removesuffix(".tar.zst") for key in keys]
    assert names == ["k-3-protected", "old-3-protected", "last"]


def test_caches_of_gitlab_runner_are_looked_for_after_our_own():
    """Key by key, in their folder; nothing is saved there, and no key leads out of the folder."""
    cache = Cache(key=CacheKey(value="k"), paths=("x",), fallback_keys=("../43/old",))
    made = of_runner(cache, RunnerCaches(folder=f"{FOLDER}/"))

    own, plain, hashed, *fallback = made.restores[0].object_keys
    assert own == made.archives[0].object_key
    assert own.startswith("project/")
    assert (plain, hashed) == (f"{FOLDER}/k-protected", in_shards("k-protected"))
    assert fallback[1:] == [f"{FOLDER}/43/old-protected", in_shards("../43/old-protected")]


def test_hashed_keys_of_gitlab_runner_come_first_with_its_flag():
    """As the runner, which looks for the other form when there is none."""
    cache = Cache(key=CacheKey(value="k"), paths=("x",))
    made = of_runner(cache, RunnerCaches(folder=FOLDER, saves=True), FF_HASH_CACHE_KEYS="true")

    assert made.archives[0].object_key == in_shards("k-protected")
    assert made.restores[0].object_keys[:2] == (in_shards("k-protected"), f"{FOLDER}/k-protected")


@pytest.mark.parametrize(
    ("given", "expected", "words"),
    [
        ("", "zip", ""),
        ("zip", "zip", ""),
        ("TarZstd", "tarzstd", ""),
        ("zipzstd", "zipzstd", ""),
        ("rar", "zip", "'rar', which GitLab Runner does not know"),
    ],
)
def test_caches_can_be_saved_for_gitlab_runner(given: str, expected: str, words: str):
    """In its place and form, so that runner and this package use the same caches."""
    cache = Cache(key=CacheKey(value="k"), paths=("x",))
    named = {"CACHE_COMPRESSION_FORMAT": given} if given else {}
    archive = of_runner(cache, RunnerCaches(folder=FOLDER, saves=True), **named).archives[0]

    assert (archive.object_key, archive.format) == (f"{FOLDER}/k-protected", expected)
    assert words in "".join(archive.warnings)
    assert bool(words) == bool(archive.warnings)


@pytest.mark.parametrize(
    ("key", "cleaned", "said"),
    [
        ("feature/x", "feature/x", False),
        ("0_web/package-lock", "0_web/package-lock", False),
        ("../43/k", "43/k", True),
        ("a\\b%2fc", "a/b/c", True),
    ],
)
def test_caches_of_the_runner_have_the_keys_that_it_cleans(key: str, cleaned: str, said: bool):
    """Slashes are folders, and a key that it changes is told as the runner tells it."""
    cache = Cache(key=CacheKey(value="$KEY"), paths=("x",))
    made = of_runner(cache, RunnerCaches(folder=FOLDER, saves=True), KEY=key)

    written = f'cache key "{key}-protected" sanitized to "{cleaned}-protected"'
    assert made.archives[0].object_key == f"{FOLDER}/{cleaned}-protected"
    assert made.archives[0].warnings == ((written,) if said else ())


def test_a_key_that_cannot_name_an_object_of_the_runner_is_saved_in_our_own_place():
    """The job's log says so."""
    cache = Cache(key=CacheKey(value="$KEY"), paths=("x",))
    made = of_runner(cache, RunnerCaches(folder=FOLDER, saves=True), KEY="a\tb")

    assert made.archives[0].object_key.startswith("project/")
    assert "cannot name an object of GitLab Runner's" in made.archives[0].warnings[0]


def test_unprotect_shares_the_cache_with_all_refs():
    """A protected ref then reads and writes the cache of the others; fallback keys, too."""
    cache = Cache(key=CacheKey(value="k"), fallback_keys=("old",), unprotect=True)

    assert restored(cache, PROTECTED) == ["k-non_protected", "old-non_protected"]


@pytest.mark.parametrize(
    "written",
    [
        "default-protected",
        "$WORD-protected",
        "default-protected.",
        "default-protected . ",
        "x/../default-protected",
        "default%2dprotected/../default-protected",
        "x%2f%2e%2e%2fdefault-protected",
        "x\\..\\default-protected",
        "default-protected/ ",
    ],
)
@pytest.mark.parametrize("run", [PROTECTED, OPEN])
def test_the_fallback_variable_cannot_name_a_protected_cache(written: str, run: PipelineRun):
    """It gets no suffix, so the runner refuses such a key on every ref, and says so."""
    restore = plan(Cache(), run, CACHE_FALLBACK_KEY=written, WORD="default").restores[0]

    assert len(restore.object_keys) == 1
    assert 'not allowed to end in "-protected"' in restore.warnings[0]


@pytest.mark.parametrize(
    "cache",
    [
        Cache(key=CacheKey(value="default-protected")),
        Cache(fallback_keys=("default-protected", "$WORD-protected")),
        Cache(key=CacheKey(files=("a",), prefix="default-protected")),
        Cache(key=CacheKey(value="$WORD-protected"), unprotect=True),
    ],
)
def test_no_other_key_names_a_protected_cache(cache: Cache):
    """The suffix comes last, whatever the key holds."""
    assert {one.endswith("-non_protected") for one in restored(cache, WORD="default")} == {True}


def test_the_fallback_variable_cannot_name_a_protected_cache_by_its_object():
    """A key that is written like the safe name of an odd one does not reach its object."""
    cache = Cache(key=CacheKey(value="feature/x"))
    [protected] = restored(cache, PROTECTED)

    assert protected not in restored(cache, CACHE_FALLBACK_KEY=protected)


def test_the_fallback_variable_comes_last():
    """After the cache's own key and its fallback keys."""
    cache = Cache(key=CacheKey(value="k"), fallback_keys=("old",))

    found = restored(cache, CACHE_FALLBACK_KEY="main-non_protected")

    assert found == ["k-non_protected", "old-non_protected", "main-non_protected"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (CacheKey(), "default-non_protected"),
        (CacheKey(value=""), "-non_protected"),
        (CacheKey(files=("Gemfile.lock",)), "0_Gemfile-5ba9-non_protected"),
        (CacheKey(files=("Gemfile.lock",), prefix="p$A"), "p1-5ba9-non_protected"),
        (CacheKey(files=("Gemfile.lock",), prefix=""), "5ba9-non_protected"),
        (CacheKey(files=("Gemfile.lock",), prefix=" "), "5ba9-non_protected"),
        (CacheKey(files=("none",)), "0_none-default-non_protected"),
        (CacheKey(files=("none",), prefix=""), "default-non_protected"),
        (CacheKey(files_commits=("a/b.lock", "c")), "0_a/b_c-c0de-non_protected"),
        (CacheKey(files_commits=("a/b.lock", "c"), prefix="p"), "p-c0de-non_protected"),
    ],
)
def test_a_key_is_made_as_gitlab_makes_it(key: CacheKey, expected: str):
    """An empty prefix leaves the digest alone, an empty key is one: Ruby takes both as given."""
    digests = {
        CacheKey(files=("Gemfile.lock",)).source: "5ba9",
        CacheKey(files_commits=("a/b.lock", "c")).source: "c0de",
    }

    assert name(key, replace(OPEN, file_keys=digests), A="1") == expected


def test_digests_of_contents_and_of_commits_stay_apart():
    """The same files make different keys."""
    contents, commits = CacheKey(files=("a",)), CacheKey(files_commits=("a",))
    run = replace(OPEN, file_keys={contents.source: "1", commits.source: "2"})

    assert name(contents, run) != name(commits, run)


@pytest.mark.parametrize(
    ("policy", "phases"), [("pull", (1, 0)), ("push", (0, 1)), ("pull-push", (1, 1))]
)
def test_the_policy_chooses_the_phases(policy: str, phases: tuple[int, int]):
    """`cache:policy` decides whether a cache is restored, archived or both."""
    planned = plan(Cache(policy="$P"), P=policy)

    assert (len(planned.restores), len(planned.archives)) == phases


def test_an_unknown_policy_fails_the_job():
    """A typo must not disable caching in silence."""
    with pytest.raises(SystemFailure, match="cache:policy is 'pul'"):
        plan(Cache(policy="$P"), P="pul")
