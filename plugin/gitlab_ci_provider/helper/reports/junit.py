"""JUnit: test cases from XML, after GitLab's lib/gitlab/ci/parsers/test/junit.rb.

Cases count where nothing but `testsuites` and `testsuite` is around them. Counts are of different
cases: the same suite, class and name with the same status is one.

Unlike GitLab, a file that cannot be read does not hide the cases of the others, `1,234.5` is more
than a thousand seconds, a case's output is cut after 20,000 characters, and there are at most
200,000 cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO

from gitlab_ci_provider.helper.reports.xml import ReportError, read_xml
from gitlab_ci_provider.model.reports import Case, CaseStatus, JunitReport

_STATUS = {
    "failure": CaseStatus.FAILED,
    "error": CaseStatus.ERROR,
    "skipped": CaseStatus.SKIPPED,
}
"""Elements in a case; the first in this order decides."""

_LONGEST_OUTPUT = 20_000
_MOST_CASES = 200_000
_NUMBER = re.compile(r"\s*\d{1,12}(?:\.\d+)?(?:[eE]-?\d{1,2})?")
_ATTACHMENT = re.compile(r"\[\[ATTACHMENT\|(.+?)\]\]")


class JunitReader:
    """Collects the cases of one job's files; `name` is what GitLab calls the suite: the job."""

    def __init__(self, name: str):
        self._name = name
        self._cases: dict[tuple[str, str, str, str], Case] = {}
        self._time = 0.0

    def read(self, source: IO[bytes]) -> None:
        """Read one file; raises ReportError, and keeps the cases before the mistake."""
        read_xml(source, _Document(self._name, self._add))

    def results(self, errors: Sequence[str]) -> JunitReport:
        """Return what was collected."""
        return JunitReport(
            name=self._name,
            cases=tuple(self._cases.values()),
            time=round(self._time, 6),
            errors=tuple(errors),
        )

    def summary(self) -> Mapping[str, float]:
        """Count the cases by status."""
        counts = dict.fromkeys(map(str, CaseStatus), 0)
        for case in self._cases.values():
            counts[str(case.status)] += 1
        return {"total": len(self._cases), **counts, "time": round(self._time, 3)}

    def _add(self, case: Case) -> None:
        if len(self._cases) >= _MOST_CASES:
            raise ReportError(f"more than {_MOST_CASES} cases")
        self._time += case.time
        self._cases[case.suite, case.classname, case.name, case.status] = case


@dataclass(slots=True)
class _Part:
    """An element right inside a case: `failure`, `system-out` and the like."""

    tag: str
    message: str
    text: str = ""

    @property
    def said(self) -> str:
        return self.text.strip() or self.message


@dataclass(slots=True)
class _OpenCase:
    """A case that is being read; `depth` counts the elements that are open inside."""

    case: Case
    parts: list[_Part] = field(default_factory=list)
    depth: int = 0

    def finished(self) -> Case:
        found = {part.tag for part in self.parts}
        tag = next((tag for tag in _STATUS if tag in found), None)
        if tag is None:
            return self.case
        output = "\n".join(part.said for part in self.parts if part.tag == tag and part.said)
        printed = "".join(part.text for part in self.parts if part.tag == "system-out")
        attachment = _ATTACHMENT.search(printed) if tag == "failure" else None
        return replace(
            self.case,
            status=_STATUS[tag],
            output=output[:_LONGEST_OUTPUT],
            attachment=attachment[1] if attachment else "",
        )


class _Document:
    """One file, element by element."""

    def __init__(self, name: str, add: Callable[[Case], None]):
        self._name = name
        self._add = add
        self._suites: list[str] = []
        self._other = 0
        self._open: _OpenCase | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._open is not None:
            self._open.depth += 1
            if self._open.depth == 1:
                self._open.parts.append(_Part(tag, attributes.get("message", "")))
        elif self._other or not self._belongs(tag):
            self._other += 1
        elif tag == "testcase":
            self._open = _OpenCase(_case(attributes, self._suites[-1] or self._name))
        else:
            self._suites.append(attributes.get("name", ""))

    def text(self, text: str) -> None:
        if self._open is not None and self._open.depth == 1:
            part = self._open.parts[-1]
            part.text = (part.text + text)[:_LONGEST_OUTPUT]

    def end(self, _tag: str) -> None:
        if self._open is not None and self._open.depth:
            self._open.depth -= 1
        elif self._open is not None:
            self._add(self._open.finished())
            self._open = None
        elif self._other:
            self._other -= 1
        else:
            self._suites.pop()

    def _belongs(self, tag: str) -> bool:
        """Return whether an element counts here: cases in suites, one `testsuites` at the top."""
        if tag == "testsuites":
            return not self._suites
        return tag == "testsuite" or (tag == "testcase" and bool(self._suites))


def _case(attributes: Mapping[str, str], suite: str) -> Case:
    time = _NUMBER.match(attributes.get("time", "").replace(",", ""))
    return Case(
        name=attributes.get("name", ""),
        classname=attributes.get("classname", ""),
        suite=suite,
        file=attributes.get("file", ""),
        time=float(time[0]) if time else 0.0,
    )
