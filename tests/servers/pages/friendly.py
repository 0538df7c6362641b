"""Runs of a friendly project, for pictures and for trying the pages by hand."""

from __future__ import annotations

from dataclasses import replace

from factories import compile_text
from gitlab_ci_provider.model.context import MergeRequest
from gitlab_ci_provider.model.diagnostic import SourceLocation as At
from gitlab_ci_provider.model.diagnostic import error, warning
from gitlab_ci_provider.model.project import Commit, Ref
from gitlab_ci_provider.model.release import Release, ReleaseLink
from gitlab_ci_provider.model.reports import Case, CaseStatus, Finding
from gitlab_ci_provider.runs.record import plain
from servers.pages.story import PASSED, PIXEL, QUESTION, SKIPPED, Left, Story, Told, bridge

SHOP = """
stages: [build, test, deploy]
workflow: {name: Webshop}
variables: {REGION: eu-west, LOG_LEVEL: info}
assets: {stage: build, script: npm run build}
container: {stage: build, script: make image}
lint: {stage: test, script: make lint, allow_failure: true, retry: 1}
unit:
  stage: test
  parallel: {matrix: [{PYTHON: ["3.11", "3.12", "3.13"]}]}
  script: pytest --cov
  coverage: '/TOTAL.* (\\d+)%/'
integration: {stage: test, needs: [container], script: make integration}
license-scan: {stage: test, script: scan, rules: [{if: $CI_COMMIT_TAG}]}
staging:
  stage: deploy
  script: make deploy
  variables: {REGION: eu-north}
  environment: {name: staging, url: https://staging.shop.example.com}
smoke-test: {stage: deploy, script: make smoke, needs: [staging]}
production:
  stage: deploy
  script: make deploy
  when: manual
  needs: [staging]
  environment: {name: production, url: https://shop.example.com}
announce: {stage: deploy, script: mail, when: delayed, start_in: 1 hour, needs: [container]}
handbook: {stage: deploy, trigger: {project: acme/handbook}, needs: [container]}
"""
HANDBOOK = """
workflow: {name: Handbook}
stages: [build, publish]
pages: {stage: build, script: mkdocs build}
links: {stage: build, script: make links}
publish: {stage: publish, script: make publish}
"""
SERVICE = """
workflow: {name: Payments}
compile: {stage: build, script: make}
test: {stage: test, script: make test}
"""

MAIN = Ref(name="main", sha="9f3c2d1a" + "5" * 32)
BRANCH = Ref(name="checkout-redesign", sha="4be1c0ff" + "6" * 32)
COMMIT = Commit(
    message="Show delivery dates in the basket",
    author="Grace Hopper <grace@example.com>",
    timestamp="2026-01-31T09:00:00+00:00",
)
BRANCH_COMMIT = replace(COMMIT, message="Ask for the address only once", author="Ada Lovelace <a>")

MERGE_REQUEST = MergeRequest(
    iid=17,
    source_branch="checkout-redesign",
    target_branch="main",
    title="Ask for the address only once",
)

UNIT_LOG = (
    "::group::prepare: image python:3.12, runner acme-linux",
    "Using image python:3.12",
    "::endgroup::",
    "::group::get_sources",
    "Fetching acme/webshop at 4be1c0ff as a detached HEAD",
    "::endgroup::",
    "::group::restore_cache: pip-3.12",
    "Restored 48.1 MB in 0.9 s",
    "::endgroup::",
    "\x1b[32;1m$ pytest --cov\x1b[0m",
    *(f"tests/test_basket.py::test_item_{number} \x1b[32mPASSED\x1b[0m" for number in range(1, 15)),
    "tests/test_checkout.py::test_address_is_asked_once \x1b[31mFAILED\x1b[0m",
    "tests/test_checkout.py::test_voucher_is_applied \x1b[31mFAILED\x1b[0m",
    "\x1b[31m",
    "    def test_address_is_asked_once(checkout):",
    ">       assert checkout.questions.count('address') == 1",
    "E       AssertionError: assert 2 == 1\x1b[0m",
    "\x1b[31m2 failed, 38 passed in 12.81s\x1b[0m",
    "::group::upload_artifacts_on_failure",
    "Uploading report.xml (junit): 40 tests, 2 failed",
    "::endgroup::",
)
TRACE = """def test_address_is_asked_once(checkout):
>       assert checkout.questions.count('address') == 1
E       AssertionError: assert 2 == 1

tests/test_checkout.py:31: AssertionError"""

BUILT = Left(
    files={
        "dist/app/main.js": b"export const shop = () => 'hats'\n" * 40,
        "dist/index.html": b"<!doctype html>\n<title>Webshop</title>\n<h1>Hats and gloves</h1>\n",
        "dist/logo.png": PIXEL,
        "README.md": b"# Webshop\n",
    }
)


def tested(*failed: str) -> Left:
    """Make a report of forty tests, some of them failed."""
    names = [*failed, *(f"test_item_{number}" for number in range(1, 41 - len(failed)))]
    return Left(
        tests=tuple(
            Case(
                name=name,
                classname="tests.test_checkout" if name in failed else "tests.test_basket",
                file="tests/test_checkout.py" if name in failed else "tests/test_basket.py",
                status=CaseStatus.FAILED if name in failed else CaseStatus.SUCCESS,
                time=0.1 + len(name) / 50,
                output=TRACE if name in failed else "",
            )
            for name in names
        )
    )


def linted(*findings: tuple[str, str, str, int]) -> Left:
    """Make a code quality report of severities, descriptions, files and lines."""
    return Left(
        findings=tuple(
            Finding(
                description=description,
                check_name=description.partition(" ")[0].lower(),
                fingerprint=description,
                severity=severity,
                path=path,
                line=line,
            )
            for severity, description, path, line in findings
        )
    )


OLD = ("minor", "Unused import of `decimal`", "shop/basket.py", 3)
LINTED = linted(OLD, ("info", "TODO comment", "shop/stock.py", 88))
LINTED_BRANCH = linted(
    OLD,
    ("major", "Function `checkout` is too complex (17)", "shop/checkout.py", 24),
    ("critical", "SQL is put together from strings", "shop/address.py", 51),
)
WARNED = Told(
    state="failed",
    tries=2,
    result={"status": "failed", "failure_reason": "script_failure", "exit_code": 2},
)


LINT_LOG = (
    "::group::get_sources",
    "Fetching acme/webshop at 4be1c0ff as a detached HEAD",
    "::endgroup::",
    "\x1b[32;1m$ pylint shop\x1b[0m",
    "shop/basket.py:3:0: W0611: Unused import of decimal (unused-import)",
    "shop/checkout.py:24:0: R0912: Too many branches (17/12) (too-many-branches)",
    "shop/address.py:51:11: W1303: SQL is put together from strings (sql-strings)",
    "",
    "Your code has been rated at 8.74/10",
    "\x1b[31mERROR: Job failed: exit code 2\x1b[0m",
)
LINT_LOG_BEFORE = (
    *LINT_LOG[:4],
    "\x1b[31mpylint: cannot reach the index of packages: the connection was reset\x1b[0m",
    "\x1b[31mERROR: Job failed: exit code 2\x1b[0m",
)
RELEASE = Release(
    tag_name="v2.4.0",
    name="Webshop 2.4",
    description="Delivery dates in the basket.",
    links=(ReleaseLink(name="container", url="https://registry.shop.example.com/webshop:2.4.0"),),
)


def handbook() -> Story:
    """The pipeline that the shop's has created."""
    jobs = {"pages": PASSED, "links": Told(state="running")}
    pipeline = compile_text(HANDBOOK)
    return _story("acme__handbook", "43-main-77ab31d0", pipeline=pipeline, jobs=jobs)


def passed() -> Story:
    """The last pipeline of the branch before the one that has failed."""
    names = compile_text(SHOP).jobs
    jobs = dict.fromkeys(names, PASSED) | {
        "lint": replace(PASSED, left=LINTED),
        "unit: [3.12]": Told(result={"status": "success"}, left=tested("test_voucher_is_applied")),
        "license-scan": SKIPPED,
        "production": SKIPPED,
        "handbook": PASSED,
    }
    end = {"status": "passed", "text": "passed"}
    run = "40-checkout-redesign-1c22aa90"
    more = {"ref": BRANCH, "merge_request": MERGE_REQUEST, "end": end}
    return _story("acme__webshop", run, state="success", jobs=jobs, **more)


def failed() -> Story:
    """A pipeline in which tests have failed."""
    result = {
        "status": "failed",
        "failure_reason": "script_failure",
        "exit_code": 1,
        "reason": "script failure: exit code 1",
        "coverage": 81.5,
    }
    bad = tested("test_address_is_asked_once", "test_voucher_is_applied")
    done = dict.fromkeys(compile_text(SHOP).jobs, PASSED)
    jobs = {
        **done,
        "assets": replace(PASSED, left=BUILT),
        "lint": replace(WARNED, left=LINTED_BRANCH, log=LINT_LOG, before=LINT_LOG_BEFORE),
        "announce": Told(result={"status": "success", "release": plain(RELEASE)}),
        "unit: [3.11]": Told(result={"status": "success", "coverage": 84}),
        "unit: [3.12]": Told(state="failed", log=UNIT_LOG, seconds=73, result=result, left=bad),
        "license-scan": SKIPPED,
        **dict.fromkeys(("staging", "smoke-test", "production"), SKIPPED),
    }
    words = "failed: unit: [3.12] (script failure, exit code 1), coverage 82.75 %"
    end = {"status": "failed", "text": words, "warnings": ["lint"], "coverage": 82.75}
    run = "41-checkout-redesign-4be1c0ff"
    more = {
        "ref": BRANCH,
        "commit": BRANCH_COMMIT,
        "user": "ada",
        "end": end,
        "merge_request": MERGE_REQUEST,
    }
    return _story("acme__webshop", run, state="failed", jobs=jobs, **more)


def under_way() -> Story:
    """A pipeline in which every kind of status occurs."""
    jobs = {
        "assets": replace(PASSED, left=BUILT),
        "container": Told(result={"status": "success"}, seconds=96),
        "lint": replace(WARNED, left=LINTED),
        "unit: [3.11]": Told(result={"status": "success", "coverage": 84}, seconds=63),
        "unit: [3.12]": Told(result={"status": "success", "coverage": 85}, left=tested()),
        "unit: [3.13]": Told(state="running"),
        "integration": Told(state="queued"),
        "license-scan": SKIPPED,
        "production": Told(state="awaiting_input", question=QUESTION),
        "announce": Told(state="deferred"),
        "handbook": bridge("deferred", "acme__handbook", handbook().run),
    }
    return _story("acme__webshop", "42-main-9f3c2d1a", jobs=jobs)


def payments() -> Story:
    """A small project whose last commit does not compile."""
    end = {"status": "passed", "text": "passed"}
    pipeline = compile_text(SERVICE)
    run = "44-main"
    jobs = dict.fromkeys(pipeline.jobs, PASSED)
    return _story(
        "acme__payments", run, pipeline=pipeline, state="success", jobs=jobs, end=end, user="linus"
    )


def _story(dag: str, run: str, **more: object) -> Story:
    given = {"pipeline": compile_text(SHOP), "ref": MAIN, "commit": COMMIT, "user": "grace"}
    return Story(dag=dag, run=run, **{**given, **more})  # type: ignore[arg-type]  # its fields


STORIES = (passed, failed, under_way, handbook, payments)
FOUND = {
    "acme/handbook": (
        warning("default-timeout", "no job has a timeout", At(file=".gitlab-ci.yml", line=3)),
    ),
    "acme/payments": (
        error(
            "needs-unknown-job",
            "test job: undefined need: compilation",
            At(file=".gitlab-ci.yml", line=7, column=11),
            "did you mean 'compile'?",
        ),
    ),
}
