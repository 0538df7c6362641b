"""Times saving and restoring files next to GitLab Runner's way, and to tar, zstd and the AWS CLI.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.archives [--scale 1.0] [--runs 1] [--folder DIR]

Needs `zip unzip zstd curl`, and `aws` (`pip install awscli`). In turn, against one S3 server on
this machine: our phases of caches and of artifacts as the helper runs them, caches also in parts
(`multipart_uploads`), `zip` with one PUT, `tar | zstd | aws s3 cp`, and the floor: `cat` of the
same bytes to disk and one PUT. Prints a Markdown table: seconds by the clock, in parentheses
processor time without the server's, the largest memory of a process in MB; ratios by the clock and,
in parentheses, of processor time. What is unchanged is compared with `find -printf` of the same
folder.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import shlex
import shutil
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

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
from gitlab_ci_provider.storage.signing import Method, Period, signed_url
from processes.phases import make_context
from servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, s3_server

MIB = 1024 * 1024
KEY = "project/1/cache.tar.zst"
ARTIFACTS = "artifacts/1/1/job/1/artifacts.zip"
UPLOADS = (ArtifactUpload(name="a", object_key=ARTIFACTS, paths=("data",)),)
DOWNLOADS = (ArtifactDownload(job="job", object_key=ARTIFACTS),)
RESTORES = (CacheRestore(name="cache", object_keys=(KEY,)),)
ARCHIVES = (CacheArchive(name="cache", object_key=KEY, paths=("data",)),)
NOTHING = "nothing"
SAVE_AND_RESTORE = ("save", "restore")
METHODS = {
    "cache": "Cache",
    "parted": "Cache in parts",
    "artifacts": "Artifacts",
    "floor": "Floor",
    "tar": "`tar`, `zstd`, `aws`",
    "zip": "`zip`",
}
RATIOS = (
    *(("zip", "cache"), ("zip", "parted"), ("zip", "artifacts")),
    *(("cache", "tar"), ("parted", "tar"), ("artifacts", "tar"), ("cache", "floor")),
)


class Cost(NamedTuple):
    """What one command took; memory in MB."""

    clock: float
    processor: float
    memory: float

    def __str__(self) -> str:
        """Format it as a cell of a table."""
        return f"{self.clock:.2f} ({self.processor:.2f}) {self.memory:.0f}"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as name,
        s3_server(Path(name) / "s3") as server,
    ):
        idle(server, Path(name))
        heads = (*METHODS.values(), *(f"{left} / {right}" for left, right in RATIOS))
        print(f"| Workload | | {' | '.join(heads)} |")
        print(f"| --- | --- |{' --- |' * len(heads)}")
        for workload, make in WORKLOADS.items():
            if options.only in workload:
                measure(server, Path(name), (workload, make), options)


def idle(server: S3Server, folder: Path) -> None:
    """Print what phases cost that find nothing to do: medians of 15, each in a new process.

    The helper imports the HTTP client in the background, while git fetches.
    """
    importlib.import_module("urllib3")
    nothing = folder / NOTHING
    (nothing / "builds" / "project").mkdir(parents=True)
    print("| Phase with nothing to do | ms (processor time) |\n| --- | --- |")
    phases: dict[str, Callable[[], None]] = {
        "`restore_cache`, there is no cache": partial(cache, server, nothing, "restore"),
        "`archive_cache`, no file matches": partial(cache, server, nothing, "save"),
        "`upload_artifacts`, no file matches": partial(artifacts, server, nothing, "save"),
    }
    for name, phase in phases.items():
        clock, processor, _ = zip(*(timed(phase) for _ in range(15)), strict=True)
        cells = [1000 * statistics.median(found) for found in (clock, processor)]
        print(f"| {name} | {cells[0]:.0f} ({cells[1]:.0f}) |", flush=True)
    print()


def measure(
    server: S3Server,
    folder: Path,
    workload: tuple[str, Callable[[Path, float], None]],
    options: argparse.Namespace,
) -> None:
    """Print the rows of one workload."""
    name, make = workload
    project = folder / "job" / "builds" / "project"
    shutil.rmtree(folder / "job", ignore_errors=True)
    make(project / "data", options.scale)
    for action in ("save", "restore", "unchanged"):
        costs: dict[str, list[Cost]] = {}
        for _ in range(options.runs):
            for method in reversed(METHODS):  # what the cache restores stays
                command = commands(server, folder, method).get(action)
                if command is None:
                    continue
                if action == "restore":
                    shutil.rmtree(project / "data")
                costs.setdefault(method, []).append(timed(command))
        row(name, action, costs)


def row(name: str, action: str, costs: dict[str, list[Cost]]) -> None:
    """Print the medians."""
    median = {
        method: Cost(*map(statistics.median, zip(*found, strict=True)))
        for method, found in costs.items()
    }
    cells = [str(median.get(method, "")) for method in METHODS]
    cells += [ratio(median.get(left), median.get(right)) for left, right in RATIOS]
    load = os.getloadavg()[0]
    print(f"| {name} | {action} | {' | '.join(cells)} | <!-- load {load:.0f} -->", flush=True)


def ratio(left: Cost | None, right: Cost | None) -> str:
    """Compare two costs by the clock and by processor time."""
    if left is None or right is None:
        return ""
    return f"{left.clock / right.clock:.1f} ({left.processor / max(right.processor, 0.01):.1f})"


def timed(command: Callable[[], None]) -> Cost:
    """Run something in a process of its own."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            command()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - of a process of its own
            traceback.print_exc()
        finally:
            traceback.print_exc()
            os._exit(1)
    _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError("a command has failed")
    return Cost(time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def commands(server: S3Server, folder: Path, method: str) -> dict[str, Callable[[], None]]:
    """Return how a method saves and restores."""
    if method == "cache":
        return {
            "save": partial(cache, server, folder, "save"),
            "restore": partial(cache, server, folder, "restore"),
            "unchanged": partial(cache, server, folder, "save"),
        }
    if method == "parted":
        return {"save": partial(cache, server, folder, "save", parted=True)}
    if method == "artifacts":
        return {action: partial(artifacts, server, folder, action) for action in SAVE_AND_RESTORE}
    put, get = (shlex.quote(address(server, verb, f"{method}.object")) for verb in ("PUT", "GET"))
    object_ = f"s3://{BUCKET}/{method}"
    aws = f"aws --endpoint-url {server.target().endpoint_url} s3 cp --no-progress"
    scripts = {
        "zip": (
            f"zip -qry ../a.zip data && curl -sSf -T ../a.zip {put} && rm ../a.zip",
            f"curl -sSf -o ../a.zip {get} && unzip -q ../a.zip && rm ../a.zip",
        ),
        "tar": (
            f"tar c data | zstd -qT0 | {aws} - {object_}",
            f"{aws} {object_} - | zstd -qd | tar x",
        ),
        "floor": (
            f"find data -type f -exec cat {{}} + > ../a && curl -sSf -T ../a {put} && rm ../a",
            f"curl -sSf -o ../a {get} && mkdir data && cat ../a > data/all && rm ../a",
        ),
    }
    save, restore = scripts[method]
    project = folder / "job" / "builds" / "project"
    found: dict[str, Callable[[], None]] = {
        "save": partial(shell, save, project),
        "restore": partial(shell, restore, project),
    }
    if method == "floor":
        listing = "find data -printf '%p %i %s %T@ %C@\\n' | sha256sum > /dev/null"
        found["unchanged"] = partial(shell, listing, project)
    return found


def shell(script: str, project: Path) -> None:
    """Become a shell that runs a script."""
    os.chdir(project)
    os.environ.update(
        AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_REGION="us-east-1"
    )
    os.execvp("bash", ["bash", "-ec", f"set -o pipefail; {script}"])


def address(server: S3Server, method: Method, key: str) -> str:
    """Sign an object's address for `curl`."""
    return signed_url(server.target(), method, key, Period(start=datetime.now(UTC), seconds=3600))


def artifacts(server: S3Server, folder: Path, action: str) -> None:
    """Run a phase of artifacts as the helper does."""
    plan = JobPlan(job="job", project_dir="/p", downloads=DOWNLOADS, uploads=UPLOADS)
    plan = server.give_access(plan)
    assert plan.store is not None
    store = GrantedStore(plan.store, plan.reads, plan.writes)
    context = make_context(folder / "job", store=store, downloads=DOWNLOADS, uploads=UPLOADS)
    with silence("Failed"):
        download_artifacts(context) if action == "restore" else upload_artifacts(context, UPLOADS)


def cache(server: S3Server, folder: Path, action: str, *, parted: bool = False) -> None:
    """Run a phase of caches as the helper does; if `parted`, one is stored while it is packed."""
    plan = JobPlan(job="job", project_dir="/p", restores=RESTORES, archives=ARCHIVES)
    now, target = datetime.now(UTC), server.target()
    period = Period(start=now, seconds=3600)
    begun = {KEY: Begun(target, begin_upload(target, KEY, now))} if parted else {}
    plan = with_parts(with_access(plan, target, period), begun, period)
    assert plan.store is not None
    store = GrantedStore(plan.store, plan.reads, plan.writes, parted=plan.parted)
    context = make_context(folder / "job", store=store, restores=RESTORES, archives=ARCHIVES)
    with silence("Failed", *([] if folder.name == NOTHING else ["No cache"])):
        restore_cache(context) if action == "restore" else archive_caches(context, ARCHIVES)


@contextmanager
def silence(*wrong: str) -> Iterator[None]:
    """Show only what goes wrong."""
    with tempfile.TemporaryFile() as log:
        kept = os.dup(1)
        os.dup2(log.fileno(), 1)
        yield
        sys.stdout.flush()
        os.dup2(kept, 1)
        log.seek(0)
        said = log.read().decode()
        if any(words in said for words in wrong):
            raise RuntimeError(said)


def small_files(root: Path, scale: float) -> None:
    """Make 60,000 files as npm leaves them, 260 MB."""
    chance = random.Random(7)
    words = [
        "".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(3000)
    ]
    text = " ".join(chance.choices(words, k=400_000)).encode()
    for package in range(int(1500 * scale)):
        folder = root / (f"@scope{package % 40}/p{package}" if package % 3 == 0 else f"p{package}")
        for below in ("", "lib", "dist/esm", "dist/cjs/internal/helpers"):
            (folder / below).mkdir(parents=True, exist_ok=True)
            for number in range(10):
                size = int(min(200_000, chance.lognormvariate(7.4, 1.3)))
                at = chance.randrange(len(text) - size)
                (folder / below / f"module-{number}.js").write_bytes(text[at : at + size])
        (folder / "current").symlink_to("lib")


def incompressible(root: Path, scale: float) -> None:
    """Make one file of 2 GiB."""
    root.mkdir(parents=True)
    with (root / "file").open("wb") as file:
        for _ in range(int(256 * scale)):
            file.write(os.urandom(8 * MIB))


def text(root: Path, scale: float) -> None:
    """Make 500 MB of log, in ten files."""
    root.mkdir(parents=True)
    chance = random.Random(7)
    words = [
        "".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(3000)
    ]
    for number in range(10):
        lines = (" ".join(chance.choices(words, k=12)) for _ in range(int(60_000 * scale)))
        log = "".join(f"2026-11-29T07:{at % 60:02} INFO {line}\n" for at, line in enumerate(lines))
        data = log.encode()
        with (root / f"{number}.log").open("wb") as file:
            left = int(50_000_000 * scale)
            while left > 0:
                file.write(data[:left])
                left -= len(data)


WORKLOADS = {
    "60,000 small files": small_files,
    "2 GiB, incompressible": incompressible,
    "500 MB of text": text,
}

if __name__ == "__main__":
    main()
