"""`variables:` of the file, of a job and of a rule."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from gitlab_ci_provider.config.keywords.fields import Field, boolean, is_integer, strings
from gitlab_ci_provider.config.raw import Map, Node
from gitlab_ci_provider.config.scalars import to_ruby_text
from gitlab_ci_provider.model.variables import Variable, Variables

GLOBAL_DATA = ("value", "description", "options", "expand")
JOB_DATA = ("value", "expand")


def read_global_variables(field: Field) -> Variables | None:
    """Read the file's variables, which may carry what the run form needs."""
    return _read(field, GLOBAL_DATA)


def read_job_variables(field: Field) -> Variables | None:
    """Read a job's variables."""
    return _read(field, JOB_DATA)


def read_plain_variables(field: Field) -> Variables | None:
    """Read variables that are plain values, as in `rules:variables`."""
    return _read(field, ())


def _read(field: Field, data_keys: Collection[str]) -> Variables | None:
    if not isinstance(field.value, Map):
        field.refuse("should be a hash")
        return None
    if not data_keys:
        _refuse_nulls(field, field.value)
    read = (_variable(name, field.entry(name), data_keys) for name in field.value)
    return Variables(variable for variable in read if variable)


def _refuse_nulls(field: Field, values: Map) -> None:
    for name, value in values.items():
        if value is None:
            words = f"{field.label}:{name} config must be a string"
            field.diagnostics.error("keyword-invalid", words, values.place(name))


def _variable(name: str, field: Field | None, data_keys: Collection[str]) -> Variable | None:
    if field is None:
        return Variable(name=name, value="")
    if _is_scalar(field.value):
        return Variable(name=name, value=_text(field.value))
    if not isinstance(field.value, Map) or not data_keys:
        _refuse_shape(field)
        return None
    return _from_data(name, field, data_keys)


def _refuse_shape(field: Field) -> None:
    if isinstance(field.value, Map):
        field.refuse("must be a string")
    else:
        field.refuse("variable definition must be either a string or a hash")


def _from_data(name: str, field: Field, data_keys: Collection[str]) -> Variable | None:
    data = field.value if isinstance(field.value, Map) else Map(field.mark)
    extra = [key for key in data if key not in data_keys]
    if extra:
        field.refuse(f"uses invalid data keys: {', '.join(extra)}")
        return None
    inner = replace(field, label=field.subject)
    expand = inner.get("expand", boolean)
    options = inner.get("options", strings) or ()
    value = inner.get("value", _value)
    if options and value not in options:
        field.refuse("value must be present in options", hint="Add the value to `options`.")
    return Variable(
        name=name,
        value=value or "",
        expand=expand is not False,
        description=inner.get("description", _description),
        options=options,
    )


def _value(field: Field) -> str | None:
    if _is_scalar(field.value):
        return _text(field.value)
    field.refuse("must be a scalar")
    return None


def _description(field: Field) -> str | None:
    if isinstance(field.value, str) or is_integer(field.value):
        return str(field.value)
    field.refuse("must be an alphanumeric string")
    return None


def _is_scalar(value: Node) -> bool:
    return isinstance(value, bool | int | float | str)


def _text(value: Node) -> str:
    return to_ruby_text(value) if isinstance(value, bool | int | float) else str(value)
