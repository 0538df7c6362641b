"""Programs that the process runtime keeps imported start by a fork and notice nothing of it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from integration.cluster.support import Api, has_ended, pod, start_cluster, state_of

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change users")

MODULE = """
import json, os, signal, sys, time
from pathlib import Path

STATUS = ("Name", "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs",
          "SigBlk", "SigIgn", "SigCgt")

def main():
    if sys.argv[1:] == ["fail"]:
        raise ValueError("no such luck")
    status = dict(line.split(":\\t") for line in Path("/proc/self/status").read_text().splitlines())
    print(json.dumps({
        "arguments": sys.argv[1:],
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "files": sorted(os.listdir("/proc/self/fd")),
        "first": os.getpid() == os.getsid(0) == 1,
        "status": {name: status[name] for name in STATUS},
        "streams": [(s.encoding, s.errors) for s in (sys.stdin, sys.stdout, sys.stderr)],
        "umask": os.umask(0),
        "zone": time.tzname[0],
    }))
    print("forked" if "-m" in sys.orig_argv else "started", file=sys.stderr)
    return 7
"""
PROGRAM = """#!{python}
import sys
sys.path.insert(0, {folder!r})
from warm_program_of_a_test import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def programs() -> Iterator[tuple[Path, Path]]:
    """Write the same program twice, where every user can read it; only the first is kept warm."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "warm_program_of_a_test.py").write_text(MODULE)
        for place in ("warm", "cold"):
            (folder / place).mkdir()
            path = folder / place / "program"
            path.write_text(PROGRAM.format(python=sys.executable, folder=name))
            path.chmod(0o755)
        yield folder / "warm" / "program", folder / "cold" / "program"


@pytest.fixture(scope="module")
def client(
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
    programs: tuple[Path, Path],
) -> Iterator[Api]:
    """A cluster that keeps the first program warm."""
    if pytestconfig.option.kubeconfig:
        pytest.skip("only the embedded cluster keeps programs warm")
    warm, _ = programs
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(warm.parents[1]))
        option = f"{warm}=warm_program_of_a_test:main"
        cluster = start_cluster(tmp_path_factory.mktemp("cluster"), "--warm", option)
    api = cluster.api()
    yield api
    api.close()
    assert cluster.stop() == 0


def run(
    api: Api, program: Path, *arguments: str, volumes: Sequence[Any] = (), **fields: Any
) -> tuple[int, list[str]]:
    """Run a program in a pod of its own; gives the exit code and the sorted lines of its log."""
    container = {"command": [str(program), *arguments], **fields}
    api.create("pods", pod("a", container=container, volumes=[*volumes]))
    ended = api.wait("a", has_ended)
    lines = api.log("a").decode().splitlines()
    api.delete("pods", "a")
    api.wait_gone("a")
    return int(state_of(ended)["terminated"]["exitCode"]), sorted(lines)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="as it is"),
        pytest.param(
            {
                "securityContext": {
                    "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
                    "allowPrivilegeEscalation": False,
                }
            },
            id="with one capability",
        ),
        pytest.param({"securityContext": {"privileged": True}}, id="privileged"),
        pytest.param(
            {"env": [{"name": "TZ", "value": "EST5"}], "workingDir": "/tmp"},
            id="with variables",
        ),
    ],
)
def test_a_warm_program_finds_what_it_would_find_if_it_were_started(
    client: Api, programs: tuple[Path, Path], fields: dict[str, Any]
) -> None:
    """Rights, variables, directory, descriptors, signals and streams are those of a new process."""
    warm, cold = programs

    warm_code, (how, found) = run(client, warm, "a", "b c", **fields)
    cold_code, (cold_how, expected) = run(client, cold, "a", "b c", **fields)

    assert (how, cold_how) == ("forked", "started")
    assert json.loads(found) == json.loads(expected)
    assert (warm_code, cold_code) == (7, 7)


@ROOT
def test_a_warm_program_runs_as_the_user_of_its_container(
    client: Api, programs: tuple[Path, Path]
) -> None:
    """It has the user's rights and no others, and owns its files in /proc."""
    warm, _ = programs

    code, (how, found) = run(client, warm, securityContext={"runAsUser": 1234, "runAsGroup": 4321})

    status = json.loads(found)["status"]
    assert (code, how) == (7, "forked")
    assert status["Uid"].split() == ["1234"] * 4
    assert status["Gid"].split() == ["4321"] * 4
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff")} == {0}


def test_another_program_at_the_path_of_a_warm_one_is_started(
    client: Api, programs: tuple[Path, Path]
) -> None:
    """What a container has at the path decides, not what the machine has there."""
    warm, _ = programs
    data = {"program": "#!/bin/sh\necho mine\n"}
    client.create("configmaps", {"metadata": {"name": "other"}, "data": data})
    mount = {"name": "other", "mountPath": str(warm), "subPath": "program"}
    volume = {"name": "other", "configMap": {"name": "other", "defaultMode": 0o755}}

    code, said = run(client, warm, volumeMounts=[mount], volumes=[volume])

    assert (code, said) == (0, ["mine"])


def test_a_warm_program_that_fails_says_why(client: Api, programs: tuple[Path, Path]) -> None:
    """An exception ends it as it ends an interpreter: a traceback, and code 1."""
    warm, _ = programs

    code, said = run(client, warm, "fail")

    assert code == 1
    assert "Traceback (most recent call last):" in said
