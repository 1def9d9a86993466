"""Which IP addresses are public. Pure.

Python's `is_global` alone will not do: it calls multicast, NAT64 and 6to4 addresses global, and what is carried
inside of an IPv6 address may be any IPv4 address.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# Where clouds tell a machine's secrets to whoever asks from it. Refused to allowed hosts, too.
_METADATA = [
    ip_network(net)
    for net in (
        "169.254.0.0/16",  # AWS, Google, Azure and most others; link-local as a whole
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure's other one, which looks public
        "192.0.0.192/32",  # Oracle
        "fd00:ec2::/32",  # AWS
        "fd20:ce::254/128",  # Google
    )
]

# What an operator's own hosts live on.
_LOCAL = [
    ip_network(net)
    for net in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
    )
]

# IANA's registry of special-purpose addresses, and what is left of older ones.
_SPECIAL_4 = [
    ip_network(net)
    for net in (
        "0.0.0.0/8",  # this host: Linux takes 0.0.0.0 for loopback
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast included
    )
]

# Public IPv6 addresses are a part of this…
_UNICAST_6 = ip_network("2000::/3")
# …without these. All that carries IPv4 inside (mapped, compatible, NAT64) is outside anyway, but for 6to4 and Teredo.
_SPECIAL_6 = [
    ip_network(net)
    for net in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the 6bone that was
        "3fff::/20",  # documentation
    )
]
# ISATAP: an interface identifier of any prefix that carries an IPv4 address.
_ISATAP = {0x0000_5EFE, 0x0200_5EFE}


def read(text: str) -> Address | None:
    """An address as resolvers and URLs write it."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether anybody on the Internet could reach this address: unicast, and of no special purpose."""
    if any(address in net for net in _METADATA):
        return False
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _SPECIAL_4)
    return (
        address.scope_id is None
        and address in _UNICAST_6
        and not any(address in net for net in _SPECIAL_6)
        and int(address) >> 32 & 0xFFFF_FFFF not in _ISATAP
    )


def is_local(address: Address) -> bool:
    """Whether a host that the operator allows may be here, public addresses aside."""
    if any(address in net for net in _METADATA) or getattr(address, "scope_id", None) is not None:
        return False
    return any(address in net for net in _LOCAL)
