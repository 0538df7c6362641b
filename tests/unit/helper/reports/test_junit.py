"""Test cases from JUnit files; the rules are those of GitLab's spec/lib/gitlab/ci/parsers."""

from __future__ import annotations

from io import BytesIO

import pytest

from gitlab_ci_provider.helper.reports.junit import JunitReader
from gitlab_ci_provider.helper.reports.xml import ReportError
from gitlab_ci_provider.model.reports import Case


def read(*documents: str | bytes) -> JunitReader:
    """Read documents as the files of the job `unit`."""
    reader = JunitReader("unit")
    for document in documents:
        data = document.encode() if isinstance(document, str) else document
        reader.read(BytesIO(data))
    return reader


def case(inside: str = "", attributes: str = 'name="a" classname="c" time="1.5"') -> Case:
    """Read one case."""
    document = f"<testsuite><testcase {attributes}>{inside}</testcase></testsuite>"
    return read(document).results(()).cases[0]


@pytest.mark.parametrize(
    ("inside", "status", "output"),
    [
        ("", "success", ""),
        ("<failure>boom</failure>", "failed", "boom"),
        ('<failure message="short"/>', "failed", "short"),
        ('<failure message="short">\n  long\n</failure>', "failed", "long"),
        ("<failure>one</failure><failure>two</failure>", "failed", "one\ntwo"),
        ("<error>broke</error>", "error", "broke"),
        ("<skipped/>", "skipped", ""),
        ("<error>b</error><failure>a</failure><skipped/>", "failed", "a"),
        ("<failure><![CDATA[<a> & b]]></failure>", "failed", "<a> & b"),
        ("<system-out>printed</system-out>", "success", ""),
        ("<failure>a<b>not this</b>c</failure>", "failed", "ac"),
    ],
)
def test_status_and_output_of_a_case(inside: str, status: str, output: str):
    """A failure wins over an error, an error over a skip; text wins over the message."""
    found = case(inside)

    assert (found.status, found.output) == (status, output)


@pytest.mark.parametrize(
    "around",
    [
        "<testsuites><testsuite>{}</testsuite></testsuites>",
        "<testsuites>{}</testsuites>",
        "<testsuite><testsuite><testsuite>{}</testsuite></testsuite></testsuite>",
    ],
)
def test_cases_count_in_suites_of_any_depth(around: str):
    """PHPUnit nests suites."""
    assert read(around.format('<testcase name="a"/>')).summary()["total"] == 1


@pytest.mark.parametrize(
    "document",
    [
        '<testcase name="a"/>',
        '<report><testsuite><testcase name="a"/></testsuite></report>',
        '<testsuite><properties><testcase name="a"/></properties></testsuite>',
        '<testsuite><testsuites><testcase name="a"/></testsuites></testsuite>',
        "<html/>",
    ],
)
def test_cases_elsewhere_do_not_count(document: str):
    """Only suites may be around a case."""
    assert read(document).summary()["total"] == 0


def test_a_suite_without_a_name_has_the_jobs():
    """So has the report as a whole."""
    found = read('<testsuite><testcase name="a"/></testsuite>').results(())

    assert (found.name, found.cases[0].suite) == ("unit", "unit")


def test_the_same_case_counts_once_for_each_status():
    """Counts are of different cases, the time is of all that ran."""
    document = """<testsuite name="s">
      <testcase name="a" time="1"/><testcase name="a" time="1"/>
      <testcase name="a" time="1"><failure/></testcase>
    </testsuite>"""

    assert read(document, document).summary() == {
        "total": 2,
        "success": 1,
        "failed": 1,
        "error": 0,
        "skipped": 0,
        "time": 6.0,
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5", 1.5),
        ("1,234.5", 1234.5),
        ("", 0.0),
        ("soon", 0.0),
        ("2e-3", 0.002),
        ("9" * 400, 1e12),
    ],
)
def test_times_as_tools_write_them(text: str, seconds: float):
    """Only numbers are times, and no time is infinite."""
    assert case(attributes=f'name="a" time="{text}"').time == pytest.approx(seconds)


def test_a_screenshot_of_a_failure():
    """The first attachment in the output of a failed case."""
    inside = "<failure/><system-out>x [[ATTACHMENT|shots/a.png]] [[ATTACHMENT|b]]</system-out>"

    assert case(inside).attachment == "shots/a.png"


def test_output_has_an_end():
    """One case cannot fill the store."""
    assert len(case(f"<failure>{'x' * 100_000}</failure>").output) == 20_000


BILLION_LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuite><testcase name="&b;"/></testsuite>"""

OTHER_FILE = """<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>
<testsuite><testcase name="a"><failure>&file;</failure></testcase></testsuite>"""


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("", "no element found"),
        ("<testsuite>", "no element found"),
        ("not XML", "not well-formed"),
        (b"\xff\xfe\x00\x01", "not well-formed"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "not well-formed"),
        (b"<testsuite name='\xff'/>", "not well-formed"),
        ("<testsuite>" * 300, "nested more than 256 levels deep"),
        ("<testsuite>" + " " * 30_000_001, "larger than 30 MB"),
        (BILLION_LAUGHS, "declares entities"),
        (OTHER_FILE, "declares entities"),
    ],
)
def test_a_bad_file_says_what_is_wrong(document: str | bytes, problem: str):
    """Nothing grows, no other file is read, and the rest of the job goes on."""
    with pytest.raises(ReportError, match=problem):
        read(document)


def test_other_encodings_are_read():
    """What the XML declares holds."""
    document = (
        '<?xml version="1.0" encoding="iso-8859-1"?><testsuite><testcase name="ü"/></testsuite>'
    )

    assert read(document.encode("latin-1")).results(()).cases[0].name == "ü"


def test_a_bad_file_does_not_hide_the_others():
    """Its error is kept in addition to what the others say."""
    reader = read('<testsuite><testcase name="a"/></testsuite>')

    found = reader.results(["b.xml: broken"])

    assert (len(found.cases), found.errors) == (1, ("b.xml: broken",))
