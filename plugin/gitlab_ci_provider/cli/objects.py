"""The object store and the state that a command works on: the embedded stack's, or any others.

Keys come from the environment and from AWS' own files only: every user of a machine can see
arguments.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli.repositories import find_project
from gitlab_ci_provider.cli.usage import WrongUsage

if TYPE_CHECKING:
    from gitlab_ci_provider.model.project import Project
    from gitlab_ci_provider.state import State
    from gitlab_ci_provider.storage.shelf import ObjectShelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a command works on."""

    shelf: ObjectShelf
    state: State

    def project(self, given: str) -> Project:
        """Find the project of a folder, a URL or a path such as `group/project`."""
        return find_project(self.state.snapshots, given)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that select the object store and the state."""
    flags = parser.add_argument_group(
        "which object store (default: the embedded stack's)",
        "The keys are those of boto3: $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY, ~/.aws, or a "
        "role.",
    )
    flags.add_argument("--store", metavar="s3://BUCKET/PREFIX", help="bucket, and prefix of keys")
    flags.add_argument("--endpoint-url", metavar="URL", help="address of the store (default: AWS)")
    flags.add_argument("--region", default="us-east-1", help="of the bucket (default: us-east-1)")
    flags.add_argument("--ca-bundle", metavar="FILE", default="", help="certificates of the store")
    flags.add_argument(
        "--home", type=Path, help="[gitlab_ci] home of the Airflow (default: that of the stack)"
    )


def stored(args: argparse.Namespace) -> Stored:
    """Open the selected object store and state.

    Raises:
        WrongUsage: only one of them is given.
    """
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.state import open_state

    home = default_home()
    if bool(args.store) != bool(args.home):
        raise WrongUsage("give both --store and --home, or neither for the embedded stack")
    state = open_state(home_settings(args.home or home.data))
    return Stored(shelf=_shelf(args), state=state)


def _shelf(args: argparse.Namespace) -> ObjectShelf:
    if not args.store:
        from gitlab_ci_provider.local.home import default_home
        from gitlab_ci_provider.local.objects import embedded_shelf

        return embedded_shelf(default_home())
    from gitlab_ci_provider.model.object_store import StoreTarget
    from gitlab_ci_provider.storage.s3 import S3Store

    scheme, _, place = args.store.partition("://")
    bucket, _, prefix = place.partition("/")
    if scheme != "s3" or not bucket:
        raise WrongUsage(f"--store is {args.store!r}: write s3://BUCKET or s3://BUCKET/PREFIX")
    prefix = prefix.strip("/")
    target = StoreTarget(
        bucket=bucket,
        prefix=f"{prefix}/" if prefix else "",
        endpoint_url=args.endpoint_url or "",
        region=args.region,
        ca_bundle=args.ca_bundle,
    )
    return S3Store(target)
