"""`workflow:`: whether there is a pipeline, and its name."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field, mapping, text
from gitlab_ci_provider.config.keywords.rules import WORKFLOW_RULES, read_auto_cancel, read_rules
from gitlab_ci_provider.model.pipeline import Workflow

KEYS = ("rules", "name", "auto_cancel")
MAX_NAME = 255


def read_workflow(field: Field) -> Workflow | None:
    """Read `workflow:`."""
    if not mapping(field, KEYS):
        return None
    return Workflow(
        name=field.get("name", _name),
        rules=field.read("rules", lambda entry: read_rules(entry, WORKFLOW_RULES)),
        auto_cancel=field.read("auto_cancel", read_auto_cancel),
    )


def _name(field: Field) -> str | None:
    name = text(field)
    if name is not None and len(name) > MAX_NAME:
        field.refuse(f"is too long (maximum is {MAX_NAME} characters)")
        return None
    if name == "":
        field.refuse("is too short (minimum is 1 character)")
    return (name or "").strip() or None
