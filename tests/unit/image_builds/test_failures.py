"""What engines say when they fail, and what a person reads.

Kaniko's lines marked as seen were written by its executor, compiled from the source of v1.28.3 and
run with our command lines against the registry of the tests; its image cannot be had here. The same
is true of BuildKit, as root. buildah's words are also proved by real builds, in
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
        'Error: cloning "https://h/app.git": exec: "git": executable file not found in $PATH',
        "has no git, which this context needs",
        SETTINGS,
    ),
    ("sh: line 2: git: command not found", "has no git, which this context needs", SETTINGS),
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
    # Seen: from here to the line of the disk.
    (
        (
            'error checking push permissions: checking push permission for "127.0.0.1:37677/group/'
            'app:1": POST http://127.0.0.1:37677/v2/group/app/blobs/uploads/: UNAUTHORIZED: '
            "authentication required"
        ),
        "the login (401)",
        SETTINGS,
    ),
    (
        (
            'error checking push permissions: checking push permission for "127.0.0.1:42469/group/'
            'app:1": POST http://127.0.0.1:42469/v2/group/app/blobs/uploads/: DENIED: requested '
            "access to the resource is denied"
        ),
        "may not do this in the registry (403)",
        SETTINGS,
    ),
    (
        (
            'error checking push permissions: checking push permission for "127.0.0.1:37265/group/'
            'app:1": POST http://127.0.0.1:37265/v2/group/app/blobs/uploads/: UNKNOWN: unknown '
            "error"
        ),
        "failed, or was too busy",
        OUTSIDE,
    ),
    (
        (
            "error pushing image: failed to push to destination 127.0.0.1:45819/group/app:1: PUT "
            "http://127.0.0.1:45819/v2/group/app/manifests/1: TAG_INVALID: tag 1 cannot be "
            "overwritten because the tag is immutable"
        ),
        "does not let this tag be changed",
        SCRIPT,
    ),
    (
        (
            'error checking push permissions: checking push permission for "127.0.0.1:32975/group/'
            'app:1": creating push check transport for 127.0.0.1:32975 failed: Get "https://'
            '127.0.0.1:32975/v2/": tls: failed to verify certificate: x509: certificate signed by '
            "unknown authority; GET http://127.0.0.1:32975/v2/: unexpected status code 400 Bad "
            "Request: Client sent an HTTP request to an HTTPS server."
        ),
        "certificate is not trusted",
        SETTINGS,
    ),
    (
        (
            'error checking push permissions: checking push permission for "127.0.0.1:1/group/app:1'
            '": creating push check transport for 127.0.0.1:1 failed: Get "https://127.0.0.1:1/v2/'
            '": dial tcp 127.0.0.1:1: connect: connection refused'
        ),
        "cannot be reached",
        OUTSIDE,
    ),
    (
        (
            "error building image: unable to complete operation after 0 attempts, last error: GET "
            "http://127.0.0.1:37385/v2/missing/manifests/1: MANIFEST_UNKNOWN: manifest unknown; "
            "map[Tag:1]"
        ),
        "has no such image",
        SCRIPT,
    ),
    (
        (
            "error building image: parsing dockerfile: dockerfile parse error on line 2: unknown "
            "instruction: RUNN (did you mean RUN?)"
        ),
        "cannot be read",
        SCRIPT,
    ),
    (
        "error: failed to solve: failed to push 127.0.0.1:44333/group/app:1: unknown",
        "failed, or was too busy",
        OUTSIDE,
    ),
    (
        "error: failed to solve: failed to push 127.0.0.1:42703/group/app:1: denied",
        "may not do this in the registry (403)",
        SETTINGS,
    ),
    (
        (
            "error: failed to solve: failed to push 127.0.0.1:43727/group/app:1: unexpected status "
            "from HEAD request to http://127.0.0.1:43727/v2/group/app/blobs/sha256:da4c4e2c: 401 "
            "Unauthorized"
        ),
        "the login (401)",
        SETTINGS,
    ),
    (
        (
            "error: failed to solve: failed to push 127.0.0.1:36063/group/app:1: unknown: tag 1 "
            "cannot be overwritten because the tag is immutable"
        ),
        "does not let this tag be changed",
        SCRIPT,
    ),
    (
        (
            "error: failed to solve: 127.0.0.1:33235/missing:1: failed to resolve source metadata "
            "for 127.0.0.1:33235/missing:1: 127.0.0.1:33235/missing:1: not found"
        ),
        "has no such image",
        SCRIPT,
    ),
    (
        "error: invalid local: resolve : lstat /workspace/docker: no such file or directory",
        "no Dockerfile where the build looks",
        SCRIPT,
    ),
    (
        'Use "executor [command] --help" for more information about a command.',
        "no Dockerfile where it looks",
        SCRIPT,
    ),
    (
        'time="2026-11-29T13:10:32Z" level=error msg="(Unable to determine exit status)"',
        "may not make itself a user namespace",
        SETTINGS,
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


MISLEADING = [
    (
        (
            "error pushing image: PUT https://r/v2/app/manifests/1: unexpected status code 500 "
            "Internal Server Error: upstream said 401 Unauthorized"
        ),
        "failed, or was too busy",
    ),
    (
        (
            "error pushing image: PUT https://r/v2/app/manifests/1: unexpected status code 401 "
            'Unauthorized: {"errors":[{"message":"500 internal error, tls: failed"}]}'
        ),
        "the login (401)",
    ),
    (
        (
            "ERROR: failed to solve: failed to push r/app:1: unexpected status from POST "
            "request to https://r/v2/app/blobs/uploads/: 403 Forbidden"
        ),
        "may not do this in the registry (403)",
    ),
    (
        (
            "error pushing image: failed to push to destination r.example.com/immutable/denied:"
            "401: PUT https://r.example.com/v2/immutable/denied/manifests/401: unexpected status "
            "code 503 Service Unavailable"
        ),
        "failed, or was too busy",
    ),
    (
        (
            'Error: building at STEP "RUN test "$(curl example.com)" = "401 unauthorized": denied'
            '": while running runtime: exit status 22'
        ),
        "a command of the Dockerfile failed",
    ),
    (
        (
            'ERROR: failed to solve: process "/bin/sh -c echo \\"x509: denied 403\\"; exit 7" did '
            "not complete successfully: exit code: 7"
        ),
        "a command of the Dockerfile failed",
    ),
    (
        (
            'Error: building at STEP "ADD https://example.com/401/immutable.tar /": no space left '
            "on device"
        ),
        "disk is full",
    ),
    (
        (
            "401 tests have passed, 403 denied\nerror building image: error building stage: "
            "failed to get files used from context: lstat /src/x: no such file or directory"
        ),
        "exit code 1: error building image",
    ),
    (
        (
            "Error: creating build container: initializing source docker://r/base:1: reading "
            "manifest 1 in r/base: received unexpected HTTP status: 502 Bad Gateway"
        ),
        "failed, or was too busy",
    ),
]


@pytest.mark.parametrize(("said", "words"), MISLEADING)
def test_words_of_a_build_or_in_a_name_are_not_the_cause(said: str, words: str):
    """The status that the engine names decides; commands, names and earlier output do not."""
    assert words in build_failure(said, exit_code=1).message


def test_the_error_stands_above_the_flags_of_kaniko():
    """It ends with all of them; what the error is about may be far above."""
    flags = "".join(f"      --flag-{number} string   What it does\n" for number in range(90))
    error = "Error: error resolving source context: HEAD https://tests.blob.core.windows.net/c/a"
    usage = f"Usage:\n  executor [flags]\n\nFlags:\n{flags}\nUse"
    told = build_failure(f'{error}\n{usage} "executor [command] --help" for more information\n')

    assert "the context cannot be read: check its address" in told.message
    assert told.reason is SETTINGS


def test_a_refusal_of_the_context_is_not_one_of_the_registry():
    """Kaniko v1.28.3, with a wrong key for the object store that has the context."""
    said = (
        "Error: error resolving source context: operation error S3: GetObject, https response "
        "error StatusCode: 403, RequestID: , HostID: , api error SignatureDoesNotMatch: The "
        "request signature we calculated does not match the signature you provided."
    )
    assert "the context cannot be read" in build_failure(said, exit_code=1).message


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
