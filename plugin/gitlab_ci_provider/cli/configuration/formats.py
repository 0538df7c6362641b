"""Diagnostics in the formats that other tools read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from gitlab_ci_provider import __version__
from gitlab_ci_provider.model.diagnostic import Diagnostic, Severity, errors_in

Diagnostics = Sequence[Diagnostic]


def as_data(one: Diagnostic) -> dict[str, object]:
    """Return a diagnostic as the plain object that `--json` prints."""
    return {
        "severity": one.severity,
        "code": one.code,
        "message": one.message,
        "file": one.location.file,
        "line": one.location.line or None,
        "column": one.location.column if one.location.line else None,
        "hint": one.hint,
    }


def as_text(found: Diagnostics) -> str:
    """One line each, hints below."""
    lines: list[str] = []
    for one in found:
        lines.append(str(one))
        if one.hint:
            lines.append(f"    {one.hint}")
    errors = len(errors_in(found))
    if not found:
        return "no problems found"
    return "\n".join(
        [*lines, f"{_count(errors, 'error')}, {_count(len(found) - errors, 'warning')}"]
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def as_json(found: Diagnostics) -> str:
    """A list of plain objects."""
    return _dump([as_data(one) for one in found])


def as_code_quality(found: Diagnostics) -> str:
    """GitLab's code quality report, for `artifacts:reports:codequality`."""
    return _dump(
        [
            {
                "description": one.message,
                "check_name": one.code,
                "fingerprint": _fingerprint(one),
                "severity": "major" if one.severity is Severity.ERROR else "minor",
                "location": {
                    "path": one.location.file,
                    "lines": {"begin": max(1, one.location.line)},
                },
            }
            for one in found
        ]
    )


def as_sarif(found: Diagnostics) -> str:
    """SARIF 2.1.0, for code scanning."""
    rules = sorted({one.code for one in found})
    tool = {
        "name": "gitlab-dags",
        "version": __version__,
        "rules": [{"id": code} for code in rules],
    }
    return _dump(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{"tool": {"driver": tool}, "results": [_sarif_result(one) for one in found]}],
        }
    )


def as_junit(found: Diagnostics) -> str:
    """JUnit XML: one failed test for each error, one passed test when there is none."""
    cases = [_junit_case(one) for one in found]
    failures = len(errors_in(found))
    cases = cases or ['<testcase classname="gitlab-dags" name="lint"/>']
    head = f'<testsuite name="gitlab-dags lint" tests="{len(cases)}" failures="{failures}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"])


FORMATS: Mapping[str, Callable[[Diagnostics], str]] = {
    "text": as_text,
    "json": as_json,
    "gitlab-codequality": as_code_quality,
    "sarif": as_sarif,
    "junit": as_junit,
}


def _dump(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _fingerprint(one: Diagnostic) -> str:
    """Identify a finding by its message and file, not by its line, which moves with every edit."""
    import hashlib  # importing OpenSSL is slow, and `compile` needs none

    text = f"{one.location.file}\0{one.code}\0{one.message}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _sarif_result(one: Diagnostic) -> dict[str, object]:
    artifact = {"uri": quote(one.location.file, safe="/:@?=&%+,;~")}
    place: dict[str, object] = {"artifactLocation": artifact}
    if one.location.line:
        region = {"startLine": one.location.line, "startColumn": one.location.column}
        place["region"] = region
    return {
        "ruleId": one.code,
        "level": one.severity.value,
        "message": {"text": f"{one.message}. {one.hint}" if one.hint else one.message},
        "locations": [{"physicalLocation": place}],
    }


def _junit_case(one: Diagnostic) -> str:
    from xml.sax.saxutils import escape, quoteattr  # it brings network libraries with it

    name = quoteattr(_in_xml(f"{_place(one)} {one.code}"))
    words, hint = _in_xml(one.message), _in_xml(one.hint or "")
    if one.severity is Severity.ERROR:
        inner = f'<failure type="{one.code}" message={quoteattr(words)}>{escape(hint)}</failure>'
    else:
        inner = f"<system-out>{escape(words)} {escape(hint)}</system-out>"
    return f'<testcase classname="gitlab-dags" name={name}>{inner}</testcase>'


def _place(one: Diagnostic) -> str:
    return f"{one.location.file}:{one.location.line}" if one.location.line else one.location.file


def _in_xml(text: str) -> str:
    """Replace what XML cannot hold, not even escaped."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
