"""A runner: what `[[runners]]` is in GitLab Runner's config.toml, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gitlab_ci_provider.model.image import PullPolicy
from gitlab_ci_provider.model.runner_parts import (
    CacheStore,
    ClusterAccess,
    Manifest,
    Network,
    Overrides,
    PodPatch,
    PodResources,
    RunnerService,
    Scheduling,
    Security,
    option,
)

ImageBuilds = Literal["", "rewrite"]
AccessLevel = Literal["not_protected", "ref_protected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerProfile:
    """One runner: which jobs it takes, and what their pods look like."""

    name: str = option("", "Name, in logs and in messages.", form="airflow")
    description: str = option("", "For people.")
    tags: tuple[str, ...] = option((), "A job's tags must all be among these.")
    run_untagged: bool | None = option(
        None, "Whether it takes jobs without tags; not said: only a runner without tags does."
    )
    any_tags: bool = option(False, "Whether it takes every job, whatever its tags.")
    access_level: AccessLevel = option(
        "not_protected", "`ref_protected`: only jobs of protected branches and tags."
    )
    projects: tuple[str, ...] = option(
        (), "Patterns of project paths, such as `group/**`; empty: all.", form="glob"
    )
    connection: str = option("", "Airflow connection of the cluster; empty: `kubernetes_conn_id`.")
    namespace: str = option(
        "", "Namespace of the pods; empty: that of the connection.", form="name"
    )
    image: str = option("", "Image of jobs without `image:`; empty: `default_image`.")
    helper_image: str = option("", "Image that holds gitlab-ci-helper; empty: `helper_image`.")
    pull_policy: tuple[PullPolicy, ...] = option(
        (), "Pull policies, tried in this order until one works. Empty: Kubernetes' own."
    )
    allowed_pull_policies: tuple[PullPolicy, ...] = option(
        (), "What jobs may ask for; empty: what `pull_policy` says, or anything if it is empty."
    )
    allowed_images: tuple[str, ...] = option(
        (), "Patterns of images that jobs may use; empty: all.", form="glob"
    )
    allowed_services: tuple[str, ...] = option(
        (), "Patterns of images that services may use; empty: all.", form="glob"
    )
    allowed_users: tuple[int, ...] = option(
        (), "User ids for `image:kubernetes:user`; empty: all but 0."
    )
    allowed_groups: tuple[int, ...] = option(
        (), "Group ids for `image:kubernetes:user`; empty: all but 0."
    )
    image_pull_secrets: tuple[str, ...] = option(
        (), "Secrets with logins of registries.", form="name"
    )
    service_account: str = option(
        "", "Service account of the pods; empty: the namespace's.", form="name"
    )
    automount_service_account_token: bool = option(
        False, "Whether a job can use Kubernetes' API as its service account."
    )
    clusters: tuple[ClusterAccess, ...] = option(
        (), "Clusters that jobs with an `environment` may deploy to."
    )
    resources: PodResources = option(PodResources(), "What containers ask for and may use.")
    overrides: Overrides = option(Overrides(), "What a job may change with variables.")
    security: Security = option(Security(), "What a job's processes may do.")
    scheduling: Scheduling = option(Scheduling(), "On which nodes pods run.")
    network: Network = option(Network(), "How pods find other hosts.")
    volumes: tuple[Manifest, ...] = option((), "Volumes in addition to our own.", "V1Volume")
    volume_mounts: tuple[Manifest, ...] = option(
        (), "Where all containers see them.", "V1VolumeMount"
    )
    lifecycle: Manifest = option({}, "Hooks of the build and service containers.", "V1Lifecycle")
    labels: Mapping[str, str] = option({}, "Labels of pods; may hold variables.", form="label")
    annotations: Mapping[str, str] = option(
        {}, "Annotations of pods; may hold variables.", form="label"
    )
    image_builds: ImageBuilds = option(
        "",
        "`rewrite`: a job that needs a Docker daemon runs as an image build without one, if all "
        "of it can; empty: as it is.",
    )
    kaniko_image: str = option(
        "", "Image of Kaniko for rewritten jobs and image builds; pin it by digest. Empty: a tag."
    )
    pod_patches: tuple[PodPatch, ...] = option((), "Changes to the finished pod.")
    start_timeout: int | None = option(
        None,
        "Seconds until a pod that does not start counts as failed; not said: `pod_start_timeout`.",
    )
    pool: str = option("", "Airflow pool of its jobs' tasks; it must exist.", form="airflow")
    queue: str = option("", "Airflow queue of its jobs' tasks, for Celery.", form="airflow")
    priority_weight: int | None = option(
        None, "Airflow's `priority_weight` of its jobs' tasks; not said: Airflow's own."
    )
    cache: CacheStore = option(CacheStore(), "Where caches are kept; artifacts are not concerned.")
    maximum_timeout: int | None = option(
        None, "Seconds; jobs with a longer timeout have this one. Not said: jobs have their own."
    )
    services: tuple[RunnerService, ...] = option(
        (), "Services of every job, before its own; `allowed_services` does not concern them."
    )
    environment: Mapping[str, str] = option(
        {}, "Variables of every job and its services; all others win.", form="variable"
    )
    feature_flags: Mapping[str, bool] = option(
        {}, "GitLab Runner's feature flags; they win over the job's variables.", form="flag"
    )
    pre_get_sources_script: str = option("", "Runs before the sources are fetched.")
    pre_build_script: str = option("", "Runs in the job's shell, before `before_script`.")
    post_build_script: str = option("", "Runs in the job's shell, after `script` has succeeded.")

    @property
    def takes_untagged(self) -> bool:
        """Whether it takes jobs without tags."""
        return not self.tags if self.run_untagged is None else self.run_untagged
