"""GitLab's refusals and silence in words: what failed, where, and what to do."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.gitlab_api.server import GitLabServer, TokenKind
from gitlab_ci_provider.model.quoted import quoted, readable

_SAID = 300
_NOT_GITLABS = "answers with something that is not GitLab's: is the address that of a GitLab?"
_ERRNO = re.compile(r"\[Errno -?\d+\] ([^\"')]+)")
"""What the operating system said, somewhere inside the words of urllib3."""

_log = logging.getLogger(__name__)

_HEADERS = {TokenKind.JOB: "JOB-TOKEN", TokenKind.OAUTH: "Bearer"}


@contextmanager
def in_words(server: GitLabServer, doing: str) -> Iterator[None]:
    """Turn what python-gitlab and requests raise into our error.

    Args:
        server: that is asked.
        doing: what for, after "cannot": `list the projects of group/sub`.

    Raises:
        GitlabApiError: instead of theirs, without their traceback: it can hold the token.
    """
    import gitlab
    import requests

    from gitlab_ci_provider.gitlab_api.limits import EndlessError

    try:
        yield
    except gitlab.GitlabError as problem:
        words, status = _refusal(server, problem), problem.response_code
    except requests.exceptions.RetryError:
        words, status = "limits the number of requests (429), and the wait is too long", 429
    except EndlessError as problem:
        words, status = f"sends too much: {problem}", None
    except requests.RequestException as problem:
        words, status = _silence(server, problem), None
    except (LookupError, TypeError, ValueError, AttributeError):  # python-gitlab takes it apart
        _log.debug("an answer to: %s", doing, exc_info=True)
        words, status = _NOT_GITLABS, None
    else:
        return
    message = f"cannot {doing}: GitLab at {server.url} {words}"
    raise GitlabApiError(server.hide(readable(message)), status) from None


def _refusal(server: GitLabServer, problem: Exception) -> str:
    status = getattr(problem, "response_code", None)
    body = getattr(problem, "response_body", None)
    said = _said(server, getattr(problem, "error_message", ""))
    whole = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    if status is None:
        return _NOT_GITLABS
    if status == 401:
        return f"does not accept the token (401{said}): {_unaccepted(server, whole)}"
    if status == 403 and "insufficient_scope" in whole:
        return "refuses (403): the token lacks a scope; make one with the scope `api` or `read_api`"
    return _by_status(status, said)


def _by_status(status: int, said: str) -> str:
    if status == 403:
        return f"refuses (403{said}): the token's user needs a higher role there"
    if status == 404:
        return f"does not know it (404{said}): it is not there, or the token may not see it"
    if 300 <= status < 400:
        return f"redirects ({status}): use the address that it redirects to, often with https://"
    if status >= 500:
        return f"has failed ({status}{said}); look at its state, then try again"
    return f"refuses ({status}{said})"


def _unaccepted(server: GitLabServer, said: str) -> str:
    if not server.token:
        return "there is none, and this is not public; put a token into the connection"
    for word in ("expired", "revoked"):
        if word in said:
            return f"it is {word}; make a new one"
    header = _HEADERS.get(server.kind, "PRIVATE-TOKEN")
    return (
        f"it is wrong, expired, revoked, or not of the kind '{server.kind}' (sent as {header}); "
        "check the token and its kind in the connection"
    )


def _silence(server: GitLabServer, problem: Exception) -> str:
    from requests import exceptions as failures

    text = quoted(server.hide(str(problem)), _SAID)
    if isinstance(problem, failures.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(problem):
        return (
            f"has a certificate that is not trusted ({_certificate(str(problem))}); put the file "
            "of its CA into the connection as `ca_file`"
        )
    if isinstance(problem, failures.ProxyError):
        return f"is not reached through the proxy: {text}"
    if isinstance(problem, failures.InvalidURL):
        return "refers to an address that is not its own; the token was not sent there"
    reason = _ERRNO.search(text)
    return f"does not answer: {reason[1]}" if reason else f"does not answer: {text}"


def _certificate(text: str) -> str:
    for words in ("self-signed certificate", "expired", "Hostname mismatch", "IP address mismatch"):
        if words in text:
            return words
    return "unknown issuer"


def _said(server: GitLabServer, message: object) -> str:
    """Quote GitLab's own words, if there are any."""
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message or "")
    text = text if "<html" not in text.lower() else ""
    return f": {quoted(server.hide(text), _SAID)}" if text.strip() else ""
