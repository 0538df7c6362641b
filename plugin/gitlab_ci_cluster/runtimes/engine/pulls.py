"""Images of the engine: find one, or pull it and tell how far that is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gitlab_ci_cluster.runtimes.engine.client import EngineClient, EngineError
from gitlab_ci_cluster.runtimes.engine.names import canonical, local_name
from gitlab_ci_cluster.runtimes.interface import Image, Login, PullError

_MEBIBYTE = 1 << 20


async def find_image(client: EngineClient, name: str) -> Image | None:
    """Find an image by its full name, else as Podman names one that was built here.

    Raises:
        EngineError: the engine does not answer.
    """
    for reference in (canonical(name), local_name(name)):
        if reference is not None and (found := await _inspect(client, reference)):
            return found
    return None


async def _inspect(client: EngineClient, reference: str) -> Image | None:
    try:
        found = await client.call("GET", f"images/{quote(reference, safe='/:@')}/json")
    except EngineError as error:
        if error.status == 404:
            return None
        raise
    config = found.get("Config") or {}
    return Image(id=found["Id"], size=int(found.get("Size") or 0), user=config.get("User") or "")


async def pull_image(
    client: EngineClient, name: str, logins: Sequence[Login], say: Callable[[str], None]
) -> Image:
    """Pull an image, with each login in turn until one is accepted, without any if there is none.

    Raises:
        PullError: all are refused, or the image is not there.
    """
    reference = canonical(name)
    problem: PullError | None = None
    for login in logins or (None,):
        try:
            await _pull(client, reference, login, say)
        except PullError as error:
            problem = problem or error
        else:
            found = await _inspect(client, reference)
            if found is None:
                raise PullError(f"the engine has pulled {reference}, and does not have it")
            return found
    raise problem or PullError(f"{reference} was not pulled")


async def _pull(
    client: EngineClient, reference: str, login: Login | None, say: Callable[[str], None]
) -> None:
    headers = {"X-Registry-Auth": _encoded(login)} if login else {}
    progress = Progress()
    try:
        async for line in client.lines("images/create", {"fromImage": reference}, headers):
            if problem := pull_problem(line):
                raise PullError(problem)
            progress.add(line)
            if progress.text:
                say(progress.text)
    except EngineError as error:
        raise PullError(str(error)) from error


def pull_problem(line: Mapping[str, Any]) -> str:
    """Read why a pull has failed; empty in every other line. Podman knows only the older word."""
    detail = line.get("errorDetail") or {}
    return str(detail.get("message") or line.get("error") or "").strip()


def _encoded(login: Login) -> str:
    said = {
        "username": login.username,
        "password": login.password,
        "serveraddress": login.server,
    }
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


@dataclass(slots=True)
class Progress:
    """How much of an image has come, by the lines that the engine writes while it pulls."""

    _layers: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, line: Mapping[str, Any]) -> None:
        """Take the next line."""
        detail = line.get("progressDetail") or {}
        if "total" in detail and line.get("status") == "Downloading":
            self._layers[str(line.get("id"))] = (detail.get("current", 0), detail["total"])
        elif line.get("status") in {"Download complete", "Pull complete"}:
            _, total = self._layers.get(str(line.get("id")), (0, 0))
            self._layers[str(line.get("id"))] = (total, total)

    @property
    def text(self) -> str:
        """Say it to a person; empty as long as nothing is known."""
        total = sum(size for _, size in self._layers.values())
        if not total:
            return ""
        done = sum(current for current, _ in self._layers.values())
        return f"{done // _MEBIBYTE} of {total // _MEBIBYTE} MiB"
