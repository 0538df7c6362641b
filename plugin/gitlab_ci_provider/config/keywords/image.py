"""`image:` and `services:`: containers, as a name or a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gitlab_ci_provider.config.keywords.fields import (
    Field,
    flat_items,
    is_blank,
    is_integer,
    mapping,
    strings,
    strings_or_string,
    text,
)
from gitlab_ci_provider.config.keywords.schema_words import extra, not_of_kind, of_wrong_length
from gitlab_ci_provider.config.keywords.script import read_commands
from gitlab_ci_provider.config.keywords.variables import read_plain_variables
from gitlab_ci_provider.config.raw import Map, Node, Seq
from gitlab_ci_provider.model.image import PULL_POLICIES, Image, PullPolicy, Service
from gitlab_ci_provider.model.variables import Variables

IMAGE_KEYS = ("name", "entrypoint", "ports", "pull_policy", "docker", "kubernetes")
SERVICE_KEYS = (*IMAGE_KEYS, "command", "alias", "variables")
_DOCKER = {"platform": 64, "user": 255}
_KUBERNETES = {"user": 255}
"""The most characters of each option."""


def read_image(field: Field) -> Image | None:
    """Read `image:`."""
    if isinstance(field.value, str):
        _check_name(field, field.value)
        return Image(name=field.value)
    if not mapping(field, IMAGE_KEYS, "should be a hash or a string"):
        return None
    return _image(field)


def read_services(field: Field) -> tuple[Service, ...] | None:
    """Read `services:`."""
    if not isinstance(field.value, Seq):
        field.refuse("should be an array")
        return None
    read = (_service(item) for item in flat_items(field, "service"))
    return tuple(service for service in read if service)


def _service(field: Field) -> Service | None:
    if isinstance(field.value, str):
        _check_name(field, field.value)
        return Service(image=Image(name=field.value))
    if not mapping(field, SERVICE_KEYS, "should be a hash or a string"):
        return None
    image = _image(field)
    if image is None:
        return None
    return Service(
        image=image,
        aliases=_aliases(field.get("alias", text) or ""),
        command=field.read("command", read_commands),
        variables=field.read("variables", read_plain_variables) or Variables(),
    )


def _check_name(field: Field, name: Node) -> None:
    if is_blank(name):
        field.refuse_as("name can't be blank")


def _aliases(words: str) -> tuple[str, ...]:
    return tuple(words.replace(",", " ").split())


def _image(field: Field) -> Image | None:
    name = field.get("name", text)
    if isinstance(field.value, Map):
        if "ports" in field.value:
            field.refuse("contains disallowed keys: ports", hint="Only web terminals use ports.")
        _check_name(field, field.value.get("name"))
    docker = _executor_options(field, "docker", _DOCKER)
    kubernetes = _executor_options(field, "kubernetes", _KUBERNETES)
    if not name:
        return None
    return Image(
        name=name,
        entrypoint=field.get("entrypoint", strings),
        user=kubernetes.get("user"),
        pull_policies=field.read("pull_policy", _pull_policies) or (),
        docker_user=docker.get("user"),
        platform=docker.get("platform"),
    )


def _executor_options(field: Field, executor: str, allowed: Mapping[str, int]) -> dict[str, str]:
    """Read what one executor understands; user ids of Kubernetes may be numbers."""
    written = field.attribute(executor)
    if written is None:
        return {}
    entry = replace(written, subject=f"{field.label} executor opts")
    if not isinstance(entry.value, Map):
        entry.refuse(not_of_kind(f"/{executor}", "an object"))
        return {}
    options: dict[str, str] = {}
    for key, value in entry.value.items():
        path = f"/{executor}/{key}"
        if key not in allowed:
            entry.refuse(extra(path))
        elif executor == "kubernetes" and is_integer(value):
            options[key] = str(value)
        elif not isinstance(value, str):
            entry.refuse(not_of_kind(path, "a string"))
        elif not 0 < len(value) <= allowed[key]:
            entry.refuse(of_wrong_length(path, len(value), allowed[key]))
        else:
            options[key] = value
    return options


def _pull_policies(field: Field) -> tuple[PullPolicy, ...] | None:
    names = strings_or_string(field)
    if names is None:
        return None
    if not names:
        field.refuse("can't be blank")
    unknown = [name for name in names if name not in PULL_POLICIES]
    if unknown and isinstance(field.value, str):
        field.refuse("is not included in the list")
    elif unknown:
        field.refuse(f"contains unknown values: {', '.join(unknown)}")
    known = {policy: policy for policy in PULL_POLICIES}
    return tuple(known[name] for name in dict.fromkeys(names) if name in known)
