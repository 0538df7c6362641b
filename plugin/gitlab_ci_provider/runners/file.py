"""The file of runners: a list of them under the key `runners`.

Other keys that begin with a dot hold what YAML anchors repeat, as in `.gitlab-ci.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.documents import decode
from gitlab_ci_provider.config.loader import load
from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq
from gitlab_ci_provider.config.yaml_errors import LoadError
from gitlab_ci_provider.model.diagnostic import Diagnostic, errors_in
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.pods.shared_configuration import shared_configuration
from gitlab_ci_provider.runners.checks import check_runner, place_of
from gitlab_ci_provider.runners.contradictions import never_chosen
from gitlab_ci_provider.runners.reader import Reader

_DIVIDER = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RunnersFile:
    """What a file says, and what is wrong with it."""

    runners: tuple[RunnerProfile, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> Sequence[Diagnostic]:
        """What keeps the file from being used."""
        return errors_in(self.diagnostics)


def read_runners(content: bytes, file: str, base: RunnerProfile) -> RunnersFile:
    """Read a file of runners.

    Args:
        content: of the file.
        file: its name, for messages.
        base: what is not written comes from it.
    """
    diagnostics = Diagnostics()
    text = decode(content, file, diagnostics)
    with shared_configuration():  # checks make many of the client's models
        runners = () if text is None else _read(text, file, base, diagnostics)
    ordered = sorted(diagnostics.found, key=lambda found: found.location)
    return RunnersFile(runners, tuple(ordered))


def _read(
    text: str, file: str, base: RunnerProfile, diagnostics: Diagnostics
) -> tuple[RunnerProfile, ...]:
    try:
        tree = load(text, file, diagnostics)
    except LoadError as problem:
        diagnostics.error(problem.code, problem.message, problem.mark)
        return ()
    _check_single(text, file, diagnostics)
    listed = _listed(tree, file, diagnostics)
    reader = Reader(diagnostics)
    runners: dict[str, RunnerProfile] = {}
    for position, node in enumerate(listed):
        mark = node.mark if isinstance(node, Map) else listed.place(position)
        runner = reader.read(node, RunnerProfile, mark, base)
        if not isinstance(node, Map):
            continue
        check_runner(runner, node, diagnostics)
        for code, words, option in never_chosen(runner, runners.values()):
            diagnostics.warning(code, words, place_of(node, option))
        if runner.name in runners:
            words = f"there is another runner named '{runner.name}'"
            diagnostics.error("runner-name", words, node.place("name"))
        runners[runner.name] = runner
    return tuple(runners.values())


def _check_single(text: str, file: str, diagnostics: Diagnostics) -> None:
    """Refuse a file of several documents, of which only the first would count."""
    ends = list(_DIVIDER.finditer(text))
    if ends and not _has_content(text[: ends[0].start()]):
        del ends[0]
    if ends and _has_content(text[ends[0].end() :]):
        line = text.count("\n", 0, ends[0].start()) + 1
        words = "another YAML document begins here: put all runners into one list"
        diagnostics.error("runner-type", words, Mark(file, line))


def _has_content(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return any(line and not line.startswith(("#", "%")) for line in lines)


def _listed(tree: Node, file: str, diagnostics: Diagnostics) -> Seq:
    """Find the list of runners."""
    top = tree if isinstance(tree, Map) else Map(Mark(file))
    for key in top:
        if key != "runners" and not key.startswith("."):
            words = f"unknown key '{key}': the file has one key, 'runners'"
            diagnostics.error("runner-unknown-key", words, top.place(key))
    listed = top.get("runners")
    if isinstance(listed, Seq) and listed:
        return listed
    diagnostics.error("runner-type", "'runners' must be a list of runners", top.place("runners"))
    return Seq(top.mark)


def base_of(built_in: RunnerProfile) -> RunnerProfile:
    """Return what runners of a file inherit from the settings: all but the choice of jobs."""
    return replace(built_in, name="", any_tags=False)
