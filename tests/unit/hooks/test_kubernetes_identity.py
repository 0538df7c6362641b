"""Who we are to Kubernetes."""

from __future__ import annotations

from kubernetes import client as k8s

from gitlab_ci_provider.hooks.kubernetes import identify


def test_a_token_replaces_every_other_identity():
    """With a job's own token, neither the connection's token nor its certificate is used."""
    configuration = k8s.Configuration(host="https://k8s.example.com")
    configuration.api_key = {"authorization": "Bearer of the connection"}
    configuration.cert_file = "client.crt"
    configuration.refresh_api_key_hook = lambda found: found.api_key.clear()
    core = k8s.CoreV1Api(k8s.ApiClient(configuration))
    identify(core, "of the job", 1)

    used = core.api_client.configuration
    assert used.auth_settings()["BearerToken"]["value"] == "Bearer of the job"
    assert used.cert_file is None
