"""`pages:` and `publish:`: what GitLab Pages would publish.

Source: GitLab's `Entry::Job`: the folder that is published is one of the job's artifacts, also
when `artifacts:paths` does not say so.
"""

from __future__ import annotations

from dataclasses import replace

from gitlab_ci_provider.config.keywords.durations import expiry
from gitlab_ci_provider.config.keywords.fields import Field, is_blank, text
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.model.artifacts import Artifacts

DEFAULT_FOLDER = "public"


def check_pages(job: Field) -> None:
    """Report what is wrong with `pages` and `publish` of a job."""
    job.read("publish", text)
    publish = job.attribute("publish")
    if publish and not is_blank(publish.value) and not _is_pages(job):
        publish.refuse("can only be used within a `pages` job")
    pages = job.entry("pages")
    if pages is None or isinstance(pages.value, bool):
        return
    if not isinstance(pages.value, Map):
        pages.refuse("should be a hash or a boolean value")
        return
    pages.only(("publish", "path_prefix", "expire_in"))
    pages.get("publish", text)
    pages.get("path_prefix", text)
    pages.get("expire_in", _expiry_or_variable)
    if "publish" in pages.value and publish:
        words = "use either pages:publish or pages:pages:publish"
        name = job.label.removeprefix("jobs:")
        pages.diagnostics.error("keyword-invalid", f"{name} job: {words}", pages.mark)


def with_published(job: Field, artifacts: Artifacts | None) -> Artifacts | None:
    """Add the published folder to a job's artifacts when it is a Pages job."""
    folder = _folder(job)
    known = artifacts or Artifacts()
    if not _is_pages(job) or folder in known.paths:
        return artifacts
    return replace(known, paths=(*known.paths, folder))


def _is_pages(job: Field) -> bool:
    """Return whether it is a Pages job: it says so, or is called `pages` and does not deny it."""
    pages = job.value.get("pages") if isinstance(job.value, Map) else None
    return not is_blank(pages) or (job.label == "jobs:pages" and pages is not False)


def _folder(job: Field) -> str:
    value = job.value if isinstance(job.value, Map) else Map(job.mark)
    pages = value.get("pages")
    written = (pages.get("publish") if isinstance(pages, Map) else None) or value.get("publish")
    return written if isinstance(written, str) else DEFAULT_FOLDER


def _expiry_or_variable(field: Field) -> object:
    if isinstance(field.value, str) and "$" in field.value:
        return field.value
    return expiry(field)
