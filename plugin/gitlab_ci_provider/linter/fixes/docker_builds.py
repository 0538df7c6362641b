"""Jobs that need a Docker daemon, written as image builds in the file they stand in.

Only lines that change are touched: the job's image, its services, and those commands of its scripts
that become others. What a job takes from elsewhere is overridden in the job itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.config.raw import Seq, to_data
from gitlab_ci_provider.docker_builds.daemon import is_daemon
from gitlab_ci_provider.docker_builds.rewrite import DockerJob
from gitlab_ci_provider.docker_builds.spots import Section
from gitlab_ci_provider.linter.checks.docker_builds import docker_job
from gitlab_ci_provider.linter.fixes.yaml_lines import Block, find_block, item_lines, scalar
from gitlab_ci_provider.model.job import Job

_ODD = re.compile(r"\r(?!\n)|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""What YAML, git and Python do not all take for the end of a line."""

_SECTIONS: tuple[Section, ...] = ("before_script", "script", "after_script")


@dataclass(frozen=True, slots=True)
class Fix:
    """A job that can become an image build.

    Attributes:
        job: as rewritten.
        file: where it stands.
        content: of the file with the job rewritten; None when it cannot be written there.
        why_not: in that case.
    """

    job: Job
    file: str
    content: str | None = None
    why_not: str = ""


def fixable(config: CiConfig) -> Iterable[tuple[JobConfig, DockerJob]]:
    """List the jobs that can become image builds."""
    for entry in config.jobs.values():
        found = docker_job(config, entry)
        if found and found.rewritten:
            yield entry, found


def fix(
    config: CiConfig, entry: JobConfig, found: DockerJob, read: Callable[[str], str | None]
) -> Fix:
    """Write a job as an image build.

    Args:
        config: that it belongs to.
        entry: the job.
        found: what it becomes.
        read: returns the text of a file of the repository; None for any other file.
    """
    job = found.rewritten or entry.job
    file = config.tree.place(entry.job.name).file
    text = read(file)
    block = find_block(text, entry.job.name) if text is not None else None
    if text is None:
        return Fix(job, file, why_not="its file is not in this repository")
    if _ODD.search(text):
        return Fix(job, file, why_not="the lines of its file have unusual ends")
    if block is None:
        return Fix(job, file, why_not="it is not written as a block of keywords")
    lines = text.splitlines(keepends=True)
    if any("$[[" in line for line in lines):
        return Fix(job, file, why_not="the file has inputs, whose values would replace them")
    editor = _Editor(block, inherits=_inherits(config, entry))
    editor.image(job)
    editor.services(entry)
    for section in _SECTIONS:
        editor.section(section, entry.job, job, found)
    return Fix(job, file, content=editor.apply(lines))


def _inherits(config: CiConfig, entry: JobConfig) -> bool:
    """Return whether a keyword that a job does not write could come from elsewhere."""
    raw = config.tree.get("default")
    return (
        bool(raw)
        or "extends" in entry.raw
        or any(key in config.tree for key in ("services", *_SECTIONS))
    )


class _Editor:
    """Collects edits of a job: for a range of lines, what takes their place."""

    def __init__(self, block: Block, *, inherits: bool):
        self.block = block
        self.inherits = inherits or "<<" in block.entries
        self.edits: list[tuple[int, int, list[str]]] = []

    def _indent(self, more: int = 0) -> str:
        return " " * (self.block.indent + more)

    def _put(self, key: str, lines: list[str]) -> None:
        entry = self.block.entries.get(key)
        start, end = (entry.start, entry.end) if entry else (self.block.place, self.block.place)
        self.edits.append((start, end, lines))

    def image(self, job: Job) -> None:
        """Set the image, with a shell instead of its entrypoint."""
        name = job.image.name if job.image else ""
        lines = ["image:", f"  name: {scalar(name)}", '  entrypoint: [""]']
        self._put("image", [self._indent() + line for line in lines])

    def services(self, entry: JobConfig) -> None:
        """Leave out the daemon."""
        kept = [not is_daemon(service) for service in entry.job.services]
        if all(kept):
            return
        own = self.block.entries.get("services")
        if own and own.items and len(own.items) == len(kept) and any(kept):
            for (start, end), keep in zip(own.items, kept, strict=True):
                if not keep:
                    self.edits.append((start, end, []))
            return
        raw = entry.raw.get("services")
        items = raw if isinstance(raw, Seq) and len(raw) == len(kept) else Seq(entry.raw.mark)
        left = [to_data(item) for item, keep in zip(items, kept, strict=False) if keep]
        self._whole("services", [yaml.safe_dump([item]).splitlines() for item in left])

    def section(self, section: Section, before: Job, after: Job, found: DockerJob) -> None:
        """Change the commands of one script."""
        old, new = _texts(before, section), _texts(after, section)
        if old == new:
            return
        own = self.block.entries.get(section)
        changes = {
            spot: texts for (where, spot), texts in found.changes.items() if where == section
        }
        if own and own.items and len(own.items) == len(old) and new:
            for at, texts in changes.items():
                start, end = own.items[at]
                lines = [line for text in texts for line in item_lines(text, own.dash)]
                self.edits.append((start, end, lines))
            return
        indent = self.block.indent + 2
        self._whole(section, [[line[indent:] for line in item_lines(text, indent)] for text in new])

    def _whole(self, key: str, items: Sequence[Sequence[str]]) -> None:
        """Write a list, or leave it out where nothing else would take its place."""
        if items:
            lines = [f"{self._indent()}{key}:"]
            lines += [(self._indent(2) + line).rstrip() for item in items for line in item]
            self._put(key, lines)
        elif self.inherits or key not in self.block.entries:
            self._put(key, [f"{self._indent()}{key}: []"])
        else:
            self._put(key, [])

    def apply(self, lines: Sequence[str]) -> str:
        """Return the text with all edits; those at the same place keep their order."""
        ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        result = list(lines)
        # From the end, so that lines above keep their numbers; what was put at one place first
        # is inserted last, and so stands first.
        numbered = enumerate(self.edits)
        ordered = sorted(numbered, key=lambda each: (each[1][0], each[0]), reverse=True)
        for _, (start, end, new) in ordered:
            if start == len(result) and result and not result[-1].endswith("\n"):
                result[-1] += ending
            result[start:end] = [line + ending for line in new]
        return "".join(result)


def _texts(job: Job, section: Section) -> tuple[str, ...]:
    script = job.script
    texts: Mapping[Section, tuple[str, ...]] = {
        "before_script": script.before,
        "script": script.main,
        "after_script": script.after,
    }
    return texts[section]
