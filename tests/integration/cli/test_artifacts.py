"""`gitlab-dags artifacts`, on a real object store."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from factories import MAIN
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.state import State
from gitlab_ci_provider.storage.keys import task_artifacts_key
from gitlab_ci_provider.storage.ranged import BUFFER
from gitlab_ci_provider.storage.s3 import S3Store
from gitlab_ci_provider.storage.zip_files import ZipFiles
from servers.s3 import S3Server
from stored_artifacts import enter, leave, zip_of

pytestmark = pytest.mark.integration

TOPIC = Ref(name="topic", sha="b" * 40)

Command = Callable[..., int]


@pytest.fixture
def artifacts(command: Command) -> Command:
    """Call `gitlab-dags artifacts VERB` for the shop."""
    return lambda verb, *more: command("artifacts", verb, "group/shop", *more)


def test_lists_what_each_job_has_left(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    capsys: pytest.CaptureFixture[str],
):
    """The newest pipeline first, reports after the archive, the newest try of a job only."""
    old, new = enter(state), enter(state, TOPIC)
    leave(put, old.id, "build")
    leave(put, new.id, "unit tests: [a]", attempt=1, archive=zip_of({"old": b"1"}))
    leave(put, new.id, "unit tests: [a]", attempt=2, expire_at=4102444800)
    leave(put, new.id, "unit tests: [a]", attempt=2, report="junit", archive=zip_of({"x": b"<"}))

    assert artifacts("list") == 0

    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert cells[0] == ["PIPELINE", "REF", "JOB", "TRY", "KIND", "FILES", "SIZE", "EXPIRES"]
    assert [row[:5] for row in cells[1:]] == [
        [str(new.id), "topic", "unit tests: [a]", "2", "archive"],
        [str(new.id), "topic", "unit tests: [a]", "2", "junit"],
        [str(old.id), "main", "build", "1", "archive"],
    ]
    assert cells[1][-1] == "2100-01-01 00:00"
    assert cells[3][-1] == "never"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--ref", "main"], [1, 1]),
        (["--job", "lint/all"], [1]),
        (["--pipeline", "2"], [2]),
        (["--run", "run-topic-x"], [2]),
        (["--max", "1"], [2]),
        (["--ref", "none"], []),
    ],
)
def test_lists_only_what_is_asked_for(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    expected: list[int],
):
    """By ref, job, pipeline or run; exit code 1 when there is nothing."""
    old, new = enter(state, MAIN), enter(state, TOPIC, run="run-topic-x")
    for job in ("build", "lint/all"):
        leave(put, old.id, job)
    leave(put, new.id, "build")

    code = artifacts("list", "--json", *flags)

    listed = json.loads(capsys.readouterr().out)["artifacts"]
    assert [found["pipeline"] for found in listed] == expected
    assert code == (0 if expected else 1)


def test_control_characters_of_names_do_not_reach_the_terminal(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    capsys: pytest.CaptureFixture[str],
):
    """Authors choose the names of jobs and files."""
    leave(put, enter(state).id, "evil\x1b[2J", archive=zip_of({"a\x1b]0;x\x07": b"1"}))

    artifacts("list", "--files")

    assert "\x1b" not in capsys.readouterr().out


def test_gets_each_job_into_a_folder_of_its_own(
    artifacts: Command, put: Callable[[str, bytes], None], state: State
):
    """Of the newest pipeline that has some; with --job right into the folder that is given."""
    enter(state)
    old, new = enter(state), enter(state)
    leave(put, old.id, "build", archive=zip_of({"old": b"1"}))
    leave(put, new.id, "build", archive=zip_of({"dist/app": b"new"}))
    leave(put, new.id, "docs", archive=zip_of({"index.html": b"<p>"}))

    assert artifacts("get") == 0
    assert artifacts("get", "--job", "docs", "--to", "site") == 0

    files = {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert files == {
        "artifacts/build/dist/app": b"new",
        "artifacts/docs/index.html": b"<p>",
        "site/index.html": b"<p>",
    }


def test_gets_single_files_and_folders(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    capfdbinary: pytest.CaptureFixture[bytes],
):
    """By name, folder or pattern; - writes one file as it is."""
    data = bytes(range(256))
    archive = zip_of({"bin/app": data, "docs/a.md": b"a", "docs/b/c.md": b"c"})
    leave(put, enter(state).id, archive=archive)

    flags = ("--path", "docs", "--path", "*/app")
    assert artifacts("get", "--job", "build", "--to", "got", *flags) == 0
    got = {str(path.relative_to("got")) for path in Path("got").rglob("*") if path.is_file()}
    assert got == {"bin/app", "docs/a.md", "docs/b/c.md"}

    capfdbinary.readouterr()
    assert artifacts("get", "--to", "-", "--path", "bin/app") == 0
    assert capfdbinary.readouterr().out == data


def test_a_file_that_is_not_there_is_said(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    capsys: pytest.CaptureFixture[str],
):
    """With the command that lists what there is."""
    leave(put, enter(state).id)

    assert artifacts("get", "--path", "nothing.txt") == 1

    assert "no artifact has nothing.txt: `artifacts list --files`" in capsys.readouterr().err


def test_one_file_of_a_large_archive_costs_a_few_ranges(
    server: S3Server, put: Callable[[str, bytes], None], state: State, tmp_path: Path
):
    """The archive's directory and the file, not the archive."""
    noise = os.urandom(8 * 1024 * 1024)
    key = leave(put, enter(state).id, archive=zip_of({"big": noise, "small": b"s", "z": noise}))
    asked: list[int] = []

    class Counting(S3Store):
        def read(self, key: str, start: int, length: int) -> bytes:
            found = super().read(key, start, length)
            asked.append(len(found))
            return found

    with ZipFiles(Counting(server.target(prefix=f"{tmp_path.name}/")), key) as files:
        files.unpack(files.select(["small"])[0], tmp_path / "to", pytest.fail)

    assert (tmp_path / "to" / "small").read_bytes() == b"s"
    assert sum(asked) <= 4 * BUFFER


HOSTILE = {
    "a parent": ({"../evil": b"x"}, {}),
    "an absolute name": ({"/tmp/evil": b"x"}, {}),
    "a link out": ({}, {"evil": "/etc/passwd"}),
    "through a link out": ({"evil/x": b"x"}, {"evil": "../outside"}),
    "a link by way of a link": ({}, {"a/b/c/up": "../../..", "a/b/c/up/evil": "../outside"}),
    "a link that is too long": ({}, {"long": "a/" * 3000}),
    "a folder's name": ({"..": b"x", "a/../../evil": b"x"}, {}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_archive_never_leads_out_of_the_folder(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    capsys: pytest.CaptureFixture[str],
    kind: str,
):
    """Neither a file nor a link; the rest is there, what is left out is said, and the code is 1."""
    files, links = HOSTILE[kind]
    outside = Path("outside").absolute()
    outside.mkdir()
    before = sorted(map(str, outside.parent.rglob("*")))
    archive = zip_of({**files, "good": b"good"}, links)
    leave(put, enter(state).id, archive=archive)

    code = artifacts("get", "--job", "build", "--to", "got")

    assert code == 1
    assert "left out" in capsys.readouterr().err
    assert Path("got/good").read_bytes() == b"good"
    new = [path for path in outside.parent.rglob("*") if str(path) not in before]
    root = Path("got").resolve()
    assert all(path.resolve().is_relative_to(root) for path in new), new


def test_a_broken_archive_is_said_in_words(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    capsys: pytest.CaptureFixture[str],
):
    """No traceback, and the object's name."""
    key = leave(put, enter(state).id)
    put(key, b"PK\x03\x04 not a zip")

    assert artifacts("get") == 1

    assert f"{key}: broken zip archive" in capsys.readouterr().err


def test_open_prints_an_address_that_gives_the_archive(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    capsys: pytest.CaptureFixture[str],
):
    """Without login, under the archive's name, for a browser or curl."""
    data = zip_of({"a": b"1"})
    leave(put, enter(state).id, archive=data)

    assert artifacts("open") == 0

    address = capsys.readouterr().out.strip()
    assert "artifacts.zip" in address
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == data


def test_a_store_that_refuses_is_said_in_words(
    artifacts: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """With what was asked for, and without the key."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "WRONGSECRET99")

    assert artifacts("list") == 1

    said = capsys.readouterr().err
    assert "cannot list s3://" in said
    assert "WRONGSECRET99" not in said


def test_what_has_expired_cannot_be_had(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    """As in GitLab, also before it is deleted; the latest successful pipeline of a ref keeps it."""
    old, new = enter(state), enter(state)
    for pipeline in (old, new):
        leave(put, pipeline.id, "build", expire_at=2)
        state.register.finish(pipeline.id, "success")
    to = ("--to", str(tmp_path / "to"))

    assert artifacts("get", "--pipeline", str(old.id), *to) == 1
    assert "artifacts of build: they have expired" in capsys.readouterr().err
    assert artifacts("open", "--print", "--pipeline", str(old.id)) == 1
    assert artifacts("get", "--pipeline", str(new.id), *to) == 0
    capsys.readouterr()
    artifacts("list")
    rows = capsys.readouterr().out.splitlines()
    assert ["(over)" in row for row in rows] == [False, False, True]


def test_what_nobody_may_download_cannot_be_had(
    artifacts: Command,
    put: Callable[[str, bytes], None],
    state: State,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    """`artifacts:access: none`; what other jobs have left is fetched."""
    pipeline = enter(state)
    leave(put, pipeline.id, "secret", access="none")
    leave(put, pipeline.id, "build", access="developer")

    assert artifacts("get", "--job", "secret") == 1
    assert "nobody may download them (artifacts:access: none)" in capsys.readouterr().err
    artifacts("get", "--to", str(tmp_path / "to"))
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["build"]


def test_lists_and_fetches_those_of_a_dag_of_ones_own(
    command: Command,
    put: Callable[[str, bytes], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    """`@dags/DAG_ID` stands for a hand-written DAG, whose runs are told apart."""
    for run in ("manual__2026-01-01", "manual__2026-01-02"):
        leave(put, 0, "upload", key=task_artifacts_key("shop_dag", run, "upload", 1))
    of_dag = ("@dags/shop_dag", "--run", "manual__2026-01-01")
    to = tmp_path / "to"

    assert command("artifacts", "list", "@dags/shop_dag") == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["PIPELINE", "manual__2026-01-02", of_dag[-1]]
    assert command("artifacts", "get", *of_dag, "--job", "upload", "--to", str(to)) == 0
    assert (to / "dist" / "app.txt").read_bytes() == b"app"
