"""The JobPlan: all that a job's pod has to do, decided outside, obeyed inside.

It travels as JSON in a Secret that the pod owns and mounts into the helper containers only, each
of which sees its own part: it holds the login of the repository's server, and signed addresses of
the objects that it names. The user's scripts travel next to it, see `planner/script.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gitlab_ci_provider.model.artifacts import SaveWhen

GitStrategy = Literal["fetch", "clone", "none", "empty"]
SubmoduleStrategy = Literal["none", "normal", "recursive"]
ArchiveFormat = Literal["tarzstd", "zip", "zipzstd"]
"""Words of CACHE_COMPRESSION_FORMAT."""

CompressionLevel = Literal["fastest", "fast", "default", "slow", "slowest"]
"""Words of CACHE_COMPRESSION_LEVEL and ARTIFACT_COMPRESSION_LEVEL."""

ServiceProtocol = Literal["tcp", "outside", "postgres", "mysql", "redis", "amqp", "http"]
"""How to ask a service; `outside` connects to the pod's own address instead of the loopback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanVariable:
    """A variable of the job, expanded; a `file` one is written to disk before the script."""

    name: str
    value: str
    file: bool = False
    masked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSources:
    """Phase `get_sources`.

    Attributes:
        refspecs: what to fetch; the commit `sha` must be reachable from them or fetchable itself.
        depth: commits of history; 0 fetches all.
        clone_flags: None fetches into an empty repository, else `git clone` makes it.
        checkout: False leaves what is in the working copy.
        lfs: get the files that Git LFS keeps elsewhere.
        attempts: how often to try.
        submodule_paths: of `.gitmodules`; none means all.
        submodule_depth: commits of history; 0 fetches all.
        https_submodules: fetch those that are given by ssh over https from the same server.
        git_settings: `NAME=value` for git's own environment.
        git_config: keys and values of `git config`, told by the job's hook in the pod.
        username, password: for HTTP; they never appear in the URL, the repository or the log.
    """

    url: str
    sha: str
    refspecs: tuple[str, ...] = ()
    ref_name: str = ""
    strategy: GitStrategy = "fetch"
    depth: int = 20
    clean_flags: tuple[str, ...] = ("-ffdx",)
    fetch_flags: tuple[str, ...] = ("--prune", "--quiet")
    clone_flags: tuple[str, ...] | None = None
    checkout: bool = True
    lfs: bool = True
    submodule_strategy: SubmoduleStrategy = "none"
    submodule_paths: tuple[str, ...] = ()
    submodule_depth: int = 0
    submodule_flags: tuple[str, ...] = ()
    https_submodules: bool = False
    git_settings: tuple[str, ...] = ()
    git_config: tuple[tuple[str, str], ...] = ()
    attempts: int = 1
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreGetSources:
    """`hooks:pre_get_sources_script`: shell text for the container `hook`; empty elsewhere."""

    script: str = ""
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IdToken:
    """A token that the cluster signs for an audience; `seconds` is how long it is valid."""

    name: str
    audience: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRestore:
    """One cache to fetch: the first of `object_keys` that exists.

    Attributes:
        warnings: about keys that are left out.
    """

    name: str
    object_keys: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheArchive:
    """One cache to save.

    Attributes:
        format: of the archive.
        warnings: about what is not saved as it was asked for.
    """

    name: str
    object_key: str
    paths: tuple[str, ...]
    format: ArchiveFormat = "tarzstd"
    warnings: tuple[str, ...] = ()
    untracked: bool = False
    when: SaveWhen = "on_success"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDownload:
    """Artifacts of one earlier job.

    Attributes:
        sha256: of the archive; empty when it is not known.
    """

    job: str
    object_key: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactUpload:
    """Artifacts to save.

    Attributes:
        object_key: of the archive; its index is stored next to it, see `storage/keys.py`.
        expire_in: seconds; 0 means never.
        access: who may download them, as in `artifacts:access`.
    """

    name: str
    object_key: str
    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    untracked: bool = False
    when: SaveWhen = "on_success"
    expire_in: int = 0
    access: str = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportUpload:
    """One kind of `artifacts:reports`, saved however the script ends.

    Attributes:
        object_key: of the archive; what is read from the files is stored next to it.
        expire_in: seconds; 0 means never.
        format: of a coverage report, `cobertura` or `jacoco`.
        access: who may download it, as in `artifacts:access`.
    """

    kind: str
    object_key: str
    paths: tuple[str, ...]
    expire_in: int = 0
    format: str = ""
    access: str = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class DotenvUpload:
    """`artifacts:reports:dotenv`: globs of the files, and where their variables are kept."""

    object_key: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCheck:
    """When a service counts as ready.

    Attributes:
        name: of its container.
        image: for messages.
        hosts: names under which it is reached.
        refused: names of GitLab's that Kubernetes does not accept.
        port: that must answer; 0 when none is known, and nothing can be waited for.
        patience: seconds.
        required: the job fails when the service is not ready in time; else that is a warning.
        warnings: about what the file says of it.
    """

    name: str
    image: str
    hosts: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    port: int = 0
    protocol: ServiceProtocol = "tcp"
    patience: int = 0
    required: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Permission to do one thing with one object for a limited time: its signed address."""

    object_key: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsGrant:
    """Permission to store one object in parts, in an upload that the worker has begun.

    Attributes:
        part: address of a part, with `{number}` instead of its number, without its signature.
        signatures: of the parts, from the first.
        complete, abort: signed addresses that end the upload.
    """

    object_key: str
    part: str
    signatures: tuple[str, ...]
    complete: str
    abort: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlace:
    """Where the objects are, without credentials.

    Attributes:
        name: for messages, put before a key.
        at: for messages, put after it.
        ca_bundle: path of certificates, empty for the system's.
        write_headers: what a request must say that stores an object; the addresses are signed so.
    """

    name: str
    at: str = ""
    ca_bundle: str = ""
    write_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """Limits for what is unpacked from one cache or artifact archive.

    Attributes:
        size: bytes.
        entries: files, folders and links.
        ratio: how many times the archive's own size.
    """

    size: int = 20_000_000_000
    entries: int = 2_000_000
    ratio: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """What the pod does, phase by phase; empty tuples and None leave a phase out.

    Attributes:
        project_dir: the working copy, CI_PROJECT_DIR.
        cache_store: where caches are, if not where all else is.
        reads, writes: all that the pod may do in the object store, see `planner/access.py`.
        parted: of `writes`, those that may also be stored in parts, see `storage/multipart.py`.
        attempts: of each cache and artifact transfer.
        restore_cache_attempts, download_attempts: of the whole phase.
        cache_seconds: for each transfer of a cache; 0 for no limit.
        cache_level, artifact_level: how hard archives are compressed.
        meter_seconds: how often the log says how far a transfer has come; 0 for never.
        warnings: about settings of the job, for its log.
        debug_trace: show commands of scripts and of git as they run.
        id_tokens: names of variables whose values are files of the pod, see `model/workspace.py`.
    """

    job: str
    project_dir: str
    variables: tuple[PlanVariable, ...] = ()
    sources: GetSources | None = None
    hook: PreGetSources | None = None
    restores: tuple[CacheRestore, ...] = ()
    downloads: tuple[ArtifactDownload, ...] = ()
    archives: tuple[CacheArchive, ...] = ()
    uploads: tuple[ArtifactUpload, ...] = ()
    reports: tuple[ReportUpload, ...] = ()
    dotenv: DotenvUpload | None = None
    services: tuple[ServiceCheck, ...] = ()
    store: StorePlace | None = None
    cache_store: StorePlace | None = None
    reads: tuple[Grant, ...] = ()
    writes: tuple[Grant, ...] = ()
    parted: tuple[PartsGrant, ...] = ()
    archive_limits: ArchiveLimits = ArchiveLimits()
    attempts: int = 3
    restore_cache_attempts: int = 1
    download_attempts: int = 1
    cache_seconds: int = 0
    cache_level: CompressionLevel = "default"
    artifact_level: CompressionLevel = "default"
    meter_seconds: int = 0
    warnings: tuple[str, ...] = ()
    id_tokens: tuple[str, ...] = ()
    debug_trace: bool = False
    schema_version: int = 3

    @property
    def cache_keys(self) -> frozenset[str]:
        """The keys of objects that are caches."""
        restored = (key for restore in self.restores for key in restore.object_keys)
        return frozenset((*restored, *(archive.object_key for archive in self.archives)))

    @property
    def leaves(self) -> bool:
        """Whether it leaves anything in the object store."""
        return bool(self.archives or self.uploads or self.reports or self.dotenv)

    def value(self, name: str, default: str = "") -> str:
        """Return the value of a variable of the job; the default when it has none of that name."""
        known = {variable.name: variable.value for variable in self.variables}
        return known.get(name, default)
