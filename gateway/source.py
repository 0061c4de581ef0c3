"""Where a call comes from: the address that the proxy vouches for, or that of who calls the gateway itself."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import unquote

from gateway.rpc.call import Metadata

EDGE_KEY_HEADER: Final = "x-overround-edge"
SOURCE_HEADER: Final = "x-overround-source"
IPV6_PREFIX: Final = 64
"""Who has one IPv6 address has all of its network."""
ADDRESSES_CACHED_MAX: Final = 4_096

AddressOf = Callable[[Metadata, str], str]
"""Of a call's metadata, and of gRPC's name for who is at the other end."""


def address_reader(edge_key: str) -> AddressOf:
    """Return what reads the address of a call.

    Args:
        edge_key: What the proxy proves itself with; of calls without it the headers say nothing.
    """

    def address_of(metadata: Metadata, peer: str) -> str:
        headers = dict(metadata)
        given = str(headers.get(EDGE_KEY_HEADER, ""))
        if given and hmac.compare_digest(given.encode(), edge_key.encode()):
            return network_of(str(headers.get(SOURCE_HEADER, "")))
        return network_of(_host_of(peer))

    return address_of


@lru_cache(maxsize=ADDRESSES_CACHED_MAX)
def network_of(address: str) -> str:
    """Return whom an address belongs to: itself, or its network in IPv6; anything else is one source of its own."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(IPv6Network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)


def _host_of(peer: str) -> str:
    """Return the address of gRPC's name for a peer: "ipv4:127.0.0.1:5000", "ipv6:%5B::1%5D:5000"."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")
