"""What engines say when they fail, and what a person reads.

The lines of Kaniko and BuildKit are examples that no build made here: neither can run where the
tests do. buildah's words are also proved by real builds, in
`tests/integration/cluster/test_image_registries.py`.
"""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.image_builds.failures import build_failure

SCRIPT = FailureReason.SCRIPT_FAILURE
SETTINGS = FailureReason.RUNNER_CONFIGURATION_ERROR
OUTSIDE = FailureReason.RUNNER_EXTERNAL_DEPENDENCY_FAILURE

SAID = [
    (
        (
            'error checking push permissions: POST "https://r.example.com/v2/app/blobs/uploads/": '
            "UNAUTHORIZED: authentication required; [map[Action:push]]"
        ),
        "the login (401)",
        SETTINGS,
    ),
    (
        (
            "error pushing image: failed to push to destination r.example.com/app:1: DENIED: "
            "requested access to the resource is denied"
        ),
        "may not do this in the registry (403)",
        SETTINGS,
    ),
    (
        (
            "error pushing image: failed to push to destination r/app:1: PUT "
            "https://r/v2/app/manifests/1: unexpected status code 500 Internal Server Error"
        ),
        "failed, or was too busy",
        OUTSIDE,
    ),
    (
        (
            "error pushing image: TAG_INVALID: The image tag '1' already exists in the 'app' "
            "repository and cannot be overwritten because the tag is immutable."
        ),
        "does not let this tag be changed",
        SCRIPT,
    ),
    (
        'Get "https://r.example.com/v2/": x509: certificate signed by unknown authority',
        "certificate is not trusted",
        SETTINGS,
    ),
    (
        'Get "https://r:5000/v2/": http: server gave HTTP response to HTTPS client',
        "plain HTTP",
        SETTINGS,
    ),
    (
        (
            "error building image: error building stage: failed to execute command: waiting for "
            "process to exit: exit status 7"
        ),
        "a command of the Dockerfile failed",
        SCRIPT,
    ),
    (
        (
            'ERROR: failed to solve: process "/bin/sh -c exit 7" did not complete successfully: '
            "exit code: 7"
        ),
        "a command of the Dockerfile failed",
        SCRIPT,
    ),
    (
        'Error: building at STEP "RUN exit 7": while running runtime: exit status 7',
        "a command of the Dockerfile failed",
        SCRIPT,
    ),
    (
        (
            "Error: error resolving dockerfile path: please provide a valid path to a Dockerfile "
            "within the build context with --dockerfile"
        ),
        "no Dockerfile where",
        SCRIPT,
    ),
    (
        (
            "error building image: parsing dockerfile: dockerfile parse error line 2: unknown "
            "instruction: RUM"
        ),
        "cannot be read",
        SCRIPT,
    ),
    (
        "error building image: MANIFEST_UNKNOWN: manifest unknown; map[Tag:nope]",
        "has no such image",
        SCRIPT,
    ),
    (
        "dial tcp: lookup r.example.com on 10.0.0.10:53: no such host",
        "cannot be reached",
        OUTSIDE,
    ),
    ("write /kaniko/layer: no space left on device", "disk is full", OUTSIDE),
]


@pytest.mark.parametrize(("line", "words", "reason"), SAID)
def test_a_failure_is_told_in_words(line: str, words: str, reason: FailureReason):
    """The words say what to do, the engine's own line follows, and `retry:when` gets a reason."""
    found = build_failure(f"STEP 1/2: FROM scratch\n{line}\n", exit_code=1)

    assert words in found.message
    assert line[:60] in found.message
    assert "with exit code 1" in found.message
    assert found.reason is reason


def test_an_unknown_failure_shows_the_last_line():
    """Nothing is guessed."""
    assert build_failure("one\ntwo\n").message == "the image build failed: two"
    assert build_failure("").message == "the image build failed; see the log"


def test_what_a_hostile_dockerfile_prints_cannot_forge_a_line():
    """Control characters are escaped, and a login in an address is left out."""
    line = 'Error: building at STEP "RUN x": \x1b[2J https://user:secret@host/ \x07'
    found = build_failure(line)

    assert found.message.isprintable()
    assert "secret" not in found.message
