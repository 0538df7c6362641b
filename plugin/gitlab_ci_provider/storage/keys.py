"""Names of objects: where caches and artifacts are in the object store. Pure functions.

Caches are where the runner puts them, `project/<project>/<cache key>`, so that a bucket looks
familiar; every part is made safe, and two different names never share an object. A project is its
number at the connection that found it, as two GitLabs have the same numbers, or its path.

Unlike GitLab, a cache key that contains `/` after expansion is not refused: branch names often
lead to such keys. It becomes one safe part of the name.
"""

from __future__ import annotations

import hashlib
import re
from posixpath import normpath

from gitlab_ci_provider.model.project import Project

CACHE_SUFFIX = ".tar.zst"
ARCHIVE_NAME = "artifacts.zip"

_DAGS = "@dags/"
_LONGEST_PART = 100
"""Stores that keep objects as files allow 255 bytes for a name and its suffix."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._+@=-]+")
_NO_PLACE = re.compile(r"[\x00-\x1f\x7f]|/\.{1,2}/")
"""Characters and parts that do not reach a store as they are written."""

_DIGEST = 32
_OF_PIPELINE = re.compile(r"artifacts/.+/(?P<pipeline>\d+)/[^/]+/\d+/[^/]+")
_MADE = re.compile(rf"-[0-9a-f]{{{_DIGEST}}}\Z")
"""The ending of a name that was made safe; a name written like that is made safe, too."""


def cache_object_key(project: Project, key: str) -> str:
    """Name the object of a cache; `key` is GitLab's full cache key, suffix included."""
    return f"project/{_project(project)}/{_part(key)}{CACHE_SUFFIX}"


def runner_cache_key(folder: str, key: str, *, hashed: bool = False) -> str:
    """Name the object in which GitLab Runner has put a cache; empty when none can be.

    Authors choose keys: whatever one says, the object is in the folder.

    Args:
        folder: of the project.
        key: GitLab's full cache key.
        hashed: with FF_HASH_CACHE_KEYS, whose first two digits are a folder.
    """
    if hashed:
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{folder.strip('/')}/{digest[:2]}/{digest}"
    clean = cleaned_key(key)
    usable = clean and not _NO_PLACE.search(f"/{clean}/")
    return f"{folder.strip('/')}/{clean}" if usable else ""


def cleaned_key(key: str) -> str:
    """Resolve a cache key as the runner's `cachekey.Sanitize` does; it may hold slashes."""
    for code, character in (("%2f", "/"), ("%2F", "/"), ("%2e", "."), ("%2E", "."), ("\\", "/")):
        key = key.replace(code, character)
    parts = normpath(f"/{key}").lstrip("/").split("/")
    while parts and not parts[-1].rstrip():
        parts.pop()
    return "/".join(parts).rstrip()


def artifacts_key(project: Project, pipeline_id: int, job: str, attempt: int) -> str:
    """Name the archive of one try of a job; tries never overwrite each other."""
    return f"artifacts/{_project(project)}/{pipeline_id}/{_part(job)}/{attempt}/{ARCHIVE_NAME}"


def is_of_job(object_key: str, archive_key: str) -> bool:
    """Return whether an object lies where a try of a job leaves what it makes.

    Args:
        object_key: of the object, from a place that may lie.
        archive_key: of the archive of any try.
    """
    folder = archive_key.rsplit("/", 2)[0]
    return object_key.startswith(f"{folder}/") and ".." not in object_key.split("/")


def report_key(archive_key: str, kind: str) -> str:
    """Name the archive of one kind of report, in the folder of the archive of artifacts."""
    return f"{archive_key.removesuffix(ARCHIVE_NAME)}reports/{_part(kind)}.zip"


def results_key(archive_key: str) -> str:
    """Name the contents of a report, which are next to its archive, see `model/reports.py`."""
    return f"{archive_key.removesuffix('.zip')}.json"


def dotenv_key(archive_key: str) -> str:
    """Name the variables of a dotenv report, in the folder of the archive."""
    return archive_key.removesuffix(ARCHIVE_NAME) + "dotenv.json"


def index_key(archive_key: str) -> str:
    """Name the list of an archive's files, next to the archive, see `storage/index.py`."""
    return f"{archive_key}.index.json"


def image_key(*parts: str) -> str:
    """Name `image.json` of a task that has built an image, from what identifies its run."""
    return f"images/{'/'.join(map(_part, parts))}/image.json"


def task_cache_key(scope: str, key: str) -> str:
    """Name the cache of tasks of hand-written DAGs; no project of GitLab has an `@` in its path."""
    return f"project/@dags/{_part(scope)}/{_part(key)}{CACHE_SUFFIX}"


def task_artifacts_key(dag: str, run: str, task: str, attempt: int) -> str:
    """Name the archive of a task of a hand-written DAG; the number of its pipeline is 0."""
    return f"artifacts/@dags/{_part(dag)}/{_part(run)}/0/{_part(task)}/{attempt}/{ARCHIVE_NAME}"


def dag_of(project: Project) -> str:
    """Return the hand-written DAG that `@dags/<DAG>` stands for; empty for a project."""
    return project.path.removeprefix(_DAGS) if project.path.startswith(_DAGS) else ""


def is_of_run(key: str, dag: str, run: str) -> bool:
    """Tell whether an object is an artifact of a task of one run of a hand-written DAG."""
    folder = f"artifacts/@dags/{_part(dag)}/{_part(run)}/0/"
    return key.startswith(folder) and ".." not in key.split("/")


def pipeline_of_artifacts(key: str) -> int:
    """Return the pipeline that an archive of artifacts is of; 0 for other objects."""
    found = _OF_PIPELINE.fullmatch(key)
    return int(found["pipeline"]) if found else 0


def caches_folder(project: Project) -> str:
    """Name the folder of all caches of a project."""
    return f"project/{_project(project)}/"


def artifacts_folder(project: Project) -> str:
    """Name the folder that has one for each pipeline of a project that left artifacts."""
    return f"artifacts/{_project(project)}/"


def job_part(job: str) -> str:
    """Name the folder of a job in that of its pipeline."""
    return _part(job)


def _project(project: Project) -> str:
    if project.id:
        return _part(f"{project.id}@{project.gitlab_conn_id}")
    return "/".join(_part(part) for part in project.path.split("/") if part)


def _part(name: str) -> str:
    """Make one part of a name: unchanged when it is safe, otherwise a slug with a hash."""
    slug = _UNSAFE.sub("_", name)
    safe = slug == name and len(name) <= _LONGEST_PART and name.strip(".")
    if safe and not _MADE.search(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{slug[:_LONGEST_PART]}-{digest}"
