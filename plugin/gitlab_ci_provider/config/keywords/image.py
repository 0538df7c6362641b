"""`image:` and `services:`: containers, as a name or a mapping."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import (
    Field,
    is_integer,
    mapping,
    strings,
    text,
)
from gitlab_ci_provider.config.keywords.variables import read_plain_variables
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.model.image import Image, PullPolicy, Service

IMAGE_KEYS = ("name", "entrypoint", "ports", "pull_policy", "docker", "kubernetes")
SERVICE_KEYS = (*IMAGE_KEYS, "command", "alias", "variables")
PULL_POLICIES: tuple[PullPolicy, ...] = ("always", "never", "if-not-present")


def read_image(field: Field) -> Image | None:
    """Read `image:`."""
    if isinstance(field.value, str):
        if not field.value:
            field.refuse("can't be blank")
        return Image(name=field.value)
    if not mapping(field, IMAGE_KEYS, "should be a hash or a string"):
        return None
    return _image(field)


def read_services(field: Field) -> tuple[Service, ...] | None:
    """Read `services:`."""
    if not isinstance(field.value, Seq):
        field.refuse("should be an array")
        return None
    read = (_service(item) for item in field.items("service"))
    return tuple(service for service in read if service)


def _service(field: Field) -> Service | None:
    if isinstance(field.value, str):
        if not field.value:
            field.refuse("can't be blank")
        return Service(image=Image(name=field.value))
    if not mapping(field, SERVICE_KEYS, "should be a hash or a string"):
        return None
    image = _image(field)
    if image is None:
        return None
    return Service(
        image=image,
        aliases=_aliases(field.get("alias", text) or ""),
        command=field.get("command", strings),
        variables=field.read("variables", read_plain_variables) or (),
    )


def _aliases(words: str) -> tuple[str, ...]:
    return tuple(words.replace(",", " ").split())


def _image(field: Field) -> Image | None:
    name = field.get("name", text)
    if isinstance(field.value, Map):
        if "ports" in field.value:
            field.refuse("contains disallowed keys: ports", hint="Only web terminals use ports.")
        if field.value.get("name") in (None, ""):
            field.refuse_as("name can't be blank")
    docker = field.get("docker", lambda entry: _executor_options(entry, ("platform", "user")))
    kubernetes = field.get("kubernetes", lambda entry: _executor_options(entry, ("user",)))
    if not name:
        return None
    return Image(
        name=name,
        entrypoint=field.get("entrypoint", strings),
        user=(kubernetes or {}).get("user"),
        pull_policies=field.get("pull_policy", _pull_policies) or (),
        docker_user=(docker or {}).get("user"),
        platform=(docker or {}).get("platform"),
    )


def _executor_options(field: Field, allowed: tuple[str, ...]) -> dict[str, str] | None:
    if not isinstance(field.value, Map):
        field.refuse("must be a valid json schema: not a hash")
        return None
    field.only(allowed)
    options: dict[str, str] = {}
    for key in field.value:
        value = field.value[key]
        if (isinstance(value, str) and value) or (key == "user" and is_integer(value)):
            options[key] = str(value)
        elif key in allowed:
            field.refuse(f"must be a valid json schema: {key} is not a string")
    return options


def _pull_policies(field: Field) -> tuple[PullPolicy, ...] | None:
    values = field.value if isinstance(field.value, Seq) else [field.value]
    policies = tuple(policy for policy in PULL_POLICIES for value in values if value == policy)
    unknown = [str(value) for value in values if value not in PULL_POLICIES]
    if unknown or not values:
        field.refuse(f"unknown value: {', '.join(unknown)}")
        return None
    order = [str(value) for value in values]
    return tuple(sorted(set(policies), key=order.index))
