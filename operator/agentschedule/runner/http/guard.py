"""Where the runner does not connect to: addresses that hand out a machine's own credentials to whoever asks.

Judged is the address of each connection itself, so that no name, and no later answer of a name server, leads there.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LINK_LOCAL = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10")))
# Of clouds whose metadata service is elsewhere: AWS and Google over IPv6, Alibaba, Azure, Oracle.
METADATA = tuple(
    map(
        ipaddress.ip_network,
        ("fd00:ec2::/32", "fd20:ce::254/128", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
    )
)
FORBIDDEN = (*LINK_LOCAL, *METADATA)
NAMES = ("metadata.google.internal", "metadata.goog", "metadata")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # IPv4 addresses, for machines that have IPv6 alone


class NotAllowed(Exception):
    """The message is the address."""


def check_host(host: str) -> None:
    """What can be said before a connection: a proxy would make it in our place. Raises NotAllowed."""
    if host.rstrip(".").lower() in NAMES:
        raise NotAllowed(host)
    try:
        check(host)
    except ValueError:  # a name: judged once it is resolved
        return


def check(address: str) -> None:
    """Raises NotAllowed, and ValueError for what is no IP address."""
    parsed = ipaddress.ip_address(address)
    if any(meant.version == network.version and meant in network for meant in _meant(parsed) for network in FORBIDDEN):
        raise NotAllowed(address)


def make_socket(info: tuple[Any, ...]) -> socket.socket:
    """The socket for an entry of getaddrinfo. Raises NotAllowed."""
    family, kind, protocol, _, address = info
    check(address[0])
    return socket.socket(family, kind, protocol)


def _meant(address: Address) -> tuple[Address, ...]:
    """The address, and the IPv4 address that it stands for."""
    if not isinstance(address, ipaddress.IPv6Address):
        return (address,)
    if address.ipv4_mapped:
        return (address, address.ipv4_mapped)
    return (address, ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)) if address in NAT64 else (address,)
