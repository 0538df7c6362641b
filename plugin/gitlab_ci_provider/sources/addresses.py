"""Which network addresses may be contacted: those of the public internet.

Python's `is_global` looks only at the IPv6 address itself; several kinds contain an IPv4 address
and reach what that one reaches.
"""

from __future__ import annotations

import ipaddress

_PUBLIC = ipaddress.IPv6Network("2000::/3")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # for protocols
            "192.88.99.0/24",  # relays of 6to4
            "2001::/23",  # for protocols; Teredo, which carries IPv4 addresses
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4, which carries IPv4 addresses
            "3fff::/20",  # documentation
        ),
    )
)
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The third 32 bits of addresses that carry an IPv4 address in their last 32."""


def is_public(address: str) -> bool:
    """Return whether an address belongs to the public internet and to nobody's own network.

    IPv6 in IPv6-only networks: what NAT64 makes of a public IPv4 address (64:ff9b::/96) is public.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return _is_public_v4(found)
    inside = found.ipv4_mapped
    if inside is None and found in _TRANSLATED:
        inside = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    if inside is not None:
        return _is_public_v4(inside)
    tunneled = (int(found) >> 32) & 0xFFFFFFFF in _ISATAP
    return found in _PUBLIC and found.is_global and not tunneled and not _is_special(found)


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    usual = address.is_global and not address.is_multicast and not address.is_reserved
    return usual and not _is_special(address)


def _is_special(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address.version == network.version and address in network for network in _SPECIAL)
