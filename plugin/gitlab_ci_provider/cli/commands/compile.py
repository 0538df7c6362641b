"""`gitlab-dags compile`: what a configuration means in one context."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.configuration.compiled import Compiled, as_object, compile_request
from gitlab_ci_provider.cli.configuration.request import Request
from gitlab_ci_provider.cli.run_flags import (
    add_changed_flags,
    add_merge_request_flags,
    add_value_flags,
    changed,
    check_merge_request,
    commit_id,
    inputs,
    variables,
)
from gitlab_ci_provider.exceptions import ConfigError, GitlabCiError
from gitlab_ci_provider.model.conf import check_conf
from gitlab_ci_provider.model.context import PipelineSource
from gitlab_ci_provider.model.diagnostic import errors_in


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compile",
        help="show which jobs a .gitlab-ci.yml has, and why",
        description="Compile a .gitlab-ci.yml and show which jobs a pipeline gets in one context "
        "(ref, source, variables), and why. Exit code: 0 valid, 1 not valid, 2 wrong usage.",
    )
    parser.add_argument("path", nargs="?", default=".", help="directory or file (default: here)")
    add_context_flags(parser)
    add_source_flags(parser)
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print the result as JSON")
    shown.add_argument(
        "--explain", metavar="JOB", help="show where each keyword of a job comes from"
    )
    shown.add_argument(
        "--merged", action="store_true", help="print the YAML with includes and extends resolved"
    )
    parser.add_argument(
        "--json-lines",
        action="store_true",
        help="read a JSON request per line from standard input, answer each with a line of JSON",
    )
    parser.set_defaults(run=run, failed=refused)


def add_context_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what the pipeline is for."""
    flags = parser.add_argument_group("context")
    flags.add_argument("--ref", metavar="R", help="branch (default: what is checked out)")
    flags.add_argument("--tag", metavar="T", help="tag, instead of a branch")
    flags.add_argument(
        "--source",
        metavar="S",
        choices=get_args(PipelineSource),
        help="CI_PIPELINE_SOURCE (default: push)",
    )
    flags.add_argument(
        "--sha", type=commit_id, metavar="COMMIT", help="commit of the ref (default: the newest)"
    )
    add_merge_request_flags(flags)
    flags.add_argument(
        "--default-branch", metavar="B", default="main", help="of the project (default: main)"
    )
    add_value_flags(flags)
    add_changed_flags(flags)


def add_source_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that allow includes from outside the repository."""
    flags = parser.add_argument_group(
        "includes from outside the repository (default: none are read)"
    )
    flags.add_argument(
        "--gitlab-url",
        metavar="URL",
        help="GitLab server of projects, components and templates; the token is $GITLAB_TOKEN",
    )
    flags.add_argument(
        "--allow-remote",
        metavar="HOST",
        action="append",
        default=[],
        help="host that include:remote may read, or a pattern such as *.example.com; repeatable",
    )


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.json_lines:
        return _answer_lines()
    compiled = compile_request(request_of(args, Path(args.path)))
    if args.json:
        output.say_json(as_object(compiled), indent=2 if sys.stdout.isatty() else None)
    elif args.merged:
        _show_merged(compiled)
    elif args.explain:
        _show_origin(compiled, args.explain)
    else:
        _show(compiled)
    return 0 if compiled.valid else 1


def _show(compiled: Compiled) -> None:
    from gitlab_ci_provider.cli.configuration.table import lines

    output.diagnostics(compiled.diagnostics)
    for line in lines(compiled):
        output.say(line)


def _show_merged(compiled: Compiled) -> None:
    from gitlab_ci_provider.cli.configuration.merged import as_yaml

    output.diagnostics(compiled.diagnostics)
    if compiled.result.config:
        output.say(as_yaml(compiled.result.config.tree))


def _show_origin(compiled: Compiled, job: str) -> None:
    from gitlab_ci_provider.cli.configuration.explain import lines

    output.diagnostics(errors_in(compiled.diagnostics))
    for line in lines(compiled, job):
        output.say(line)


def request_of(args: argparse.Namespace, path: Path) -> Request:
    """Read the context flags.

    Raises:
        ConfigError: a flag has a value that no pipeline can have.
        WrongUsage: flags contradict each other.
    """
    check_merge_request(args)
    given = variables(args)
    target = {"target_branch": args.mr_target}
    check_conf({"ref": args.tag or args.ref, "merge_request": target, "variables": given})
    return Request(
        path=path,
        ref=args.ref,
        tag=args.tag,
        source=args.source,
        sha=args.sha,
        mr_target=args.mr_target,
        merge_request=args.merge_request,
        default_branch=args.default_branch,
        variables=given,
        inputs=inputs(args),
        changed=changed(args),
        gitlab_url=args.gitlab_url,
        remote_hosts=args.allow_remote,
    )


def _answer_lines() -> int:
    gc.enable()
    for line in sys.stdin:
        if line.strip():
            output.say_json(answer(line))
            output.flush()
    return 0


def answer(line: str) -> dict[str, object]:
    """Answer one request of `--json-lines`, even if it is invalid."""
    try:
        return as_object(compile_request(_request(_asked(line))))
    except (GitlabCiError, OSError, ValueError, TypeError) as problem:
        return refused(f"{problem}")
    except Exception as problem:  # noqa: BLE001 - the requests after this one want answers, too
        from gitlab_ci_provider.cli.crash_report import unexpected

        return refused(unexpected("compile", problem))


def refused(message: str) -> dict[str, object]:
    """Answer that nothing could be compiled."""
    return {"valid": False, "error": message, "diagnostics": []}


def _asked(line: str) -> dict[str, object]:
    asked = json.loads(line)
    if not isinstance(asked, dict) or "path" not in asked:
        raise ConfigError('a request must be an object with a "path"')
    return asked


def _request(asked: Mapping[str, object]) -> Request:
    """Read one request; keys are the flags' names, or those of the conformance cases' context."""
    tag = asked.get("tag") or (asked.get("ref") if asked.get("ref_type") == "tag" else None)
    changed = asked.get("changed", asked.get("changed_files"))
    target = asked.get("mr_target", asked.get("target_branch"))
    return Request(
        path=Path(str(asked["path"])),
        ref=_text(asked.get("ref")),
        tag=_text(tag),
        source=_text(asked.get("source")),
        sha=_text(asked.get("sha")),
        mr_target=_text(target),
        default_branch=str(asked.get("default_branch") or "main"),
        variables={
            name: str(value)
            for name, value in _mapping(asked.get("variables", asked.get("var"))).items()
        },
        inputs=_mapping(asked.get("inputs", asked.get("input"))),
        changed=[] if asked.get("no_changed") else _texts(changed),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _texts(value: object) -> Sequence[str] | None:
    return [str(item) for item in value] if isinstance(value, list) else None


def _mapping(value: object) -> dict[str, object]:
    if isinstance(value, list):
        pairs = (str(item).partition("=") for item in value)
        return {name: text for name, _, text in pairs}
    return dict(value) if isinstance(value, dict) else {}
