"""`gitlab-dags verify`: does a project mean here what it means on its GitLab server?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.configuration.request import gitlab_server

if TYPE_CHECKING:
    from gitlab_ci_provider.cli.configuration.agreement import Difference
    from gitlab_ci_provider.cli.configuration.server_side import Verified


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        help="compare what a project means here with what its GitLab server says",
        description="Compile the configuration of a project at one commit, have the lint API of "
        "its GitLab server do the same, and show where merged YAML and jobs differ. "
        "Exit code: 0 they agree, 1 they differ, 2 wrong usage.",
    )
    parser.add_argument("project", metavar="PROJECT", help="its path: group/project")
    parser.add_argument("--ref", metavar="R", help="branch, tag or commit (default: its default)")
    parser.add_argument(
        "--gitlab-url", metavar="URL", required=True, help="its server; the token is $GITLAB_TOKEN"
    )
    parser.add_argument(
        "--allow-remote",
        metavar="HOST",
        action="append",
        default=[],
        help="host that include:remote may read, or a pattern such as *.example.com; repeatable",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from gitlab_ci_provider.cli.configuration.agreement import differences
    from gitlab_ci_provider.cli.configuration.server_side import verify
    from gitlab_ci_provider.sources.remote import RemoteFiles

    remote = RemoteFiles(hosts=tuple(args.allow_remote))
    verified = verify(gitlab_server(args.gitlab_url), args.project, args.ref, remote)
    found = differences(verified.here, verified.gitlab)
    if args.json:
        output.say_json(_as_data(verified, found))
    else:
        _show(verified, found)
    return 1 if found else 0


def _show(verified: Verified, found: Sequence[Difference]) -> None:
    for one in verified.lock:
        output.note(f"included {one.file} at {one.sha}" + (f" ({one.asked})" if one.asked else ""))
    if not verified.here.valid:
        output.diagnostics(verified.diagnostics)
    for message in verified.gitlab.errors:
        output.note(f"GitLab: {message}")
    for difference in found:
        output.say(str(difference))
    jobs = len(verified.gitlab.jobs)
    where = f"{verified.project} at {verified.ref} ({verified.sha[:8]})"
    if found:
        output.say(f"{where}: {len(found)} difference{'s' * (len(found) != 1)}")
    elif verified.here.valid:
        output.say(f"{where}: the same merged YAML and the same {jobs} jobs")
    else:
        output.say(f"{where}: both refuse it")


def _as_data(verified: Verified, found: Sequence[Difference]) -> dict[str, object]:
    return {
        "project": verified.project,
        "ref": verified.ref,
        "sha": verified.sha,
        "agree": not found,
        "differences": [
            {"place": one.place, "here": one.here, "gitlab": one.gitlab} for one in found
        ],
        "errors": {"here": verified.here.errors, "gitlab": verified.gitlab.errors},
        "included": [
            {"file": one.file, "asked": one.asked, "version": one.version, "sha": one.sha}
            for one in verified.lock
        ],
    }
