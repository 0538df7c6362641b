"""What `docker/kubernetes/` lets jobs reach. A network plugin enforces it; here it is read."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "docker" / "kubernetes"
POLICIES: dict[str, Any] = {
    policy["metadata"]["name"]: policy["spec"]
    for policy in yaml.safe_load_all((FOLDER / "network-policy.yaml").read_text())
}


def reaches(address: str) -> bool:
    """Tell whether any rule for addresses lets jobs reach this one."""
    blocks = [
        peer["ipBlock"]
        for spec in POLICIES.values()
        for rule in spec["egress"]
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    return any(_holds(block, address) for block in blocks)


def _holds(block: dict[str, Any], address: str) -> bool:
    inside = ip_address(address) in ip_network(block["cidr"])
    return inside and not any(
        ip_address(address) in ip_network(cut) for cut in block.get("except", ())
    )


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "10.96.0.1", "172.20.0.1", "192.168.49.2", "100.100.100.200"),
        *("168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fe80::1"),
    ],
)
def test_jobs_reach_no_private_address(address: str):
    """Credentials of clouds, API servers, nodes and other pods live there."""
    assert not reaches(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "192.0.2.10"])
def test_jobs_reach_the_internet_and_what_is_named(address: str):
    """Git servers, registries, and servers in private networks that the file names."""
    assert reaches(address)


def test_names_are_asked_for_at_port_53_only():
    """Of the pods that answer, and of a node's own cache; nothing else of either is reached."""
    first, *_ = POLICIES["jobs-are-alone"]["egress"]

    assert {(port["protocol"], port["port"]) for port in first["ports"]} == {
        ("UDP", 53),
        ("TCP", 53),
    }
    assert {"cidr": "169.254.20.10/32"} in [peer.get("ipBlock") for peer in first["to"]]


def test_nobody_reaches_a_job():
    """No pod of the namespace takes connections, whatever its labels are."""
    spec = POLICIES["jobs-are-alone"]

    assert spec["podSelector"] == {}
    assert spec["ingress"] == []
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}


def test_all_manifests_are_applied():
    """`kubectl apply -k` takes each file of the folder."""
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]

    assert {*listed, "kustomization.yaml"} == {path.name for path in FOLDER.glob("*.yaml")}
