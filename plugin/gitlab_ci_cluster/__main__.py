"""`python -m gitlab_ci_cluster`: run the embedded cluster in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from gitlab_ci_cluster.daemon.run import DaemonConfig, run
from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.runtimes.known import RuntimeName

_IMAGE_MAP = "GITLAB_CI_CLUSTER_IMAGE_MAP"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped and return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        image_map = options.image_map or _split_map(os.environ.get(_IMAGE_MAP, ""))
    except argparse.ArgumentTypeError as error:
        parser.error(f"{_IMAGE_MAP}: {error}")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    config = DaemonConfig(
        directory=options.dir.absolute(),
        host=options.host,
        port=options.port,
        runtime=options.runtime,
        paths=dict(options.path_for_image),
        hidden=tuple(path.absolute() for path in options.hide),
        faults=options.faults,
        image_map=tuple(image_map),
        warm=dict(options.warm),
    )
    try:
        asyncio.run(run(config))
    except ClusterError as error:
        sys.stderr.write(f"embedded cluster: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gitlab_ci_cluster", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="state; kubeconfig goes here")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--runtime", choices=get_args(RuntimeName), default="auto")
    _add_image_options(parser)
    parser.add_argument(
        "--warm",
        type=_warm_program,
        action="append",
        default=[],
        metavar="PROGRAM=MODULE:FUNCTION",
        help="keep a program that is written in Python imported, so that it starts at once",
    )
    parser.add_argument(
        "--faults",
        type=Path,
        default=os.environ.get("GITLAB_CI_CLUSTER_FAULTS") or None,
        help="file that says how to misbehave, for tests; default $GITLAB_CI_CLUSTER_FAULTS",
    )
    parser.add_argument(
        "--hide",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a directory that no container may see, like that of --dir",
    )
    return parser


def _warm_program(text: str) -> tuple[str, str]:
    path, equals, function = text.rpartition("=")
    if not equals or not path or ":" not in function:
        raise argparse.ArgumentTypeError(f"{text!r} is not PROGRAM=MODULE:FUNCTION")
    return path, function


def _add_image_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--path-for-image",
        type=_image_path,
        action="append",
        default=[],
        metavar="IMAGE=DIR",
        help="put DIR first into PATH in containers of IMAGE",
    )
    parser.add_argument(
        "--image-map",
        type=_image_path,
        action="append",
        default=[],
        metavar="PATTERN=IMAGE",
        help=f"take IMAGE for images that fit PATTERN; default ${_IMAGE_MAP}, separated by commas",
    )


def _split_map(text: str) -> list[tuple[str, str]]:
    return [_image_path(entry.strip()) for entry in text.split(",") if entry.strip()]


def _image_path(text: str) -> tuple[str, str]:
    image, equals, path = text.rpartition("=")
    if not equals or not image or not path:
        raise argparse.ArgumentTypeError(f"{text!r} has no name on each side of a `=`")
    return image, path


if __name__ == "__main__":
    sys.exit(main())
