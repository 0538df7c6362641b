"""A process that saves or restores a cache or artifacts, as the helper does, to be killed at it.

python -m processes.keeping ACTION FOLDER PORT
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.phases.archive_cache import archive_caches
from gitlab_ci_provider.helper.phases.download_artifacts import download_artifacts
from gitlab_ci_provider.helper.phases.restore_cache import restore_cache
from gitlab_ci_provider.helper.phases.upload_artifacts import upload_artifacts
from gitlab_ci_provider.model.plan import (
    ArtifactDownload,
    ArtifactUpload,
    CacheArchive,
    CacheRestore,
    JobPlan,
)
from gitlab_ci_provider.planner.access import Begun, with_access, with_parts
from gitlab_ci_provider.storage.granted import GrantedStore
from gitlab_ci_provider.storage.multipart import begin_upload
from gitlab_ci_provider.storage.signing import Period
from processes.phases import make_context
from servers.s3 import S3Server

CACHE, ARTIFACTS = "project/1/cache.tar.zst", "artifacts/1/1/job/1/artifacts.zip"
_SUMS = "sums"
_PLAN = JobPlan(
    job="job",
    project_dir="/p",
    restores=(CacheRestore(name="cache", object_keys=(CACHE,)),),
    archives=(CacheArchive(name="cache", object_key=CACHE, paths=("data",)),),
    downloads=(ArtifactDownload(job="job", object_key=ARTIFACTS),),
    uploads=(ArtifactUpload(name="a", object_key=ARTIFACTS, paths=("data",)),),
)


def make_files(folder: Path, seed: int) -> None:
    """Make 40 MB that know what they are: small files, one that shrinks, one that does not."""
    chance = random.Random(seed)
    data = folder / "builds" / "project" / "data"
    data.mkdir(parents=True)
    for number in range(200):
        (data / f"{number}.txt").write_text(f"{chance.random()}\n" * chance.randrange(500))
    (data / "text").write_text("".join(f"{chance.random()}\n" for _ in range(500_000)))
    (data / "large").write_bytes(chance.randbytes(30_000_000))
    (data / _SUMS).write_text(_sums(data))


def is_whole(folder: Path) -> bool:
    """Tell whether all files of one state are there."""
    data = folder / "builds" / "project" / "data"
    return (data / _SUMS).read_text() == _sums(data)


def is_empty(folder: Path) -> bool:
    """Tell whether no file was restored."""
    return not (folder / "builds" / "project" / "data").exists()


def keeping(action: str, folder: Path, server: S3Server) -> subprocess.Popen[bytes]:
    """Start such a process."""
    command = [sys.executable, "-m", "processes.keeping", action, str(folder), str(server.port)]
    tests = str(Path(__file__).parents[1])
    return subprocess.Popen(command, cwd=tests, stdout=subprocess.DEVNULL)


def keep(action: str, context: PhaseContext) -> None:
    """Do what is asked."""
    {
        "stream": lambda: archive_caches(context, _PLAN.archives),
        "save": lambda: archive_caches(context, _PLAN.archives),
        "upload": lambda: upload_artifacts(context, _PLAN.uploads),
        "restore": lambda: restore_cache(context),
        "download": lambda: download_artifacts(context),
    }[action]()


def opened(folder: Path, server: S3Server, *, parted: bool = False) -> PhaseContext:
    """Make the context of a job that may do all of it, if `parted`, its cache in parts."""
    now = datetime.now(UTC)
    target, period = server.target(), Period(start=now, seconds=3600)
    begun = {CACHE: Begun(target, begin_upload(target, CACHE, now))} if parted else {}
    plan = with_parts(with_access(_PLAN, target, period), begun, period)
    assert plan.store is not None
    store = GrantedStore(plan.store, plan.reads, plan.writes, parted=plan.parted)
    return make_context(folder, store=store, restores=_PLAN.restores, downloads=_PLAN.downloads)


def progress(pid: int) -> int:
    """Count the bytes that a process has read and written."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("rchar", "wchar")))


def _sums(data: Path) -> str:
    files = sorted(path for path in data.iterdir() if path.name != _SUMS)
    return "\n".join(
        f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files
    )


def main() -> None:
    """Run one action."""
    action, folder, port = sys.argv[1:]
    server = S3Server(root=Path(folder), port=int(port))
    keep(action, opened(Path(folder), server, parted=action == "stream"))


if __name__ == "__main__":
    main()
