"""`include:` with everything that is not an address, path, ref or name; and other repositories."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.discovery.sync import Sync
from gitlab_ci_provider.model.diagnostic import Severity
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.repositories import make_repository

KINDS = {
    "text": "{0}",
    "local": "{{local: {0}}}",
    "remote": "{{remote: {0}}}",
    "integrity": "{{remote: 'https://127.0.0.1/a.yml', integrity: {0}}}",
    "template": "{{template: {0}}}",
    "component": "{{component: {0}}}",
    "project": "{{project: {0}, file: a.yml}}",
    "file": "{{project: group/good, file: {0}}}",
    "ref": "{{project: group/good, file: .gitlab-ci.yml, ref: {0}}}",
    "exists": "{{local: a.yml, rules: [{{exists: [{0}]}}]}}",
    "changes": "{{local: a.yml, rules: [{{changes: [{0}]}}]}}",
}
STRINGS = {
    "bracket": "https://[::1/a.yml",
    "brackets": "https://[::1]]/a.yml",
    "zone": "https://[fe80::1%25lo]/a.yml",
    "port": "https://host:99999/a.yml",
    "no port": "https://host:x/a.yml",
    "port 0": "https://host:0/a.yml",
    "superscript": "https://host:\\xB2/a.yml",
    "no host": "https:///a.yml",
    "dot": "https://./a.yml",
    "long label": "https://" + "a" * 64 + ".example/a.yml",
    "empty label": "https://a..b/a.yml",
    "user": "https://user:password@[::1/a.yml",
    "spaces": "https://a b/c d.yml",
    "line": "https://127.0.0.1/a\\r\\nHost: x/a.yml",
    "letters": "https://ex\\u2100mple/a.yml",
    "path letters": "https://127.0.0.1/\\u20ac.yml",
    "percent": "https://127.0.0.1/%/%zz/%00.yml",
    "backslash": "https:\\\\\\\\127.0.0.1\\\\a.yml",
    "other": "gopher://127.0.0.1/a.yml",
    "nul": "a\\0.yml",
    "controls": "a\\e[31m\\x7f.yml",
    "newline": "a\\n.yml",
    "option": "--upload-pack=touch.yml",
    "parents": "../../../../etc/passwd.yml",
    "home": "~nobody-at-all/a.yml",
    "braces": "{a.yml",
    "stars": "*" * 200 + ".yml",
    "magic": ":(top,glob)**.yml",
    "caret": "HEAD^{commit}.yml",
    "at": "a@b@c.yml",
    "long": "a" * 5000 + ".yml",
    "deep": "a/" * 5000 + "b.yml",
    "huge": "b" * 300_000 + ".yml",
    "empty": "",
}


JOBS = """
elsewhere-{1}: {{script: x, rules: [{{exists: {{paths: [a], project: group/good, ref: {0}}}}}]}}
child-{1}: {{trigger: {{include: [{{local: {0}}}]}}}}
"""


def _config(kind: str) -> str:
    """Write one file with every string in place of one kind of include."""
    texts = [f'"{text}"' for text in STRINGS.values()]
    entries = "".join(f"  - {KINDS[kind].format(text)}\n" for text in texts)
    jobs = "".join(JOBS.format(text, number) for number, text in enumerate(texts))
    return f"include:\n{entries}{jobs}"


def _sync(folder: Path) -> Sync:
    return Sync(open_state(Settings(home=folder)), folder / "mirrors", include_hosts=["*"])


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_includes_are_diagnostics(kind: str, tmp_path: Path):
    """Each is told with its file, and the next repository is synced all the same."""
    make_repository(tmp_path / "group" / "good", {".gitlab-ci.yml": "job: {script: 'true'}\n"})
    make_repository(tmp_path / "group" / "bad", {".gitlab-ci.yml": _config(kind)})

    results = _sync(tmp_path).all([str(tmp_path / "group" / name) for name in ("bad", "good")])

    assert results[-1].ok
    said = [one for result in results for one in result.diagnostics]
    assert all(len(one.message) < 5000 for one in said)
    assert not [one for one in said if one.code == "source-unreadable"], said
    assert not [one for one in said if "password" in str(one)]


def test_whatever_is_wrong_with_one_repository_stays_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Also what nobody has thought of: file and words, no traceback, and the others are synced."""
    make_repository(tmp_path / "bad", {".gitlab-ci.yml": "job: {script: 'true'}\n"})
    make_repository(tmp_path / "good", {".gitlab-ci.yml": "job: {script: 'true'}\n"})
    compile_it = Sync.compile

    def compile_or_die(self: Sync, *given: object) -> object:
        if "bad" in str(given[1]):
            raise ZeroDivisionError("by nobody's doing")
        return compile_it(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Sync, "compile", compile_or_die)

    home = ["sync", "--home", str(tmp_path / "home")]
    code = main([*home, str(tmp_path / "bad"), "/no\0where", "/nowhere", str(tmp_path / "good")])

    seen = capsys.readouterr()
    assert code == 1
    assert seen.out.startswith("local/good: main at ")
    assert f"{tmp_path / 'bad'}: error" in seen.err
    assert "ZeroDivisionError: by nobody's doing" in seen.err
    assert "/nowhere" in seen.err
    assert "Traceback" not in seen.err


@pytest.mark.parametrize(
    "location",
    ["https://[::1/a", "https://h:99999/a", "~nobody-at-all/a", "a\0b", "x" * 300_000, ""],
)
def test_hostile_locations_are_told(location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What a person calls a repository may be anything."""
    monkeypatch.chdir(tmp_path)  # an empty location is the current folder
    (result,) = _sync(tmp_path).all([location])

    assert not result.ok
    assert [one.severity for one in result.diagnostics] == [Severity.ERROR]
    assert len(str(result.diagnostics[0])) < 6000


@pytest.mark.parametrize(("command", "kind"), list(product(["lint", "compile"], KINDS)))
def test_commands_tell_of_hostile_includes(
    command: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """`lint` and `compile` read the working copy, where paths are the system's."""
    (tmp_path / ".gitlab-ci.yml").write_text(_config(kind))

    assert main([command, str(tmp_path), "--allow-remote", "*"]) in (0, 1)

    seen = capsys.readouterr()
    assert "Traceback" not in seen.err
    assert "\x1b" not in seen.out + seen.err
    assert max(map(len, (seen.out + seen.err).splitlines()), default=0) < 6000
