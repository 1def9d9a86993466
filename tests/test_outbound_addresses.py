"""Which addresses are public, what an address may look like, and what an operator may allow: without a network."""

from ipaddress import ip_address, ip_network
from itertools import product

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.outbound import addresses, allowed, names, request, urls
from apps.api.outbound.errors import AddressRefused, RequestRefused

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
]

SPECIAL = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::/96",  # IPv4-compatible
    "::ffff:0:0/96",  # mapped
    "::ffff:0:0:0/96",  # translated
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",  # Teredo
    "2001:2::/48",
    "2001:10::/28",  # ORCHID
    "2001:20::/28",
    "2001:db8::/32",
    "2002::/16",
    "3ffe::/16",
    "3fff::/20",
    "4000::/2",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]

METADATA = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"]


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert addresses.is_public(ip_address(address))


@pytest.mark.parametrize("net", SPECIAL)
def test_special(net: str) -> None:
    network = ip_network(net)
    assert not addresses.is_public(network[0])
    assert not addresses.is_public(network[-1])
    assert not addresses.is_public(network[network.num_addresses // 2])


@given(st.ip_addresses(v=4))
def test_what_carries_an_ipv4_address_is_never_public(inner: object) -> None:
    value = int(inner)  # type: ignore[call-overload]
    carriers = [
        value,
        0xFFFF << 32 | value,
        0xFFFF << 48 | value,
        0x64_FF9B << 96 | value,
        0x64_FF9B_0001 << 80 | value,
        0x2002 << 112 | value << 80,
        0x2001_0000 << 96 | value ^ 0xFFFF_FFFF,
        0x2A00_1450 << 96 | 0x5EFE << 32 | value,
        0x2A00_1450 << 96 | 0x0200_5EFE << 32 | value,
    ]
    assert not [each for each in carriers if addresses.is_public(addresses.IPv6Address(each))]


@given(st.ip_addresses())
def test_python_calls_nothing_private_that_is_public_here(address: addresses.Address) -> None:
    assert address.is_global or not addresses.is_public(address)


def test_an_address_with_a_zone_is_not_public() -> None:
    assert not addresses.is_public(ip_address("2606:4700:4700::1111%eth0"))
    assert not addresses.is_local(ip_address("fd00::1%eth0"))


@pytest.mark.parametrize("address", METADATA)
def test_metadata_is_neither_public_nor_local(address: str) -> None:
    assert not addresses.is_public(ip_address(address))
    assert not addresses.is_local(ip_address(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "100.101.102.103", "::1", "fd12::1"])
def test_local(address: str) -> None:
    assert addresses.is_local(ip_address(address))


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "fe80::1", "::ffff:127.0.0.1"])
def test_an_operators_host_is_not_anywhere(address: str) -> None:
    assert not addresses.is_local(ip_address(address))


def test_this_machine_knows_itself() -> None:
    places = [place.address for each in psutil.net_if_addrs().values() for place in each]
    mine = {address for place in places if (address := addresses.read(place)) and not address.is_link_local}
    assert ip_address("127.0.0.1") in mine
    assert [address for address in mine if not names.is_this_machine(address)] == []


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::7"])
def test_this_machine_knows_what_it_is_not(address: str) -> None:
    assert not names.is_this_machine(ip_address(address))


# ── What an address may look like ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "host", "port", "asked"),
    [
        ("http://example.com", "example.com", 80, "http://example.com"),
        ("https://example.com/a?b=c", "example.com", 443, "https://example.com/a?b=c"),
        ("HTTPS://Example.COM:8443/A#part", "example.com", 8443, "https://example.com:8443/A"),
        ("http://example.com./", "example.com", 80, "http://example.com/"),
        ("http://example.com:/", "example.com", 80, "http://example.com/"),
        ("http://bücher.example/ä?ö=ü", "xn--bcher-kva.example", 80, None),
        ("http://ｅｘａｍｐｌｅ．com/", "example.com", 80, "http://example.com/"),
        ("http://a_b.example/", "a_b.example", 80, "http://a_b.example/"),
        ("http://8.8.8.8/", "8.8.8.8", 80, "http://8.8.8.8/"),
        ("http://8.8.8.8.:81/", "8.8.8.8", 81, "http://8.8.8.8:81/"),
        ("http://[2606:4700:0::1111]/", "2606:4700::1111", 80, "http://[2606:4700::1111]/"),
        ("http://1.2.3.4.example/", "1.2.3.4.example", 80, None),
        ("http://host/%0d%0aX:%20y?u=http://a@b/", "host", 80, "http://host/%0D%0AX:%20y?u=http://a@b/"),
    ],
)
def test_an_address_names_one_host(text: str, host: str, port: int, asked: str | None) -> None:
    target = urls.read(text)
    assert (target.host, target.port) == (host, port)
    assert (target.url.raw_host, target.url.port) == (host, port)
    assert (target.literal is not None) == (host[0].isdigit() and host[-1].isdigit())
    if asked:
        assert str(target.url) == asked


@pytest.mark.parametrize(
    "text",
    [
        "http://",
        "http://:80/",
        "http://./",
        "http://a..b/",
        "http://.a/",
        "http://a/ b",
        "http://a:b/",
        "http://a:80b/",
        "http://a:８０/",
        "http://a:65536/",
        "http://a:00000080/",
        "http://[::1/",
        "http://::1/",
        "http://[v1.x]/",
        "http://1.2.3/",
        "http://1.2.3.4.5/",
        "http://1.2.3.256/",
        "http://08.8.8.8/",
        "http://a.0x/",
        "http://a.example.1/",
        "http://*.example/",
        "http://" + "a" * 64 + ".example/",
        "http://example.com/" + "a" * urls.LONGEST,
        "http://a\u3000b/",
        "http://a/\u2028",
    ],
)
def test_what_names_no_host_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused):
        urls.read(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"http://{text}/", f"https://a{text}:80/{text}"):
        try:
            target = urls.read(url)
        except AddressRefused:
            continue
        assert target.host == target.url.raw_host
        assert target.host.isascii()
        assert urls.read(str(target.url)) == target


@pytest.mark.parametrize("port", [80, 443, 1024, 8000, 8080, 8443, 65535])
def test_ports_of_http(port: int) -> None:
    assert urls.serves_http(port)


@pytest.mark.parametrize("port", [1, 21, 22, 23, 25, 53, 110, 143, 465, 587, 993, 2525, 5060, 6379, 6667, 11211])
def test_ports_of_others(port: int) -> None:
    assert not urls.serves_http(port)


# ── What an operator may allow ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("entries", "places"),
    [
        ([], set()),
        (["Search.Internal."], {("search.internal", 80), ("search.internal", 443)}),
        ([" a:8080", "b:25"], {("a", 8080), ("b", 25)}),
        (["a:80"], {("a", 80)}),
        (["10.0.0.7", "[fd00::0:7]:81"], {("10.0.0.7", 80), ("10.0.0.7", 443), ("fd00::7", 81)}),
    ],
)
def test_allowed(entries: list[str], places: set[tuple[str, int]]) -> None:
    assert allowed.read(entries) == places


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.example",
        ".example",
        "10.0.0.0/8",
        "http://a",
        "a/b",
        "a?",
        "a#",
        "a:",
        "a:0",
        "fd00::7",
        "a b",
        "u@a",
    ],
)
def test_no_host_is_not_allowed(entry: str) -> None:
    with pytest.raises(ValueError, match="^" + "".join(f"[{each}]" for each in entry) + "$"):
        allowed.read(["good.example", entry])


# ── What may be sent ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *product(
            ["Host", "hOST", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Proxy-Authorization"], "1"
        ),
        ("X-A", "b\r\nHost: c"),
        ("X-A", "b\nc"),
        ("X-A", "b\0"),
        ("X-A", "\ud800"),
        ("X-A\r\nHost", "c"),
        ("X A", "b"),
        ("X:", "b"),
        ("", "b"),
        ("Ä", "b"),
        ("X-A", "b" * 40_000),
    ],
)
def test_headers_that_are_not_sent(name: str, value: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        request.check("GET", [("Accept", "*/*"), (name, value)])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "get", "GET /", "", "GET\r\n"])
def test_methods_that_are_not_sent(method: str) -> None:
    with pytest.raises(RequestRefused):
        request.check(method, [])


def test_what_tools_need_is_sent() -> None:
    request.check("POST", [("Authorization", "Bearer a.b-c"), ("X-Name", "Zoë\t"), ("Cookie", "a=b"), ("X-Empty", "")])
