"""Operators that build an image in a pod and push it, without a Docker daemon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowSkipException
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from gitlab_ci_provider.exceptions import GitlabCiError, SettingsError
from gitlab_ci_provider.hooks.runners import runner_named
from gitlab_ci_provider.image_builds.engine import Engine
from gitlab_ci_provider.image_builds.engines import ENGINES, build_container
from gitlab_ci_provider.model.image_build import BuildSecret, EngineName, ImageBuild
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.operators.image_options import LayerPodOperator
from gitlab_ci_provider.pods.image_build import add_build, build_secret, build_secret_file
from gitlab_ci_provider.runs.image_build import (
    LoginSources,
    built_image,
    keep_artifact,
    last_words,
    pod_secrets,
    why_failed,
)
from gitlab_ci_provider.runs.job.objects import delete_pod, give_secret
from gitlab_ci_provider.runs.task_errors import TaskFailed, TaskFailedForNow
from gitlab_ci_provider.settings import load_settings


class ImageBuildOperator(LayerPodOperator):
    """Builds an image in a pod and pushes it; returns `{"image", "digest", "tags"}`.

    `image` names what was pushed by its digest, `registry.example.com/group/app@sha256:...`.

    A `KubernetesPodOperator`: its parameters say where the pod runs, with which resources and
    volumes; `image` is that of the engine, best pinned by digest.

    Args:
        destinations: where to push, such as `registry.example.com/group/app:1.0`; none only builds.
        context: `dir:///PATH` in a volume of the pod, `git://HOST/PATH#REF#SHA`, `s3://BUCKET/KEY`,
            `gs://BUCKET/KEY`, `https://ACCOUNT.blob.core.windows.net/CONTAINER/KEY`.
        context_sub_path: the folder of the context to use.
        dockerfile: path of the Dockerfile, in the context or absolute.
        target: the stage to build; empty means the last one.
        build_args: values of the Dockerfile's ARG. They are visible to everybody: use secrets.
        build_secrets: for `RUN --mount=type=secret,id=ID`: by id, an Airflow Variable.
        build_secret_files: by id, a file in a volume of the pod.
        image_labels: labels of the image. (`labels` are those of the pod.)
        platform: `OS/ARCH[/VARIANT]`; empty means that of the node.
        engine: `kaniko`, `buildkit` or `buildah`; None takes `[gitlab_ci] image_engine`.
        runner: of the file of runners: its cluster, its namespace, and its image of Kaniko count
            where the task says nothing.
        object_store_conn_id: connection of the object store that keeps `image.json`; empty: none.
        registry_conn_id: connections with logins of registries; the registry is their host.
        project: GitLab project whose variables CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD
            and DOCKER_AUTH_CONFIG hold further logins; connections win over them.
        registry_mirrors: of Docker Hub.
        registry_certificates: by host, a file in a volume of the pod with the certificates.
        insecure_registries: hosts that speak plain HTTP.
        skip_tls_verify_registries: hosts whose certificate is not checked.
        push_retries, pull_retries: after the first try.
        ignore_immutable_tags: go on when a tag exists and cannot be changed (Kaniko).
        cache: keep layers in a registry, for the next build.
        cache_repo: the repository for them; empty means `<first destination>/cache`.
        cache_hours: for which a layer is used again; 0 means the engine's default.
        cache_copy_layers: keep the layers of COPY, too.
        compressed_caching: True holds packed layers in memory, which is faster (Kaniko).
        snapshot_mode: how Kaniko notices changed files: `full`, `redo` or `time`.
        compression: of layers, `gzip` or `zstd`.
        compression_level: of layers.
        image_format: `docker` or `oci`.
    """

    template_fields = (
        *LayerPodOperator.template_fields,
        *("destinations", "context", "context_sub_path", "dockerfile", "target", "build_args"),
        *("build_secrets", "build_secret_files", "image_labels", "platform"),
        *("object_store_conn_id", "registry_conn_id", "project", "registry_mirrors"),
        *("registry_certificates", "insecure_registries", "skip_tls_verify_registries"),
        *("cache_repo", "engine", "runner"),
    )
    ui_color = "#e0f2f1"

    def __init__(  # noqa: PLR0913 - each option has its name, as in every operator
        self,
        *,
        destinations: Sequence[str] = (),
        context: str = "dir:///workspace",
        context_sub_path: str = "",
        dockerfile: str = "Dockerfile",
        target: str = "",
        build_args: Mapping[str, str] | None = None,
        build_secrets: Mapping[str, str] | None = None,
        build_secret_files: Mapping[str, str] | None = None,
        image_labels: Mapping[str, str] | None = None,
        platform: str = "",
        engine: EngineName | None = None,
        runner: str = "",
        object_store_conn_id: str = "",
        automount_service_account_token: bool = False,
        do_xcom_push: bool = True,
        **kwargs: Any,
    ):
        super().__init__(
            automount_service_account_token=automount_service_account_token,
            do_xcom_push=do_xcom_push,
            **kwargs,
        )
        self.destinations = destinations
        self.context = context
        self.context_sub_path = context_sub_path
        self.dockerfile = dockerfile
        self.target = target
        self.build_args = build_args
        self.build_secrets = build_secrets
        self.build_secret_files = build_secret_files
        self.image_labels = image_labels
        self.platform = platform
        self.engine = engine
        self.runner = runner
        self.object_store_conn_id = object_store_conn_id
        self._secret_contents: Mapping[str, str] = {}
        self._ended: k8s.V1Pod | None = None

    def execute(self, context: Context) -> Any:
        """Build and push.

        Raises:
            TaskFailed: the build is wrong, and would be again.
            TaskFailedForNow: it failed.
            TaskDeferred: the triggerer waits for the pod.
        """
        with _in_words(), self._without_sidecar():
            self._prepare()
            super().execute(context)
        return self._result(context)

    def trigger_reentry(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on after the triggerer has waited for the pod."""
        with _in_words(), self._without_sidecar():
            self._use_runner()
            super().trigger_reentry(context, event)
        return self._result(context)

    def image_build(self) -> ImageBuild:
        """Gather what to build."""
        values = {key: build_secret_file(key) for key in self.build_secrets or {}}
        files = {**values, **(self.build_secret_files or {})}
        return ImageBuild(
            context=self.context,
            context_sub_path=self.context_sub_path,
            dockerfile=self.dockerfile,
            destinations=tuple(self.destinations),
            target=self.target,
            build_args={name: str(value) for name, value in (self.build_args or {}).items()},
            secrets=tuple(BuildSecret(id=key, file=path) for key, path in files.items()),
            labels=dict(self.image_labels or {}),
            platform=self.platform,
            cache=self.layer_cache(),
            snapshot_mode=self.snapshot_mode,
            compression=self.compression,
            compression_level=self.compression_level,
            image_format=self.image_format,
            registries=self.registry_access(),
        )

    def build_pod_request_obj(
        self, context: Context | None = None, *, dry_run: bool = False
    ) -> k8s.V1Pod:
        """Build the pod: that of the pod operator, with the engine in its container."""
        with self._without_sidecar():
            pod = super().build_pod_request_obj(context, dry_run=dry_run)
        build = build_container(self.image_build(), self._engine())
        return add_build(pod, self.base_container_name, build, self.build_secrets or {})

    def get_or_create_pod(self, pod_request_obj: k8s.V1Pod, context: Context) -> k8s.V1Pod:
        """Create the pod, and then the Secret that it owns and waits for."""
        pod = super().get_or_create_pod(pod_request_obj, context)
        self.pod = pod  # from here on, Airflow removes it when it stops the task
        try:
            found = self.client.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
            give_secret(self.client, found, build_secret(found, self._secret_contents))
        except Exception:
            with suppress(ApiException):  # without its Secret it would wait forever
                delete_pod(self.client, pod)
            raise
        return found

    def cleanup(
        self,
        pod: k8s.V1Pod,
        remote_pod: k8s.V1Pod,
        xcom_result: dict[str, Any] | None = None,
        context: Context | None = None,
    ) -> None:
        """Remember how the pod has ended, and say why it failed."""
        self._ended = remote_pod
        said = last_words(self.client, remote_pod, self.base_container_name)
        try:
            super().cleanup(pod, remote_pod, xcom_result, context)
        except AirflowSkipException:
            raise
        except AirflowException as problem:
            failure = why_failed(remote_pod, self.base_container_name, said)
            if failure is None:
                raise
            raise TaskFailedForNow(f"{failure.message} ({failure.reason})") from problem

    def _prepare(self) -> None:
        """Refuse what is wrong, and read logins and secrets, before there is a pod."""
        engine = self._engine()
        self._use_runner()
        self.image = self.image or engine.image
        build = self.image_build()
        build_container(build, engine)
        sources = LoginSources(
            conn_ids=self.registry_connections(),
            project=self.project,
            secrets=self.build_secrets or {},
        )
        self._secret_contents = pod_secrets(build, engine, sources)

    def _use_runner(self) -> None:
        """Take over what the runner says and the task does not."""
        if not self.runner:
            return
        runner = runner_named(self.runner, load_settings())
        if self.kubernetes_conn_id in {None, KubernetesHook.default_conn_name}:
            self.kubernetes_conn_id = runner.connection
        self.namespace = self.namespace or runner.namespace or None
        if self._engine().name == "kaniko":
            self.image = self.image or runner.kaniko_image

    def _engine(self) -> Engine:
        name = self.engine or load_settings().image_engine
        if name not in ENGINES:
            raise SettingsError(f"engine: {quoted(name)!r} is none of {', '.join(ENGINES)}")
        return ENGINES[name]

    def _result(self, context: Context) -> dict[str, Any]:
        with _in_words():
            image = built_image(self.image_build(), self._ended, self.base_container_name)
            for tag in image["tags"]:
                self.log.info("pushed %s, digest %s", tag, image["digest"])
            if self.object_store_conn_id:
                ti = context["ti"]
                place = (ti.dag_id, ti.run_id, ti.task_id, str(ti.map_index))
                key = keep_artifact(self.object_store_conn_id, place, image)
                self.log.info("kept image.json as %s", key)
        return image

    @contextmanager
    def _without_sidecar(self) -> Iterator[None]:
        """Have the pod operator make no container for XCom: the pod's status tells the digest."""
        wanted, self.do_xcom_push = self.do_xcom_push, False
        try:
            yield
        finally:
            self.do_xcom_push = wanted


class KanikoBuildOperator(ImageBuildOperator):
    """Builds an image with Kaniko; see `ImageBuildOperator`."""

    def __init__(self, **kwargs: Any):
        super().__init__(engine="kaniko", **kwargs)


@contextmanager
def _in_words() -> Iterator[None]:
    """Fail the task with one line for what would fail again."""
    try:
        yield
    except GitlabCiError as problem:
        raise TaskFailed(str(problem)) from problem
