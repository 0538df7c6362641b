"""Every engine: the same builds, the same rules; the command lines are in `golden`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.image_builds.engine import Engine, pod_arguments
from gitlab_ci_provider.image_builds.engines import ENGINES, build_container
from gitlab_ci_provider.model.image_build import ImageBuild, LayerCache, RegistryAccess
from unit.image_builds.cases import CASES, KANIKO_CASES

HERE = Path(__file__).parent
BASELINE = {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
    *("NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}
"""Capabilities that Pod Security `baseline` lets a container add."""


def _cases() -> Iterator[tuple[str, Engine, ImageBuild]]:
    for engine in ENGINES.values():
        for case, build in CASES.items():
            yield case, engine, build
    for case, build in KANIKO_CASES.items():
        yield case, ENGINES["kaniko"], build


CASES_OF_ENGINES = [
    pytest.param(case, engine, build, id=f"{case}-{engine.name}")
    for case, engine, build in _cases()
]
EACH_ENGINE = pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))


@pytest.mark.parametrize(("case", "engine", "build"), CASES_OF_ENGINES)
def test_a_build_becomes_this_container(
    case: str, engine: Engine, build: ImageBuild, request: pytest.FixtureRequest
):
    """The golden file holds each argument, the variables and the security context."""
    made = build_container(build, engine)
    shown = {
        "command": list(made.command),
        "env": dict(made.env),
        "docker_config": made.docker_config,
        "scratch": made.scratch,
        "security": made.security,
        "pod_security": made.pod_security,
    }
    text = json.dumps(shown, indent=1, ensure_ascii=False) + "\n"
    file = HERE / "golden" / f"{case}.{engine.name}.json"
    if request.config.getoption("--update-golden"):
        file.write_text(text, "utf-8")

    assert text == file.read_text("utf-8")


def test_kaniko_gets_only_flags_that_it_knows():
    """Every argument is `--flag=value` with a flag of the fork, or a flag that takes no value."""
    lines = (HERE / "kaniko-flags.txt").read_text("utf-8").splitlines()
    kinds = dict(line.split() for line in lines if not line.startswith("#"))
    used = set()
    for build in (*CASES.values(), *KANIKO_CASES.values()):
        for word in build_container(build, ENGINES["kaniko"]).command[1:]:
            flag, equals, value = word.partition("=")
            name = flag.removeprefix("--")
            assert flag == f"--{name}"
            assert equals or kinds[name] == "bool"
            assert kinds[name] != "int" or value.isdigit()
            assert kinds[name] != "comma-list" or "," not in value
            used.add(name)

    assert used <= kinds.keys()
    assert len(used) > 25


@pytest.mark.parametrize("cached", [False, True])
def test_kaniko_holds_packed_layers_in_memory_only_when_it_is_asked_to(cached: bool):
    """Of the image and of the cache: a layer of a gigabyte takes more than four of memory so."""
    quick = LayerCache(enabled=cached, repo="r.example.com/cache" * cached, compressed=True)
    build = ImageBuild(context="dir:///workspace", destinations=("r.example.com/app:1",))
    flag = "--compressed-caching=false"

    for cache, given in ((quick, False), (replace(quick, compressed=False), True)):
        command = build_container(replace(build, cache=cache), ENGINES["kaniko"]).command
        assert (flag in command) == given


@EACH_ENGINE
def test_no_value_of_an_author_can_become_a_flag(engine: Engine):
    """Whatever values hold, there are the same flags; a value is one argument with its flag."""
    tame = ImageBuild(
        context=CASES["hostile"].context,
        destinations=CASES["hostile"].destinations,
        build_args=dict.fromkeys(CASES["hostile"].build_args, "x"),
        labels={"label": "x"},
    )

    def flags(build: ImageBuild) -> list[str]:
        return [word.partition("=")[0] for word in _words(build_container(build, engine).command)]

    assert flags(CASES["hostile"]) == flags(tame)


def _words(command: tuple[str, ...]) -> list[str]:
    """Return what a program gets: of a script in which all is written out, what its shell reads."""
    is_script = command[:2] == ("sh", "-c") and len(command) == 3
    return shlex.split(command[2]) if is_script else list(command)


@EACH_ENGINE
def test_the_level_of_pod_security_is_told_as_it_is(engine: Engine):
    """`baseline` engines keep to what that level allows; the other one says `privileged`."""
    made = build_container(CASES["smallest"], engine)
    seccomp = made.security.get("seccompProfile")
    capabilities = made.security.get("capabilities", {})
    assert isinstance(capabilities, dict)

    assert (seccomp == {"type": "Unconfined"}) == (made.pod_security == "privileged")
    assert not made.security.get("privileged")
    assert set(capabilities.get("add", ())) <= BASELINE


@pytest.mark.parametrize("name", ["buildkit", "buildah"])
def test_what_an_engine_cannot_do_is_said(name: str):
    """Nothing is left out in silence: each option that the engine lacks is named."""
    build = ImageBuild(
        context="s3://bucket/context.tar.gz",
        snapshot_mode="time",
        cache=LayerCache(enabled=True, repo="r.example.com/cache", compressed=True),
        registries=RegistryAccess(ignore_immutable_tags=True),
    )
    with pytest.raises(SystemFailure) as raised:
        build_container(build, ENGINES[name])  # type: ignore[index]  # a parameter of the test

    for where in ("context", "snapshot_mode", "cache.compressed", "ignore_immutable_tags"):
        assert where in str(raised.value)


@pytest.mark.parametrize("path", ["group/app.git", "group/app", "group/app/"])
def test_a_repository_is_not_taken_for_an_archive(path: str):
    """BuildKit clones only what ends in .git, and the same context is one for each engine."""
    build = ImageBuild(context=f"git://gitlab.example.com/{path}#refs/heads/main")

    words = build_container(build, ENGINES["buildkit"]).command
    assert "--opt=context=https://gitlab.example.com/group/app.git#refs/heads/main" in words


def test_all_mistakes_of_a_build_are_told_at_once():
    """A person mends a build in one go."""
    build = ImageBuild(context="/builds", dockerfile="../x", destinations=("UPPER/App",))
    with pytest.raises(SystemFailure) as raised:
        build_container(build, ENGINES["kaniko"])

    words = str(raised.value)
    assert all(where in words for where in ("context:", "dockerfile:", "destinations[0]:"))


def test_kubernetes_expands_nothing_in_the_arguments():
    """Kubernetes replaces `$(NAME)` in a command by a variable of the container; `$$` is `$`."""
    assert pod_arguments(("$(SECRET)", "a$$b", "plain")) == ["$$(SECRET)", "a$$$$b", "plain"]
