"""Operators of hand-written DAGs that save and restore caches and artifacts as GitLab jobs do.

They work on a folder of the worker: one volume that the tasks of a DAG share, or the disk of the
machine. A task cannot reach the disk of another pod.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from airflow.sdk import BaseOperator, Context

from gitlab_ci_provider.exceptions import GitlabCiError, StorageError
from gitlab_ci_provider.operators.outlets import tell_assets
from gitlab_ci_provider.runs.context import instance_key, open_task
from gitlab_ci_provider.runs.stored_files import Described, StoredFiles, stored_files
from gitlab_ci_provider.runs.task_errors import TaskFailed, TaskFailedForNow
from gitlab_ci_provider.storage.keys import is_of_run, task_artifacts_key, task_cache_key


class _StoredFilesOperator(BaseOperator):
    """What they share.

    Args:
        path: the folder, absolute.
        object_store_conn_id: connection of the object store; empty means that of `[gitlab_ci]`.
    """

    template_fields: Sequence[str] = ("path", "object_store_conn_id")
    ui_color = "#e8e2f5"

    def __init__(self, *, path: str, object_store_conn_id: str = "", **kwargs: Any):
        super().__init__(**kwargs)
        self.path = path
        self.object_store_conn_id = object_store_conn_id

    @contextmanager
    def files(self, context: Context) -> Iterator[StoredFiles]:
        """Open the object store, and say in words what fails."""
        try:
            yield stored_files(open_task(context), self.path, self.object_store_conn_id)
        except StorageError as problem:
            raise TaskFailedForNow(str(problem)) from problem
        except GitlabCiError as problem:
            raise TaskFailed(str(problem)) from problem


class _CacheOperator(_StoredFilesOperator):
    """What the operators of caches share.

    Args:
        key: of the cache.
        scope: tasks with the same scope share caches; empty means those of this DAG.
    """

    template_fields = (*_StoredFilesOperator.template_fields, "key", "scope")

    def __init__(self, *, key: str, scope: str = "", **kwargs: Any):
        super().__init__(**kwargs)
        self.key = key
        self.scope = scope

    def object_key(self, key: str) -> str:
        """Name the object of a cache."""
        return task_cache_key(self.scope or self.dag_id, key)


class S3CacheRestoreOperator(_CacheOperator):
    """Restores the first cache that exists into a folder; returns `{"hit", "key", "bytes"}`.

    Args:
        key: of the cache.
        fallback_keys: tried in turn when there is none of that key.
        fail_on_miss: fail when there is none; otherwise the task succeeds with `hit` false.
        path: the folder, absolute; it is made if it is not there.
        scope: tasks with the same scope share caches; empty means those of this DAG.
        object_store_conn_id: connection of the object store; empty means that of `[gitlab_ci]`.
    """

    template_fields = (*_CacheOperator.template_fields, "fallback_keys")

    def __init__(
        self, *, fallback_keys: Sequence[str] = (), fail_on_miss: bool = False, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.fallback_keys = fallback_keys
        self.fail_on_miss = fail_on_miss

    def execute(self, context: Context) -> dict[str, Any]:
        """Restore it.

        Raises:
            TaskFailed: the archive is broken, or there is none and `fail_on_miss` is set.
            TaskFailedForNow: the object store failed.
        """
        keys = {key: self.object_key(key) for key in (self.key, *self.fallback_keys)}
        with self.files(context) as files:
            files.note(self.key, list(keys.values()))
            for key, name in keys.items():
                size = files.restore(name)
                if size is not None:
                    self.log.info("restored the cache %s (%d bytes)", key, size)
                    return {"hit": True, "key": key, "bytes": size}
        words = f"there is no cache {', '.join(keys)}"
        if self.fail_on_miss:
            raise TaskFailed(words)
        self.log.info("%s", words)
        return {"hit": False, "key": None, "bytes": 0}


class S3CacheSaveOperator(_CacheOperator):
    """Saves files as a cache; returns `{"key", "files", "bytes"}`, 0 files when nothing matched.

    Args:
        key: of the cache; what was saved under it before is replaced once the new one is complete.
        paths: patterns, as in `cache:paths`, relative to the folder.
        path: the folder, absolute.
        scope: tasks with the same scope share caches; empty means those of this DAG.
        object_store_conn_id: connection of the object store; empty means that of `[gitlab_ci]`.
    """

    template_fields = (*_CacheOperator.template_fields, "paths")

    def __init__(self, *, paths: Sequence[str], **kwargs: Any):
        super().__init__(**kwargs)
        self.paths = paths

    def execute(self, context: Context) -> dict[str, Any]:
        """Save it.

        Raises:
            TaskFailedForNow: the object store failed; the cache before it is still there.
        """
        with self.files(context) as files:
            key = self.object_key(self.key)
            files.note(self.key, [key])
            packed = files.save(key, self.paths)
        return {"key": self.key, "files": packed.entries, "bytes": packed.size}


class ArtifactUploadOperator(_StoredFilesOperator):
    """Keeps files as artifacts of this task; returns what it has kept.

    That is `{"object_key", "name", "files", "size", "sha256"}`.

    The event of each asset in `outlets` gets these values as its `extra`.

    Args:
        paths: patterns, as in `artifacts:paths`, relative to the folder.
        exclude: patterns of what is left out.
        name: of the archive, for people.
        expire_in: seconds; None means `[gitlab_ci] artifacts_expire_in`, 0 means never.
        path: the folder, absolute.
        object_store_conn_id: connection of the object store; empty means that of `[gitlab_ci]`.
    """

    template_fields = (*_StoredFilesOperator.template_fields, "paths", "exclude", "name")

    def __init__(
        self,
        *,
        paths: Sequence[str],
        exclude: Sequence[str] = (),
        name: str = "artifacts",
        expire_in: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.paths = paths
        self.exclude = exclude
        self.name = name
        self.expire_in = expire_in

    def execute(self, context: Context) -> dict[str, Any]:
        """Keep them.

        Raises:
            TaskFailed: no file matches.
            TaskFailedForNow: the object store failed.
        """
        ti = context["ti"]
        key = task_artifacts_key(ti.dag_id, ti.run_id, instance_key(ti), ti.try_number)
        with self.files(context) as files:
            files.note(self.name, [key])
            default = files.task.settings.artifacts_expire_in
            expire_in = default if self.expire_in is None else self.expire_in
            described = Described(name=self.name, expire_in=expire_in)
            packed = files.save(key, self.paths, self.exclude, described)
            if not packed.entries:
                raise TaskFailed(f"no file in {self.path} matches {', '.join(self.paths)}")
        result: dict[str, Any] = {"object_key": key, "name": self.name}
        result |= {"files": packed.files, "size": packed.size, "sha256": packed.sha256}
        tell_assets(self.outlets, context, result)
        return result


class ArtifactDownloadOperator(_StoredFilesOperator):
    """Unpacks the artifacts of other tasks of this run into a folder; returns their tasks.

    Args:
        from_task_ids: tasks that return what `ArtifactUploadOperator` does; later ones overwrite.
        path: the folder, absolute; it is made if it is not there.
        object_store_conn_id: connection of the object store; empty means that of `[gitlab_ci]`.
    """

    template_fields = (*_StoredFilesOperator.template_fields, "from_task_ids")

    def __init__(self, *, from_task_ids: Sequence[str], **kwargs: Any):
        super().__init__(**kwargs)
        self.from_task_ids = from_task_ids

    def execute(self, context: Context) -> list[str]:
        """Unpack them.

        Raises:
            TaskFailed: a task has left none, or they are gone or broken.
            TaskFailedForNow: the object store failed.
        """
        pull: Callable[..., Any] = context["ti"].xcom_pull
        left = {task: pull(task_ids=task) for task in self.from_task_ids}
        with self.files(context) as files:
            for task, result in left.items():
                key = result.get("object_key") if isinstance(result, dict) else None
                if not key:
                    raise TaskFailed(f"the task {task} has left no artifacts in this run")
                if not is_of_run(key, files.task.dag_id, files.task.run_id):
                    raise TaskFailed(f"the task {task} names artifacts of another run")
                files.note(task, [key])
                if files.restore(key, str(result.get("sha256") or "")) is None:
                    raise TaskFailed(f"the artifacts of {task} are gone (expired or removed)")
        return list(left)
