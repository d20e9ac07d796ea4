"""Whose request it is, through proxies or without."""

import pytest
from hearback_kit.values.addresses import TrustedProxies, address_block, parse_address, parse_networks
from hypothesis import given
from hypothesis import strategies as st

NETWORKS = parse_networks("127.0.0.0/8, ::1/128, 10.0.0.0/8")
PROXIES = TrustedProxies(NETWORKS)
BEHIND_A_NETWORK = TrustedProxies(NETWORKS, preferred_headers=[b"cf-connecting-ip", b"x-vercel-forwarded-for"])
CLIENT = "198.51.100.9"
CLIENT_6 = "2001:db8::5"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CLIENT, CLIENT), (f" {CLIENT} ", CLIENT), (f"{CLIENT}:51234", CLIENT), (f'"{CLIENT}:51234"', CLIENT),
        (CLIENT_6, CLIENT_6), ("2001:DB8:0:0::5", CLIENT_6), (f"[{CLIENT_6}]", CLIENT_6),
        (f"[{CLIENT_6}]:4433", CLIENT_6), (f'"[{CLIENT_6}]:4433"', CLIENT_6), ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"), (f"::ffff:{CLIENT}", CLIENT), (f"[::ffff:{CLIENT}]:80", CLIENT),
        ("unknown", None), ("_hidden", None), ("", None), (f"{CLIENT}:http", None), (f"{CLIENT}:", None),
        (f"[{CLIENT_6}", None), (f"[{CLIENT_6}]x", None), ("1" * 100, None), ("300.1.1.1", None),
    ],
)  # fmt: skip
def test_hops(text, expected):
    assert parse_address(text) == expected


@given(st.text())
def test_hops_are_read_from_any_text(text):
    parse_address(text)
    address_block(text)


def test_limits_take_a_household_for_one():
    assert address_block(CLIENT) == address_block(f"{CLIENT}:80") == CLIENT
    assert address_block("2001:db8:1:2:3::1") == address_block("2001:db8:1:2:4::9") == "2001:db8:1:2::/64"
    assert address_block(f"::ffff:{CLIENT}") == CLIENT
    assert address_block("2001:DB8:0:1:ffff:ffff:ffff:ffff") == "2001:db8:0:1::/64"
    assert address_block("testclient") == "testclient"
    assert address_block("") == ""


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "127.0.0.1"),
        ({"x-forwarded-for": CLIENT}, CLIENT),
        ({"x-forwarded-for": f"{CLIENT}, 127.0.0.1"}, CLIENT),
        ({"x-forwarded-for": f"{CLIENT}:51234, 127.0.0.1:80"}, CLIENT),
        ({"x-forwarded-for": f"[{CLIENT_6}]:4433,10.1.2.3"}, CLIENT_6),
        ({"x-forwarded-for": f"1.1.1.1, {CLIENT}, 10.1.2.3"}, CLIENT),
        ({"x-forwarded-for": f"{CLIENT}, unknown, 10.1.2.3"}, CLIENT),
        ({"x-forwarded-for": "10.9.9.9, 10.1.2.3"}, "10.9.9.9"),
        ({"x-forwarded-for": "unknown"}, "127.0.0.1"),
        ({"x-forwarded-for": ""}, "127.0.0.1"),
        ({"forwarded": f"for={CLIENT}:51234;proto=https;by=10.1.2.3"}, CLIENT),
        ({"forwarded": f'proto=https;For="[{CLIENT_6}]:4433", for=10.1.2.3'}, CLIENT_6),
        ({"forwarded": "for=unknown, for=_hidden"}, "127.0.0.1"),
        ({"forwarded": "for=1.1.1.1", "x-forwarded-for": CLIENT}, CLIENT),
        ({"cf-connecting-ip": "1.1.1.1", "x-forwarded-for": CLIENT}, CLIENT),
    ],
)
def test_a_trusted_proxy_is_believed(headers, expected):
    assert PROXIES.client_address("127.0.0.1", _raw(headers)) == expected


def test_a_proxy_on_a_local_socket_is_believed():
    assert PROXIES.client_address(None, _raw({"x-forwarded-for": CLIENT})) == CLIENT
    assert PROXIES.client_address(None, []) is None


def test_a_stranger_is_not_believed():
    headers = _raw({"x-forwarded-for": "1.1.1.1", "forwarded": "for=1.1.1.1", "cf-connecting-ip": "1.1.1.1"})
    assert BEHIND_A_NETWORK.client_address(CLIENT, headers) == CLIENT
    assert PROXIES.client_address("testclient", headers) == "testclient"


def test_headers_that_came_in_pieces_are_one():
    headers = [(b"x-forwarded-for", CLIENT.encode()), (b"host", b"a"), (b"x-forwarded-for", b"10.1.2.3")]
    assert PROXIES.client_address("127.0.0.1", headers) == CLIENT


def test_headers_of_vendors_go_first_where_they_count():
    headers = _raw({"x-forwarded-for": "1.1.1.1", "x-vercel-forwarded-for": "2.2.2.2", "cf-connecting-ip": CLIENT})
    assert BEHIND_A_NETWORK.client_address("127.0.0.1", headers) == CLIENT
    unusable = _raw({"cf-connecting-ip": "unknown", "x-vercel-forwarded-for": f"{CLIENT}, 1.1.1.1"})
    assert BEHIND_A_NETWORK.client_address("127.0.0.1", unusable) == CLIENT


def test_of_an_endless_header_the_near_end_counts():
    hops = ", ".join(["1.1.1.1"] * 10_000 + [CLIENT])
    assert PROXIES.client_address("127.0.0.1", _raw({"x-forwarded-for": hops})) == CLIENT


@given(st.text(), st.binary(), st.binary())
def test_any_header_gives_an_answer(peer, forwarded_for, forwarded):
    headers = [(b"x-forwarded-for", forwarded_for), (b"forwarded", forwarded)]
    assert BEHIND_A_NETWORK.client_address(peer, headers) == peer
    PROXIES.client_address("127.0.0.1", headers)


def test_networks_that_are_none_are_refused():
    with pytest.raises(ValueError, match="nonsense"):
        parse_networks("10.0.0.0/8, nonsense")


def _raw(headers):
    return [(name.encode(), value.encode()) for name, value in headers.items()]
