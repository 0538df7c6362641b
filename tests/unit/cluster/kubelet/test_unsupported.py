"""Fields of a pod that nothing acts on."""

from __future__ import annotations

import pytest

from gitlab_ci_cluster.kubelet.unsupported import unsupported_fields


def test_fields_that_nothing_acts_on_are_listed():
    """Of the pod, of its containers, and of what is asked of security."""
    spec = {
        "affinity": {"nodeAffinity": {}},
        "securityContext": {"sysctls": [{}], "runAsUser": 1},
        "containers": [{"name": "m", "restartPolicyRules": [{}], "image": "x"}],
    }

    assert unsupported_fields(spec, has_profiles=False) == [
        "spec.affinity",
        "spec.securityContext.sysctls",
        "spec.containers{m}.restartPolicyRules",
    ]


@pytest.mark.parametrize("has_profiles", [True, False])
@pytest.mark.parametrize("kind", ["RuntimeDefault", "Unconfined", "Localhost"])
def test_only_profiles_of_the_node_are_asked_for_in_vain(kind: str, has_profiles: bool):
    """An engine has AppArmor's, which are names, and gets no seccomp profile, which is a file."""
    context = {"seccompProfile": {"type": kind}, "appArmorProfile": {"type": kind}}
    spec = {"containers": [{"name": "m", "image": "x", "securityContext": context}]}

    found = unsupported_fields(spec, has_profiles=has_profiles)
    lacking = {"seccompProfile", *(() if has_profiles else ("appArmorProfile",))}
    wanted = {f"spec.containers{{m}}.securityContext.{name}" for name in lacking}
    assert set(found) == (wanted if kind == "Localhost" else set())
