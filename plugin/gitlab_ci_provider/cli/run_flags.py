"""Flags that say what to run: a commit, variables, inputs, jobs; and the run's conf from them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitlab_ci_provider.cli.usage import WrongUsage, name_value
from gitlab_ci_provider.cli.value_files import read_inputs, read_variables
from gitlab_ci_provider.model.conf import check_conf
from gitlab_ci_provider.model.project import is_commit_id
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.runs.form import SOURCES


def add_flags(parser: argparse.ArgumentParser, *, source: str) -> None:
    """Add the flags that every run may have."""
    add_value_flags(parser)
    _add_choice_flags(parser)
    parser.add_argument(
        "--source", metavar="S", choices=SOURCES, help=f"CI_PIPELINE_SOURCE (default: {source})"
    )
    parser.set_defaults(usual_source=source)


Flags = argparse.ArgumentParser | argparse._ArgumentGroup  # noqa: SLF001 - it has no other name


def add_value_flags(flags: Flags) -> None:
    """Add the flags that give variables and inputs."""
    flags.add_argument(
        "--var", action="append", default=[], metavar="K=V", help="variable; repeatable"
    )
    flags.add_argument(
        "--variables-file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="variables as NAME=VALUE lines, YAML or JSON; --var wins; repeatable",
    )
    flags.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="K=V",
        help="input, read as the type that the file gives it: arrays are JSON; repeatable",
    )
    flags.add_argument(
        "--inputs-file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="inputs as YAML or JSON; --input wins; repeatable",
    )


def add_changed_flags(flags: Flags) -> None:
    """Add the flags that say which files have changed, for rules."""
    choice = flags.add_mutually_exclusive_group()
    choice.add_argument(
        "--changed", metavar="FILE", action="append", help="file that the push changes; repeatable"
    )
    choice.add_argument("--no-changed", action="store_true", help="the push changes no files")


def add_merge_request_flags(flags: Flags) -> None:
    """Add the flags of a merge request pipeline."""
    flags.add_argument(
        "--mr-target",
        "--target",
        metavar="B",
        help="target branch of a merge request pipeline; --ref is the source branch",
    )
    flags.add_argument(
        "--merge-request", type=int, metavar="N", help="number of the merge request (default: 1)"
    )


def _add_choice_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that choose jobs."""
    parser.add_argument(
        "--job",
        action="append",
        default=[],
        metavar="NAME",
        help="run only this job and the jobs it needs; repeatable",
    )
    parser.add_argument(
        "--stage",
        action="append",
        default=[],
        metavar="NAME",
        help="run only the jobs of this stage and the jobs they need; repeatable",
    )
    parser.add_argument(
        "--no-needs",
        action="store_true",
        help="with --job or --stage: without the jobs they need, and without their artifacts",
    )
    parser.add_argument(
        "--manual",
        action="append",
        default=[],
        metavar="NAME",
        help="play this manual job; repeatable",
    )


def add_place_flags(parser: argparse.ArgumentParser, *, ref: str) -> None:
    """Add the flags that say which commit is meant; `ref` words the default."""
    names = parser.add_mutually_exclusive_group()
    names.add_argument("--ref", metavar="R", help=f"branch, tag or commit (default: {ref})")
    names.add_argument("--tag", metavar="T", help="tag, instead of a branch")
    parser.add_argument(
        "--sha", type=commit_id, metavar="COMMIT", help="commit, of the ref or any other"
    )
    add_merge_request_flags(parser)
    add_changed_flags(parser)


@dataclass(frozen=True, slots=True)
class Place:
    """The commit that a pipeline is for.

    Attributes:
        ref: None when it was not given.
        sha: empty for the newest of the ref.
    """

    ref: str | None
    sha: str

    def conf(self, args: argparse.Namespace, source_branch: str | None) -> dict[str, Any]:
        """Build what the flags say of the commit; the branch is that of a merge request."""
        said: dict[str, Any] = {"ref": self.ref or None, "sha": self.sha or None}
        said["changed"] = changed(args)
        if args.mr_target is not None:
            said["source"] = "merge_request_event"
            said["merge_request"] = {
                "iid": 1 if args.merge_request is None else args.merge_request,
                "source_branch": source_branch,
                "target_branch": args.mr_target,
            }
        return {key: value for key, value in said.items() if value is not None}


def place(args: argparse.Namespace) -> Place:
    """Read which commit is meant.

    Raises:
        WrongUsage: a merge request lacks its target, or has another source.
        ConfigError: a flag has a value that no run can have.
    """
    check_merge_request(args)
    ref = f"refs/tags/{args.tag}" if args.tag else args.ref or args.sha
    found = Place(ref, args.sha if args.sha and args.sha != ref else "")
    check_conf(found.conf(args, args.ref))
    return found


def commit_id(given: str) -> str:
    """Read the id of a commit."""
    if not is_commit_id(given):
        raise argparse.ArgumentTypeError(f"'{quoted(given)}' is not a commit id of 40 hex digits")
    return given


def check_merge_request(args: argparse.Namespace) -> None:
    """Refuse flags of a merge request that contradict each other.

    Raises:
        WrongUsage: they do.
    """
    if args.merge_request is not None and args.merge_request < 1:
        raise WrongUsage(f"--merge-request {args.merge_request}: must be 1 or more")
    if args.merge_request is not None and args.mr_target is None:
        raise WrongUsage("--merge-request needs --mr-target, the target branch")
    if args.mr_target is not None and args.source not in (None, "merge_request_event"):
        message = f"--mr-target cannot be combined with --source {args.source}"
        raise WrongUsage(message)


def inputs(args: argparse.Namespace) -> dict[str, object]:
    """Read the inputs that files and flags give."""
    found: dict[str, object] = {}
    for file in args.inputs_file:
        found |= read_inputs(file)
    return found | dict(name_value("--input", given) for given in args.input)


def changed(args: argparse.Namespace) -> list[str] | None:
    """Read which files have changed; None when no flag says so."""
    found: list[str] | None = [] if args.no_changed else args.changed
    return found


def variables(args: argparse.Namespace) -> dict[str, str]:
    """Read the variables that files and flags give."""
    found: dict[str, str] = {}
    for file in args.variables_file:
        found |= read_variables(file)
    return found | dict(name_value("--var", given) for given in args.var)


def conf(args: argparse.Namespace) -> dict[str, Any]:
    """Build what the flags ask for.

    Raises:
        ConfigError: a flag has a value that no run can have.
        WrongUsage: flags contradict each other, or a file of values cannot be read.
    """
    if args.no_needs and not (args.job or args.stage):
        raise WrongUsage("--no-needs needs --job or --stage")
    asked = {
        "source": args.source or args.usual_source,
        "variables": variables(args),
        "inputs": inputs(args),
        "jobs": args.job,
        "stages": args.stage,
        "no_needs": args.no_needs,
        "manual": args.manual,
    }
    found = {key: value for key, value in asked.items() if value}
    check_conf(found)
    return found
