"""Fields of a pod that nothing acts on."""

from __future__ import annotations

import pytest

from gitlab_ci_cluster.kubelet.unsupported import unsupported_fields


def test_fields_that_nothing_acts_on_are_listed():
    """Of the pod, of its containers, and of what is asked of security."""
    spec = {
        "affinity": {"nodeAffinity": {}},
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}, "runAsUser": 1},
        "containers": [{"name": "m", "restartPolicyRules": [{}], "image": "x"}],
    }

    assert unsupported_fields(spec, has_profiles=False) == [
        "spec.affinity",
        "spec.securityContext.seccompProfile",
        "spec.containers{m}.restartPolicyRules",
    ]


@pytest.mark.parametrize("kind", ["RuntimeDefault", "Unconfined", "Localhost"])
def test_an_engine_has_profiles_or_none(kind: str):
    """But it is given no seccomp profile of the node, which is a file; AppArmor's are names."""
    context = {"seccompProfile": {"type": kind}, "appArmorProfile": {"type": kind}}
    spec = {"containers": [{"name": "m", "image": "x", "securityContext": context}]}

    found = unsupported_fields(spec, has_profiles=True)
    assert found == ["spec.containers{m}.securityContext.seccompProfile"] * (kind == "Localhost")
