"""Checks of names, labels and annotations, in the words of the API server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.meta import Obj

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_LONGEST_ANNOTATIONS = 1 << 18


def metadata_causes(metadata: Obj) -> list[Obj]:
    """List what is wrong with names, labels and annotations."""
    name = metadata.get("name", "")
    causes = []
    if len(name) > _LONGEST_NAME:
        rule = f"must be no more than {_LONGEST_NAME} characters"
        causes.append(errors.cause("Invalid", f'Invalid value: "{name}": {rule}', "metadata.name"))
    elif not _SUBDOMAIN.fullmatch(name):
        message = f'Invalid value: "{name}": {_SUBDOMAIN_RULE}'
        causes.append(errors.cause("Invalid", message, "metadata.name"))
    causes += [
        errors.cause("Invalid", f'Invalid value: "{text}": {rule}', "metadata.labels")
        for text, rule in _wrong_labels(metadata.get("labels") or {})
    ]
    annotations = metadata.get("annotations") or {}
    if sum(len(key) + len(value) for key, value in annotations.items()) > _LONGEST_ANNOTATIONS:
        message = f"Too long: may not be more than {_LONGEST_ANNOTATIONS} bytes"
        causes.append(errors.cause("TooLong", message, "metadata.annotations"))
    return causes


def _wrong_labels(labels: Obj) -> Iterator[tuple[str, str]]:
    for key, value in labels.items():
        if not _LABEL_NAME.fullmatch(key.rpartition("/")[2]):
            yield key, _LABEL_NAME_RULE
        if len(value) > _LONGEST_LABEL:
            yield value, f"must be no more than {_LONGEST_LABEL} bytes"
        elif not _LABEL_VALUE.fullmatch(value):
            yield value, _LABEL_VALUE_RULE
