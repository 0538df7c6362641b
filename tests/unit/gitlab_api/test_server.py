"""Addresses of servers, and what may be shown of them."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.gitlab_api.server import GitLabServer, Tls, server_url


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("gitlab.example.com", "https://gitlab.example.com"),
        ("gitlab.example.com:8443", "https://gitlab.example.com:8443"),
        (" http://gitlab.example.com/ ", "http://gitlab.example.com"),
        ("https://example.com/gitlab/", "https://example.com/gitlab"),
        ("https://example.com/api/v4/", "https://example.com"),
        ("https://example.com/gitlab?x=1#y", "https://example.com/gitlab"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_addresses_as_people_write_them(written: str, url: str):
    """A host alone is HTTPS; what does not belong to the address is left out."""
    assert server_url(written) == url


@pytest.mark.parametrize(
    "written",
    ["", "ssh://git@example.com", "https://", "https://x:99999", "https://a b", "file:///etc"],
)
def test_what_is_not_the_address_of_a_web_server_is_refused(written: str):
    """The message says what is expected."""
    with pytest.raises(SettingsError, match="not the address of a GitLab server"):
        server_url(written)


def test_an_address_with_a_login_is_refused_without_showing_it():
    """Tokens in addresses end up in logs."""
    with pytest.raises(SettingsError) as refused:
        server_url("https://user:glpat-secret@gitlab.example.com")

    assert "glpat-secret" not in str(refused.value)


def test_secrets_are_not_in_the_representation_and_are_hidden_in_texts():
    """Token and login of the proxy, also percent-encoded."""
    server = GitLabServer(url="https://x", token="glpat/b+c", proxy="http://me:pass-word@proxy:1")
    text = "glpat/b+c glpat%2Fb%2Bc http://me:pass-word@proxy:1 pass-word"

    assert "glpat/b+c" not in repr(server)
    assert "pass-word" not in repr(server)
    assert server.hide(text) == "*** *** http://***@proxy:1 ***"


@pytest.mark.parametrize(
    ("tls", "ca_file", "verify"),
    [
        (Tls.VERIFY, "", True),
        (Tls.VERIFY, "/ca.pem", "/ca.pem"),
        (Tls.ANY_CERTIFICATE, "/ca.pem", False),
    ],
)
def test_certificates_are_checked_unless_words_say_otherwise(
    tls: Tls, ca_file: str, verify: bool | str
):
    """A CA's file takes the place of the system's."""
    assert GitLabServer(url="https://x", tls=tls, ca_file=ca_file).verify == verify
