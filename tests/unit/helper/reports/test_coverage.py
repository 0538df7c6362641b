"""Covered lines from Cobertura and JaCoCo."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from gitlab_ci_provider.helper.reports.coverage import CoverageReader
from gitlab_ci_provider.helper.reports.xml import ReportError


def read(project: Path, *documents: str) -> CoverageReader:
    """Read documents as the files of one job."""
    reader = CoverageReader(project)
    for document in documents:
        reader.read(BytesIO(document.encode()))
    return reader


def cobertura(*classes: str, sources: tuple[str, ...] = ()) -> str:
    """Write a report."""
    listed = "".join(f"<source>{source}</source>" for source in sources)
    return f"""<?xml version="1.0"?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage><sources>{listed}</sources><packages><package name="p"><classes>
{"".join(classes)}</classes></package></packages></coverage>"""


def a_class(filename: str, *hits: int) -> str:
    """Write a class whose lines were hit so often."""
    lines = "".join(f'<line number="{n}" hits="{hit}"/>' for n, hit in enumerate(hits, 1))
    return f'<class filename="{filename}"><methods/><lines>{lines}</lines></class>'


def test_lines_of_files(tmp_path: Path):
    """Hits by line, and the share of lines that were hit."""
    reader = read(tmp_path, cobertura(a_class("a.py", 1, 0), a_class("b.py", 3, 3)))

    assert reader.results(()).files == {"a.py": {1: 1, 2: 0}, "b.py": {1: 3, 2: 3}}
    assert reader.summary() == {"files": 2, "lines": 4, "covered": 3, "percent": 75.0}


def test_the_same_line_twice_is_added_up(tmp_path: Path):
    """Two classes of one file, or two reports."""
    document = cobertura(a_class("a.py", 1, 0))

    assert read(tmp_path, document, document).results(()).files == {"a.py": {1: 2, 2: 0}}


def test_a_name_is_put_below_the_source_that_has_it(tmp_path: Path):
    """Sources in the working copy only; a file that is nowhere is left out."""
    (tmp_path / "lib" / "x").mkdir(parents=True)
    (tmp_path / "lib" / "x" / "a.py").touch()
    sources = ("/usr/local/go/src", f"{tmp_path}/app", f"{tmp_path}/lib/")
    document = cobertura(a_class("x/a.py", 1), a_class("gone.py", 1), sources=sources)

    assert list(read(tmp_path, document).results(()).files) == ["lib/x/a.py"]


def test_the_project_itself_as_source_changes_nothing(tmp_path: Path):
    """Names are then relative to it already."""
    document = cobertura(a_class("a.py", 1), sources=(str(tmp_path),))

    assert list(read(tmp_path, document).results(()).files) == ["a.py"]


def test_jacoco(tmp_path: Path):
    """Package and source file make the name, covered instructions the hits."""
    document = """<!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">
<report name="x"><package name="org/x"><class name="org/x/A" sourcefilename="A.java">
<method name="m"><counter type="LINE" missed="0" covered="1"/></method></class>
<sourcefile name="A.java"><line nr="3" mi="0" ci="4" mb="0" cb="0"/>
<line nr="4" mi="2" ci="0" mb="0" cb="0"/></sourcefile></package></report>"""

    assert read(tmp_path, document).results(()).files == {"org/x/A.java": {3: 4, 4: 0}}


@pytest.mark.parametrize(
    "line", ['<line number="x" hits="1"/>', '<line number="1"/>', '<line hits="1e9" number="1"/>']
)
def test_a_line_without_numbers_is_a_mistake(tmp_path: Path, line: str):
    """As in GitLab."""
    with pytest.raises(ReportError, match="is not a number"):
        read(tmp_path, f'<class filename="a">{line}</class>')


def test_nothing_is_nothing(tmp_path: Path):
    """A report without lines covers nothing."""
    assert read(tmp_path, "<coverage/>").summary()["percent"] == 0.0


def test_names_that_no_file_can_have(tmp_path: Path):
    """They are looked for in vain, and that is all."""
    document = cobertura(a_class("x" * 5000, 1), sources=(f"{tmp_path}/lib",))

    assert read(tmp_path, document).results(()).files == {}


@pytest.mark.parametrize(("form", "other"), [("jacoco", "coverage"), ("cobertura", "report")])
def test_a_report_of_another_format_is_refused(tmp_path: Path, form: str, other: str):
    """`coverage_format` says which of the two a file is; GitLab takes no other for it."""
    with pytest.raises(ReportError, match=f"begins with <{other}>"):
        CoverageReader(tmp_path, form).read(BytesIO(f"<{other}></{other}>".encode()))
