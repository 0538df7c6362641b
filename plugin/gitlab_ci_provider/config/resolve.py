"""Text, fetcher and context to a `CiConfig`, in GitLab's order of composition."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.defaults import ROOT_KEYS, apply_defaults, read_defaults
from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.extends import apply_extends
from gitlab_ci_provider.config.includes.processor import Sources, load_tree
from gitlab_ci_provider.config.inputs.job import check_job_inputs
from gitlab_ci_provider.config.keywords.fields import Field, is_blank
from gitlab_ci_provider.config.keywords.job import JobConfig, read_job
from gitlab_ci_provider.config.keywords.variables import read_global_variables
from gitlab_ci_provider.config.keywords.workflow import read_workflow
from gitlab_ci_provider.config.raw import Map, Mark
from gitlab_ci_provider.config.references import resolve_references
from gitlab_ci_provider.config.stages import read_stages
from gitlab_ci_provider.config.unclear import unclear_names
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.pipeline import Workflow
from gitlab_ci_provider.model.variables import Variables

_RUNNABLE = frozenset({"script", "run", "trigger", "needs"})
_NO_HEADER = "End the header that `spec` is in with a line `---`."
_NOT_A_JOB = "config should implement the script:, run:, or trigger: keyword"


def resolve(
    sources: Sources, context: PipelineContext, config_path: str, diagnostics: Diagnostics
) -> CiConfig | None:
    """Read a configuration with its includes; None when there is no tree."""
    loaded = load_tree(sources, context, config_path, diagnostics)
    if loaded is None:
        return None
    incomplete = diagnostics.failed
    extended = apply_extends(loaded.tree, diagnostics)
    unclear = unclear_names(extended) if incomplete else set()
    tree = resolve_references(extended, diagnostics)
    if tree is None:
        return None
    clear = tree.without(*(unclear & ROOT_KEYS))
    root = Field(clear, "", "root config", Mark(config_path), diagnostics)
    return CiConfig(
        tree=tree,
        jobs=_read_jobs(root, tree, read_defaults(root), unclear, emptied=loaded.emptied),
        stages=read_stages(root),
        variables=root.read("variables", read_global_variables) or Variables(),
        workflow=root.read("workflow", read_workflow) or Workflow(),
        files=loaded.files,
        includes=loaded.locations,
        inputs=loaded.inputs,
        lock=loaded.lock,
        emptied=loaded.emptied,
    )


def _read_jobs(
    root: Field, tree: Map, defaults: Map, unclear: Collection[str], *, emptied: bool
) -> dict[str, JobConfig]:
    """Read the visible jobs; what is found in an unclear one may be wrong, and is not reported.

    `emptied` allows that there are none: they would be in files that rules leave out.
    """
    unheard = Field(tree, "", "root config", root.mark, Diagnostics())
    jobs: dict[str, JobConfig] = {}
    visible = [name for name in tree if name not in ROOT_KEYS and not name.startswith(".")]
    for name in visible:
        job = _read_job(unheard if name in unclear else root, tree, name, defaults)
        if job:
            jobs[name] = job
    for name, value in tree.items():
        if name.startswith(".") and is_blank(value):
            words = f"jobs:{name} config can't be blank"
            root.diagnostics.error("job-hidden-blank", words, tree.place(name))
    if not visible and not emptied:
        message = "jobs config should contain at least one visible job"
        root.diagnostics.error("jobs-none-visible", message, root.mark)
    return jobs


def _hint(diagnostics: Diagnostics, name: str, keys: Collection[str]) -> str | None:
    """Suggest what was meant by something without work: a keyword, or a job with a mistyped key."""
    if name == "spec":
        return _NO_HEADER
    keyword = diagnostics.meant(name, sorted(ROOT_KEYS))
    hints = (diagnostics.meant(key, sorted(_RUNNABLE)) for key in keys)
    return keyword or next((found for found in hints if found), None)


def _read_job(root: Field, tree: Map, name: str, defaults: Map) -> JobConfig | None:
    raw = tree[name]
    place = tree.place(name)
    keys = list(raw) if isinstance(raw, Map) else []
    if not isinstance(raw, Map) or not _RUNNABLE & set(keys):
        hint = _hint(root.diagnostics, name, keys)
        root.diagnostics.error("job-nothing-to-do", f"jobs {name} {_NOT_A_JOB}", place, hint)
        return None
    label = f"jobs:{name}"
    if name in tree.numbers:
        root.diagnostics.error(
            "job-name", f"{label} name should be a symbol", place, "Put it in quotes."
        )
    filled = apply_defaults(raw, defaults)
    field = Field(filled, label, f"{label} config", place, root.diagnostics)
    check_job_inputs(field)
    job = read_job(field, name)
    if job and raw.get("timeout") is None:  # GitLab gives `default:timeout` no effect
        return replace(job, job=replace(job.job, timeout=None))
    return job
