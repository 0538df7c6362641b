"""An example of a hand-written DAG: build with a cache, keep the result, and use it elsewhere.

Copy it into the DAGs folder, and start it with a folder that all workers share as a parameter.
The connection `gitlab_ci_object_store` is needed.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Asset, dag, task

from gitlab_ci_provider.operators.stored_files import (
    ArtifactDownloadOperator,
    ArtifactUploadOperator,
    S3CacheRestoreOperator,
    S3CacheSaveOperator,
)

FOLDER = "{{ params.folder }}/{{ run_id }}"
REPORT = Asset("example_report")


@task
def build(folder: str) -> str:
    """Count how often this was built, in a file that the cache keeps; write a report."""
    cache, dist = Path(folder) / "cache", Path(folder) / "dist"
    for made in (cache, dist):
        made.mkdir(parents=True, exist_ok=True)
    counted = cache / "count"
    count = int(counted.read_text()) + 1 if counted.exists() else 1
    counted.write_text(str(count))
    (dist / "report.txt").write_text(f"build {count}\n")
    return f"build {count}"


@task
def publish(folder: str) -> str:
    """Read the report where it was unpacked."""
    return (Path(folder) / "dist" / "report.txt").read_text().strip()


@dag(schedule=None, params={"folder": "/data/builds", "ref": "main"}, tags=["example"])
def keep_files():
    """Build with a cache and keep the report."""
    cache = {"key": "{{ params.ref }}", "path": FOLDER}
    restore = S3CacheRestoreOperator(task_id="restore", fallback_keys=["main"], **cache)
    save = S3CacheSaveOperator(task_id="save", paths=["cache/"], **cache)
    upload = ArtifactUploadOperator(
        task_id="upload", path=FOLDER, paths=["dist/"], expire_in=7 * 86_400, outlets=[REPORT]
    )
    download = ArtifactDownloadOperator(
        task_id="download", from_task_ids=["upload"], path=f"{FOLDER}/elsewhere"
    )
    restore >> build(FOLDER) >> [save, upload]
    upload >> download >> publish(f"{FOLDER}/elsewhere")


keep_files()
