"""Stands in for `docker` and for `/kaniko/executor`: writes down what each would have pushed.

    docker_stand_in.py docker|executor FILE ARGUMENT...

FILE holds, as JSON, what is built and pushed, by name, and the logins. No daemon and no executor
can be had where the tests run; the options are those of their documentation.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

HUB = "https://index.docker.io/v1/"
State = dict[str, Any]


def docker(state: State, arguments: list[str]) -> None:
    """Do what docker would do."""
    while arguments[0].startswith("-"):
        arguments = arguments[2 if arguments[0] == "-l" else 1 :]
    if arguments[0] in ("buildx", "image"):
        arguments = arguments[3 if arguments[1] == "--builder" else 1 :]
    verb, *rest = arguments
    if verb == "login":
        _login(state, rest)
    elif verb == "build":
        _build(state, rest)
    elif verb == "tag":
        state["images"][_full(rest[1])] = state["images"][_full(rest[0])]
    elif verb == "push":
        _push(state, [word for word in rest if word not in ("--quiet", "--")])


def _login(state: State, arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-u", "--username")
    parser.add_argument("-p", "--password")
    parser.add_argument("--password-stdin", action="store_true")
    parser.add_argument("registry", nargs="?", default=HUB)
    given = parser.parse_args(arguments)
    password = sys.stdin.read().rstrip("\n") if given.password_stdin else given.password
    registry = HUB if given.registry == "docker.io" else given.registry
    state["logins"][registry] = f"{given.username}:{password}"


def _build(state: State, arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-t", "--tag", action="append", default=[])
    parser.add_argument("-f", "--file")
    parser.add_argument("--build-arg", action="append", default=[])
    parser.add_argument("--label", action="append", default=[])
    for name in ("--secret", "--cache-from", "--cache-to", "--builder", "--progress", "--network"):
        parser.add_argument(name, action="append", default=[])
    for name in ("--target", "--platform", "--provenance", "--sbom"):
        parser.add_argument(name, default="")
    for name in ("--push", "--pull", "--no-cache", "--rm", "--quiet"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("context")
    given = parser.parse_args(_with_values(arguments))
    file = given.file or os.path.join(given.context, "Dockerfile")  # noqa: PTH118 - as docker does
    built = {
        "context": os.path.realpath(given.context),
        "dockerfile": os.path.realpath(file),
        "args": sorted(filter(None, map(_build_arg, given.build_arg))),
        "labels": sorted(given.label),
        "secrets": given.secret,
        "target": given.target,
        "platform": given.platform,
    }
    state["images"] |= dict.fromkeys(map(_full, given.tag), built)
    if given.push:
        _push(state, given.tag)


def _with_values(arguments: list[str]) -> list[str]:
    """Join options to values that look like options, which argparse would not take."""
    found: list[str] = []
    for word in arguments:
        if found and found[-1] in ("-t", "--target", "--label", "--build-arg"):
            found[-1] = f"{found[-1]}={word}" if found[-1] != "-t" else f"--tag={word}"
        else:
            found.append(word)
    return found


def _build_arg(text: str) -> str | None:
    if text.startswith("BUILDKIT_INLINE_CACHE="):
        return None
    if "=" in text:
        return text
    return f"{text}={os.environ[text]}" if text in os.environ else None


def _push(state: State, names: list[str]) -> None:
    if names[0] in ("-a", "--all-tags"):
        names = [name for name in state["images"] if name.startswith(f"{names[1]}:")]
    for name in names:
        state["pushed"][_full(name)] = [state["images"][_full(name)], _login_of(state, name)]


def _full(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def executor(state: State, arguments: list[str]) -> None:
    """Do what the executor would do: every argument is an option with its value, or a switch."""
    values: dict[str, list[str]] = {}
    for word in arguments:
        name, _, value = word.partition("=")
        values.setdefault(name, []).append(value)
    allowed = {"--context", "--dockerfile", "--destination", "--build-arg", "--label", "--target"}
    allowed |= {"--custom-platform", "--secret", "--cache", "--cleanup", "--no-push"}
    allowed |= {"--compressed-caching", "--registry-mirror"}
    allowed |= {"--insecure-registry", "--skip-tls-verify-registry"}
    assert set(values) <= allowed, values
    built = {
        "context": os.path.realpath(values["--context"][0].removeprefix("dir://")),
        "dockerfile": os.path.realpath(values["--dockerfile"][0]),
        "args": sorted(values.get("--build-arg", [])),
        "labels": sorted(values.get("--label", [])),
        "secrets": values.get("--secret", []),
        "target": values.get("--target", [""])[0],
        "platform": values.get("--custom-platform", [""])[0],
    }
    config = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    if config.exists():
        auths = json.loads(config.read_text())["auths"]
        logins = {host: base64.b64decode(entry["auth"]).decode() for host, entry in auths.items()}
        state["logins"] |= logins
    for name in values.get("--destination", []):
        state["pushed"][_full(name)] = [built, _login_of(state, name)]


def _login_of(state: State, name: str) -> str | None:
    """Return the login with which an image is pushed."""
    host = name.partition("/")[0]
    return state["logins"].get(host if "." in host else HUB)


if __name__ == "__main__":
    program, file, *words = sys.argv[1:]
    kept = Path(file)
    empty: State = {"images": {}, "pushed": {}, "logins": {}}
    seen = json.loads(kept.read_text()) if kept.exists() else empty
    {"docker": docker, "executor": executor}[program](seen, words)
    kept.write_text(json.dumps(seen))
