"""`gitlab-dags webhooks`: have GitLab report pushes to an Airflow."""

from __future__ import annotations

import argparse
import base64
import os
import secrets
from dataclasses import asdict
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.airflow import URL
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import SettingsError

if TYPE_CHECKING:
    from gitlab_ci_provider.gitlab_api.server import GitLabServer
    from gitlab_ci_provider.gitlab_api.webhooks import WebhookAddress


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "webhooks",
        help="have GitLab report pushes to an Airflow",
        description="Install, list or remove the webhook of a project, or of a group for all of "
        "its projects. Address, token and secrets are those of an Airflow connection.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, words in (
        ("install", "make it, or change it so that it fits"),
        ("list", "list those that go to an Airflow"),
        ("remove", "remove it"),
    ):
        action = actions.add_parser(name, help=words, description=f"Webhooks: {words}.")
        action.add_argument("path", metavar="GROUP_OR_PROJECT", help="its path in GitLab")
        action.add_argument(
            "--conn-id",
            metavar="ID",
            default="gitlab_default",
            help="connection to GitLab (default: gitlab_default)",
        )
        action.add_argument("--json", action="store_true", help="print the result as JSON")
        if name != "list":
            action.add_argument(
                "--airflow-url",
                metavar="URL",
                help=f"address at which GitLab reaches Airflow (default: ${URL})",
            )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from gitlab_ci_provider.gitlab_api.webhooks import install, installed, remove

    server, address = _connected(args)
    if args.action == "install":
        found = install(server, args.path, address)
    elif args.action == "list":
        found = installed(server, args.path)
    else:
        found = remove(server, args.path, address.url)
    if args.json:
        output.say_json({"webhooks": [asdict(webhook) for webhook in found]})
        return 0
    for webhook in found:
        output.say(f"removed {webhook}" if args.action == "remove" else str(webhook))
    if args.action == "install" and found and not any(hook.is_of(args.path) for hook in found):
        output.note(
            f"GitLab gives this token no webhooks of the group {args.path}: each of its projects "
            "has one. Install them again for new projects"
        )
    if not found:
        output.note(f"{args.path} has no such webhook")
    return 0


def _connected(args: argparse.Namespace) -> tuple[GitLabServer, WebhookAddress]:
    from gitlab_ci_provider.gitlab_api.webhook_signature import check_token, signing_key
    from gitlab_ci_provider.gitlab_api.webhooks import WebhookAddress
    from gitlab_ci_provider.hooks.database import with_database
    from gitlab_ci_provider.hooks.webhook_secrets import given_connection

    with with_database():
        server, signing, token = given_connection(args.conn_id)
    signing_key(signing)
    check_token(token)
    url = getattr(args, "airflow_url", None) or os.environ.get(URL, "")
    if args.action != "list" and not url:
        raise WrongUsage(f"give the address of the Airflow with --airflow-url or ${URL}")
    if args.action == "install" and not (signing or token):
        made = base64.b64encode(secrets.token_bytes(32)).decode()
        words = (
            f"connection '{args.conn_id}' has no secret for webhooks: put one into its extra, for "
            f'example {{"webhook_signing_token": "whsec_{made}"}}'
        )
        raise SettingsError(words)
    address = WebhookAddress(
        airflow_url=url, conn_id=args.conn_id, signing_token=signing, token=token
    )
    return server, address
