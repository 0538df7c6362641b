"""Fields of a pod that nothing acts on."""

from __future__ import annotations

from gitlab_ci_cluster.kubelet.unsupported import unsupported_fields


def test_fields_that_nothing_acts_on_are_listed():
    """Of the pod, of its containers, and of what is asked of security."""
    spec = {
        "affinity": {"nodeAffinity": {}},
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}, "runAsUser": 1},
        "containers": [{"name": "m", "restartPolicyRules": [{}], "image": "x"}],
    }

    assert unsupported_fields(spec) == [
        "spec.affinity",
        "spec.securityContext.seccompProfile",
        "spec.containers{m}.restartPolicyRules",
    ]
