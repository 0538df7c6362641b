"""What we ask of an S3 server, asked of each that we can run: `make test-s3`.

The matrix in docs/how-to/s3.md says the same in words.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.helper.phases.archive_cache import archive_caches
from gitlab_ci_provider.helper.phases.restore_cache import restore_cache
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.plan import CacheArchive, CacheRestore, JobPlan
from gitlab_ci_provider.planner.access import Begun, with_access, with_parts
from gitlab_ci_provider.storage import multipart
from gitlab_ci_provider.storage.base import MissingObjectError, StorageUnavailableError, once
from gitlab_ci_provider.storage.granted import GrantedStore
from gitlab_ci_provider.storage.multipart import PartedUpload, begin_upload
from gitlab_ci_provider.storage.parts import PART
from gitlab_ci_provider.storage.s3 import S3Store
from gitlab_ci_provider.storage.signing import Period
from processes.phases import make_context
from processes.waiting import wait_until
from servers.s3_client import s3_client
from servers.s3_servers import SERVERS

pytestmark = pytest.mark.integration

KEY = "c/a b+ü@=.tar.zst"
RESTORES = (CacheRestore(name="c", object_keys=("c/none", KEY)),)
ARCHIVES = (CacheArchive(name="c", object_key=KEY, paths=("data",)),)
PLAN = JobPlan(job="job", project_dir="/p", restores=RESTORES, archives=ARCHIVES)
NO_LOGIN = {"moto"}
"""Servers that accept every signature."""

MAKES_BUCKETS = {"seaweedfs"}
"""Servers that make a bucket which does not exist, for the keys of an administrator."""

NO_TIMES = {"moto"}
"""Servers that do not know when an upload has begun."""

NO_CONDITIONS = {"rclone"}
"""Servers that do not know `If-Match`."""

HAS_GAPS = {"rclone"}
"""Servers that do not know an object for a moment while another is renamed over it."""

KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NO_ENCRYPTION = {"seaweedfs", "swift"}
"""Servers that refuse to encrypt; SeaweedFS only because it has no keys here."""


@pytest.fixture(scope="module", params=SERVERS)
def name(request: pytest.FixtureRequest) -> str:
    """Each server in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def target(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreTarget]:
    """Its bucket; it knows of a prefix."""
    with SERVERS[name](tmp_path_factory.mktemp(name)) as running:
        yield replace(running, prefix="pre/")


def in_parts(target: StoreTarget) -> GrantedStore:
    """Open a store in which an upload of the object has begun."""
    now = datetime.now(UTC)
    period = Period(start=now, seconds=600)
    begun = {KEY: Begun(target, begin_upload(target, KEY, now))}
    plan = with_parts(with_access(PLAN, target, period), begun, period)
    assert plan.store is not None
    return GrantedStore(plan.store, plan.reads, plan.writes, parted=plan.parted)


def opened(target: StoreTarget, *, age: int = 0) -> GrantedStore:
    start = datetime.now(UTC) - timedelta(seconds=age)
    plan = with_access(PLAN, target, Period(start=start, seconds=600))
    assert plan.store is not None
    return GrantedStore(plan.store, plan.reads, plan.writes)


@pytest.mark.parametrize("size", [0, 5, PART, 3 * PART + 1])
def test_objects_of_every_size(target: StoreTarget, tmp_path: Path, size: int):
    """One request stores them, several fetch a large one; names may hold what keys may hold."""
    (tmp_path / "source").write_bytes(os.urandom(size))

    opened(target).put(KEY, tmp_path / "source")
    opened(target).get(KEY, tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == (tmp_path / "source").read_bytes()


def by_keys(target: StoreTarget) -> PartedUpload:
    return S3Store(target).begin(KEY, once)


def by_pod(target: StoreTarget) -> PartedUpload:
    upload = in_parts(target).begin(KEY, once)
    assert upload is not None
    return upload


WAYS = [by_keys, by_pod]


def not_small(_: bytes) -> None:
    raise AssertionError("it was stored by one request")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [multipart.PART, 3 * multipart.PART + 1])
def test_objects_that_are_stored_while_they_are_made(
    target: StoreTarget, tmp_path: Path, size: int, way: Callable[[StoreTarget], PartedUpload]
):
    """Readers see the one before until the end; then nothing is left of the parts."""
    store, data = opened(target), os.urandom(size)
    (tmp_path / "before").write_bytes(b"before")
    store.put(KEY, tmp_path / "before")

    def pack(write: Callable[[bytes], object]) -> None:
        for at in range(0, size, 1_000_000):
            write(data[at : at + 1_000_000])
        store.get(KEY, tmp_path / "meanwhile")

    way(target).store(pack, not_small)
    store.get(KEY, tmp_path / "got")

    assert (tmp_path / "meanwhile").read_bytes() == b"before"
    assert (tmp_path / "got").read_bytes() == data
    assert [found.key for found in S3Store(target).unfinished("c/")] == []


@pytest.mark.parametrize("way", WAYS)
def test_an_upload_that_is_given_up_leaves_the_object_before_it(
    target: StoreTarget, tmp_path: Path, way: Callable[[StoreTarget], PartedUpload]
):
    """By the one who stores, who may have no keys, when packing fails."""
    (tmp_path / "before").write_bytes(b"before")
    opened(target).put(KEY, tmp_path / "before")

    def break_off(write: Callable[[bytes], object]) -> None:
        write(bytes(2 * multipart.PART))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        way(target).store(break_off, not_small)
    opened(target).get(KEY, tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == b"before"
    assert [found.key for found in S3Store(target).unfinished("c/")] == []


def test_a_small_object_is_stored_by_one_request(target: StoreTarget, tmp_path: Path):
    """Of an upload in parts, nothing was begun by one who has keys."""
    upload = S3Store(target).begin(KEY, once)

    upload.store(lambda write: write(b"small"), lambda data: S3Store(target).write(KEY, data))
    opened(target).get(KEY, tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == b"small"


def test_uploads_that_nobody_ends_are_found_and_given_up(target: StoreTarget, name: str):
    """By those who have the keys: a job that died cannot."""
    begin_upload(target, KEY, datetime.now(UTC))
    shelf = S3Store(target)

    found = list(shelf.unfinished("c/"))
    problems = [shelf.give_up(stored.key, stored.upload) for stored in found]

    assert [stored.key for stored in found] == [KEY]
    if name not in NO_TIMES:
        assert abs(found[0].changed - datetime.now(UTC).timestamp()) < 3600
    assert problems == [""]
    assert list(shelf.unfinished("c/")) == []


def test_a_missing_object(target: StoreTarget, tmp_path: Path):
    """It is told apart from what was refused."""
    with pytest.raises(MissingObjectError):
        opened(target).get("c/none", tmp_path / "got")


def test_wrong_keys_and_old_addresses(target: StoreTarget, tmp_path: Path, name: str):
    """Refused, and not worth another attempt."""
    if name in NO_LOGIN:
        pytest.skip("this server accepts every signature")
    (tmp_path / "source").write_text("x")

    for store in (opened(replace(target, secret_key="wrong")), opened(target, age=3600)):
        with pytest.raises(StorageError) as met:
            store.put(KEY, tmp_path / "source")
        assert not isinstance(met.value, StorageUnavailableError | MissingObjectError)


@pytest.mark.parametrize(("way", "key"), [("AES256", ""), ("aws:kms", KMS_KEY)])
def test_objects_are_encrypted_if_the_connection_says_so(
    target: StoreTarget, tmp_path: Path, name: str, way: str, key: str
):
    """Jobs send what their addresses were signed for; Airflow's own uploads say it, too."""
    (tmp_path / "source").write_text("x")
    encrypted = replace(target, encryption=way, encryption_key=key)

    if name in NO_ENCRYPTION:
        with pytest.raises(StorageError, match=r"NotImplemented|InternalError"):
            opened(encrypted).put(KEY, tmp_path / "source")
        return
    opened(encrypted).put(KEY, tmp_path / "source")
    by_job = encryption_of(target)
    S3Store(encrypted).put(KEY, tmp_path / "source")

    by_worker = encryption_of(target)
    upload = S3Store(encrypted).begin(KEY, once)
    upload.store(lambda write: write(bytes(multipart.PART)), not_small)
    assert (by_job, by_worker, encryption_of(target)) == (way, way, way)


def encryption_of(target: StoreTarget) -> str:
    found = s3_client(target).head_object(Bucket=target.bucket, Key=f"{target.prefix}{KEY}")
    return str(found.get("ServerSideEncryption"))


def test_a_bucket_that_does_not_exist(target: StoreTarget, tmp_path: Path, name: str):
    """The mistake is the installation's: it must not look like a cache that is not there yet."""
    if name in MAKES_BUCKETS:
        pytest.skip("this server makes the bucket")
    (tmp_path / "source").write_text("x")

    with pytest.raises(StorageError) as met:
        opened(replace(target, bucket="no-bucket")).put(KEY, tmp_path / "source")
    assert not isinstance(met.value, StorageUnavailableError)


def test_a_cache_there_and_back(target: StoreTarget, tmp_path: Path):
    """By the phases of the helper; an object knows its time, so that it is not sent again."""
    data = tmp_path / "one" / "builds" / "project" / "data"
    data.mkdir(parents=True)
    (data / "file").write_text("x")

    archive_caches(make_context(tmp_path / "one", store=opened(target)), ARCHIVES)
    restore_cache(make_context(tmp_path / "two", store=opened(target), restores=RESTORES))
    opened(target).get(KEY, tmp_path / "got")

    assert (tmp_path / "two" / "builds" / "project" / "data" / "file").read_text() == "x"
    age = datetime.now(UTC).timestamp() - (tmp_path / "got").stat().st_mtime
    assert -3600 < age < 3600


def stored(target: StoreTarget, path: Path) -> bool:
    """Store a file, unless the server asks for another attempt."""
    with suppress(StorageUnavailableError):
        opened(target).put(KEY, path)
        return True
    return False


def test_writers_at_the_same_time(target: StoreTarget, tmp_path: Path):
    """One of them wins as a whole; a server may refuse others, which try again."""
    files = [tmp_path / letter for letter in "abc"]
    for path in files:
        path.write_bytes(path.name.encode() * (PART + 7))

    def write(path: Path) -> None:
        wait_until(lambda: stored(target, path), f"the store to take {path.name}")

    threads = [threading.Thread(target=write, args=[path]) for path in files]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    opened(target).get(KEY, tmp_path / "got")

    assert (tmp_path / "got").read_bytes() in [path.read_bytes() for path in files]


def checksummed(fill: bytes) -> bytes:
    body = os.urandom(64) + fill * (2 * PART)
    return hashlib.sha256(body).digest() + body


def is_whole(data: bytes) -> bool:
    return hashlib.sha256(data[32:]).digest() == data[:32]


def test_a_reader_never_gets_a_mixture_of_two_writers(
    target: StoreTarget, tmp_path: Path, name: str
):
    """A whole object, in parts or not, or an error after which the helper tries again.

    From a server with gaps also none, which is a job without a cache.
    """
    accepted = (StorageUnavailableError, *([MissingObjectError] if name in HAS_GAPS else []))
    files = [tmp_path / letter for letter in "ab"]
    for path in files:
        path.write_bytes(checksummed(path.name.encode()))
    reader = opened(target)
    seen = []

    def write(path: Path) -> None:
        for _ in range(3):
            wait_until(lambda: stored(target, path), f"the store to take {path.name}")

    def read() -> bool:
        with suppress(*accepted):
            reader.get(KEY, tmp_path / "got")
            seen.append(is_whole((tmp_path / "got").read_bytes()))
            return True
        return False

    write(files[0])
    writers = [threading.Thread(target=write, args=[path]) for path in files]
    for writer in writers:
        writer.start()
    try:
        while any(writer.is_alive() for writer in writers):
            read()
    finally:
        for writer in writers:
            writer.join()
    wait_until(read, "a whole object")

    assert all(seen)


def test_ranges_and_versions(target: StoreTarget, tmp_path: Path, name: str):
    """A part says what it is a part of, and is refused when that is another version."""
    import urllib3

    (tmp_path / "source").write_bytes(b"0123456789")
    opened(target).put(KEY, tmp_path / "source")
    plan = with_access(PLAN, target, Period(start=datetime.now(UTC), seconds=600))
    url = next(grant.url for grant in plan.reads if grant.object_key == KEY)
    asked = {"Range": "bytes=3-6"}

    part = urllib3.request("GET", url, headers=asked)
    other = urllib3.request("GET", url, headers={**asked, "If-Match": '"other"'})

    assert (part.data, part.headers["Content-Range"]) == (b"3456", "bytes 3-6/10")
    assert part.headers["ETag"].startswith('"')
    assert part.status == (200 if name == "rclone" else 206)
    assert other.status == (200 if name in NO_CONDITIONS else 412)


def test_the_shelf(target: StoreTarget, tmp_path: Path):
    """Listing, folders, sizes, parts of objects and deleting: for retention and people."""
    (tmp_path / "source").write_bytes(b"0123456789")
    opened(target).put(KEY, tmp_path / "source")
    shelf = S3Store(target)

    assert [(found.key, found.size) for found in shelf.objects("c/")] == [(KEY, 10)]
    assert list(shelf.folders("")) == ["c"]
    assert shelf.size(KEY) == 10
    assert shelf.read(KEY, 3, 4) == b"3456"
    assert shelf.delete([KEY, "c/gone"]) == {}
    assert list(shelf.objects("")) == []
    with pytest.raises(MissingObjectError):
        shelf.size(KEY)
