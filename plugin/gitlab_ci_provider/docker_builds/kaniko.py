"""The commands of a job that builds its images with Kaniko.

Every word stands in double quotes after its option: whatever a variable holds is the value of that
option, and never another option.
"""

from __future__ import annotations

from collections.abc import Sequence

from gitlab_ci_provider.docker_builds.build import DockerBuild
from gitlab_ci_provider.docker_builds.login import Login
from gitlab_ci_provider.docker_builds.words import Word, joined
from gitlab_ci_provider.image_builds.kaniko import EXECUTOR


def login_script(logins: Sequence[Login]) -> str:
    """Write the executor's config.json with all logins so far."""
    entries = ", ".join(['"%s": {"auth": "%s"}'] * len(logins))
    lines = [
        'mkdir -p "$DOCKER_CONFIG"',
        "unset DOCKER_AUTH_CONFIG",
        f"printf '{{\"auths\": {{{entries}}}}}' \\",
    ]
    for login in logins:
        pair = f"printf '%s:%s' {login.user.quoted} {login.password.quoted}"
        lines.append(f"  {login.registry.quoted} \"$({pair} | base64 | tr -d '\\n')\" \\")
    return "\n".join([*lines, '  > "$DOCKER_CONFIG/config.json"'])


def build_script(build: DockerBuild, destinations: Sequence[Word], *, cleanup: bool) -> str:
    """Write the executor's command.

    Args:
        build: what is built.
        destinations: what is pushed; without any, it is only built.
        cleanup: leave an empty root for the next build.
    """
    options = [joined("--context=dir://", build.context), joined("--dockerfile=", build.dockerfile)]
    options += build.options
    options += [joined("--destination=", word) for word in destinations]
    switches = [] if destinations else ["--no-push"]
    switches += ["--cache=true"] if build.cached and destinations else []
    # Else it holds packed layers in memory: one of a gigabyte takes more than four.
    switches += ["--compressed-caching=false"]
    switches += ["--cleanup"] if cleanup else []
    lines = [*map(_argument, options), *switches]
    return " \\\n  ".join([EXECUTOR, *lines])


def _argument(word: Word) -> str:
    """Write an option with its value: `--tag="$A"`; an expansion that may be nothing stays bare."""
    if word.loose == (word.source,):
        return word.source
    option, equals, _ = word.body.partition("=")
    return option + equals + word.after(option + equals).quoted
