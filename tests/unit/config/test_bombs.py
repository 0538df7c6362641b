"""Small files that mean gigantic trees: through references, aliases, `extends`, in every place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.discovery.sync import Sync
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.repositories import make_repository

LEVELS, WIDTH = 11, 10
TOO_BIG = "The parsed YAML is too big"
PLACES = {
    "nowhere": "",
    "unknown": ", nonsense: {0}",
    "before_script": ", before_script: {0}",
    "variables": ", variables: {0}",
    "rules": ", rules: {0}",
    "needs": ", needs: {0}",
    "cache": ", cache: {0}",
    "services": ", services: {0}",
    "id_tokens": ", id_tokens: {0}",
    "secrets": ", secrets: {0}",
    "dast_configuration": ", dast_configuration: {0}",
    "only": ", only: {0}",
    "parallel": ", parallel: {{matrix: {0}}}",
    "inputs": ", inputs: {0}",
}
COMMANDS = (["lint"], ["compile"], ["compile", "--json"], ["compile", "--explain", "job"])


def _listed(reference: str) -> str:
    return "[" + ", ".join([reference] * WIDTH) + "]"


def _mapped(reference: str) -> str:
    return "{" + ", ".join(f"k{number}: {reference}" for number in range(WIDTH)) + "}"


def references(place: str, shape: str) -> str:
    """Write levels of ten references each to the level below: 10 to the 11th leaves."""
    group = _listed if shape == "list" else _mapped
    levels = [f".b0:\n  x: {group('aaaaaaaaaaaa')}\n"]
    levels += [
        f".b{n}:\n  x: {group(f'!reference [.b{n - 1}, x]')}\n" for n in range(1, LEVELS + 1)
    ]
    top = f"!reference [.b{LEVELS}, x]"
    return "".join(levels) + f"job: {{script: x{PLACES[place].format(top)}}}\n"


def shared_by_extends() -> str:
    """Write a job of a hundred thousand nodes, and two hundred that take it over."""
    base = "\n".join(f"  - &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 5))
    jobs = "".join(f"job{n}: {{extends: .base, script: x}}\n" for n in range(200))
    return f".a:\n  - &l0 [{', '.join(['aaaaaaaaaa'] * 10)}]\n{base}\n.base: {{x: *l4}}\n{jobs}"


def _write(folder: Path, text: str) -> Path:
    (folder / ".gitlab-ci.yml").write_text(text)
    return folder


@pytest.mark.parametrize("shape", ["list", "map"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_references_to_references(
    command: list[str], place: str, shape: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Counted once they are resolved, so that no command walks through what nobody can."""
    folder = _write(tmp_path, references(place, shape))

    main([*command, str(folder)])

    seen = capsys.readouterr()
    assert TOO_BIG in seen.out + seen.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_many_jobs_that_take_over_a_large_one(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Each is small enough by itself; together they are not."""
    main([*command, str(_write(tmp_path, shared_by_extends()))])

    seen = capsys.readouterr()
    assert TOO_BIG in seen.out + seen.err


def test_sync_tells_of_a_bomb_and_goes_on(tmp_path: Path):
    """The next repository is synced."""
    make_repository(tmp_path / "bomb", {".gitlab-ci.yml": references("needs", "list")})
    make_repository(tmp_path / "good", {".gitlab-ci.yml": "job: {script: 'true'}\n"})
    sync = Sync(open_state(Settings(home=tmp_path)), tmp_path / "mirrors")

    bomb, good = sync.all([str(tmp_path / "bomb"), str(tmp_path / "good")])

    assert TOO_BIG in {one.message for one in bomb.diagnostics}
    assert good.ok


def test_lint_walks_shared_nodes_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Secrets in what many jobs share are found, and told once."""
    secret = "glpat-" + "a" * 20
    text = f".a: &a {{variables: {{X: {secret}}}}}\n" + "".join(
        f"job{n}: {{script: x, variables: !reference [.a, variables]}}\n" for n in range(300)
    )

    main(["lint", "--format", "json", str(_write(tmp_path, text))])

    found = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in found].count("secret-in-plain-sight") == 1
