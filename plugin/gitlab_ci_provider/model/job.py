"""A job, every spelling collapsed and all composition done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.bridge import Bridge
from gitlab_ci_provider.model.cache import Cache
from gitlab_ci_provider.model.diagnostic import SourceLocation
from gitlab_ci_provider.model.environment import Environment
from gitlab_ci_provider.model.image import Image, Service
from gitlab_ci_provider.model.needs import CrossNeed, Need
from gitlab_ci_provider.model.rules import AllowFailure, Policy, Rule, When
from gitlab_ci_provider.model.variables import Variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The commands of a job; `before` and `main` share one shell, `after` has its own."""

    main: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`retry:`; without `when` and `exit_codes` for any failure, with empty ones for none."""

    max: int = 0
    when: tuple[str, ...] | None = None
    exit_codes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelIndex:
    """Which instance of a `parallel` job a job is.

    Attributes:
        index: from 1, CI_NODE_INDEX.
        matrix: whether the instances differ by variables.
    """

    index: int
    total: int
    matrix: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job.

    Attributes:
        variables: the file's, global ones included (job over global), not expanded.
        rules: None when none were written; they then do not decide.
        needs: None means stage order, () means that it starts at once.
        dependencies: None means all artifacts in scope, () means none.
        timeout: seconds; None means the runner's.
        group: name in the file; instances of a `parallel` job share it.
        own_variables: the job's part of `variables`, matrix values included.
        inherited_variables: names of the global variables that it takes; None means all.
        cross_needs: artifacts of other pipelines that it takes.
        only, excluding: `only:` and `except:`.
        bridge: set for a `trigger:` job; it has no script then.
        environment: where it deploys to.
        inputs: `inputs:` of the job, as written.
        as_written: keywords that are not read when a file is compiled: `release`, `pages`,
            `secrets`, `id_tokens`, `identity`, `dast_configuration`, `run`.
    """

    name: str
    stage: str
    script: Script = Script()
    image: Image | None = None
    variables: Variables = Variables()
    rules: tuple[Rule, ...] | None = None
    when: When = When.ON_SUCCESS
    allow_failure: AllowFailure = AllowFailure()
    start_in: int | None = None
    needs: tuple[Need, ...] | None = None
    dependencies: tuple[str, ...] | None = None
    artifacts: Artifacts | None = None
    caches: tuple[Cache, ...] = ()
    retry: Retry = Retry()
    timeout: int | None = None
    tags: tuple[str, ...] = ()
    group: str = ""
    own_variables: Variables = Variables()
    inherited_variables: tuple[str, ...] | None = None
    services: tuple[Service, ...] = ()
    cross_needs: tuple[CrossNeed, ...] = ()
    only: Policy | None = None
    excluding: Policy | None = None
    parallel: ParallelIndex | None = None
    bridge: Bridge | None = None
    environment: Environment | None = None
    interruptible: bool = False
    resource_group: str | None = None
    coverage: str | None = None
    manual_confirmation: str | None = None
    pre_get_sources: tuple[str, ...] = ()
    inputs: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    as_written: Mapping[str, object] = field(default_factory=dict)
    location: SourceLocation = SourceLocation(file=".gitlab-ci.yml")
