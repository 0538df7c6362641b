"""A job, every spelling collapsed and all composition done."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.cache import Cache
from gitlab_ci_provider.model.diagnostic import SourceLocation
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.rules import AllowFailure, Rule, When
from gitlab_ci_provider.model.variables import Variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The commands of a job; `before` and `main` share one shell, `after` has its own."""

    main: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`retry:`; empty `when` and `exit_codes` retry on any failure."""

    max: int = 0
    when: tuple[str, ...] = ()
    exit_codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job.

    Attributes:
        variables: the file's, global ones included (job over global), not expanded.
        rules: None when none were written; they then do not decide.
        needs: None means stage order, () means that it starts at once.
        dependencies: None means all artifacts in scope, () means none.
        timeout: seconds; None means the runner's.
    """

    name: str
    stage: str
    script: Script = Script()
    image: Image | None = None
    variables: Variables = ()
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
    location: SourceLocation = SourceLocation(file=".gitlab-ci.yml")
