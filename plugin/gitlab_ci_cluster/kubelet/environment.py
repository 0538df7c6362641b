"""Environment variables and command lines of containers: references and `$(NAME)`."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.quantity import parse_quantity

Lookup = Callable[[str, str], Obj | None]
"""From plural and name to a Secret or ConfigMap of the pod's namespace."""

_REFERENCE = re.compile(r"\$(\$)|\$\(([^)]*)\)")
_FIELD_KEY = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
_VARIABLE_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


class ConfigError(ClusterError):
    """A container refers to what is not there (yet)."""


def environment(pod: Obj, container: Obj, lookup: Lookup) -> dict[str, str]:
    """Gather the variables of a container.

    Raises:
        ConfigError: a Secret, ConfigMap or key is missing; worded as the kubelet does.
    """
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        variables |= _from_source(source, lookup)
    for entry in container.get("env", []):
        if "valueFrom" in entry:
            value = _from_reference(entry["valueFrom"], pod, container, lookup)
            if value is not None:
                variables[entry["name"]] = value
        else:
            variables[entry["name"]] = expand(entry.get("value") or "", variables)
    return variables


def command_line(container: Obj, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Join command and args, with `$(NAME)` replaced."""
    words = [*container.get("command", []), *container.get("args", [])]
    return tuple(expand(word, variables) for word in words)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(NAME)` where the variable is known; `$$` is a dollar sign."""

    def replace(match: re.Match[str]) -> str:
        if match.group(1):
            return "$"
        return variables.get(match.group(2), match.group(0))

    return _REFERENCE.sub(replace, text)


def _from_source(source: Obj, lookup: Lookup) -> dict[str, str]:
    plural, kind, reference = (
        ("secrets", "secret", source["secretRef"])
        if "secretRef" in source
        else ("configmaps", "configmap", source["configMapRef"])
    )
    obj = lookup(plural, reference["name"])
    if obj is None:
        if reference.get("optional"):
            return {}
        raise ConfigError(f'{kind} "{reference["name"]}" not found')
    prefix = source.get("prefix", "")
    values = {key: value.decode(errors="replace") for key, value in data_of(obj).items()}
    return {f"{prefix}{key}": value for key, value in values.items() if _VARIABLE_NAME.match(key)}


def _from_reference(value_from: Obj, pod: Obj, container: Obj, lookup: Lookup) -> str | None:
    if "fieldRef" in value_from:
        return field_value(pod, value_from["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in value_from:
        return resource_value(container, value_from["resourceFieldRef"])
    plural, kind = "configmaps", "configmap"
    reference = value_from.get("configMapKeyRef")
    if reference is None:
        plural, kind, reference = "secrets", "secret", value_from["secretKeyRef"]
    return _from_key(plural, kind, reference, pod, lookup)


def _from_key(plural: str, kind: str, reference: Obj, pod: Obj, lookup: Lookup) -> str | None:
    name, key = reference["name"], reference["key"]
    obj = lookup(plural, name)
    if obj is not None and key in data_of(obj):
        return data_of(obj)[key].decode(errors="replace")
    if reference.get("optional"):
        return None
    if obj is None:
        raise ConfigError(f'{kind} "{name}" not found')
    where = f"{pod['metadata']['namespace']}/{name}"
    shown = "Secret" if kind == "secret" else "ConfigMap"
    raise ConfigError(f"couldn't find key {key} in {shown} {where}")


def data_of(obj: Obj) -> dict[str, bytes]:
    """Read the data of a Secret or ConfigMap."""
    binary = obj.get("data") if obj["kind"] == "Secret" else obj.get("binaryData")
    data = {key: base64.b64decode(value or "") for key, value in (binary or {}).items()}
    if obj["kind"] == "ConfigMap":
        data |= {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return data


def field_value(pod: Obj, path: str) -> str:
    """Read a field of the pod for the downward API."""
    match = _FIELD_KEY.fullmatch(path)
    if match:
        return str((pod["metadata"].get(match.group(1)) or {}).get(match.group(2), ""))
    if path in {"metadata.labels", "metadata.annotations"}:
        values = pod["metadata"].get(path.partition(".")[2]) or {}
        return "\n".join(f'{key}="{_quote(value)}"' for key, value in sorted(values.items()))
    if path in {"status.podIPs", "status.hostIPs"}:
        return ",".join(address["ip"] for address in pod["status"].get(path.partition(".")[2], []))
    value: object = pod
    for name in path.split("."):
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    return str(value)


def _quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def resource_value(container: Obj, reference: Obj) -> str:
    """Read a request or limit for the downward API; 0 where none is set."""
    group, _, name = reference["resource"].partition(".")
    amount = parse_quantity(container.get("resources", {}).get(group, {}).get(name, "0"))
    divisor = parse_quantity(reference.get("divisor") or "1") or 1
    return str(-(-amount // divisor))
