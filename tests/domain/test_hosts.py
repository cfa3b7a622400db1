"""Which hosts are meant by a name, and which may be reached."""

from __future__ import annotations

import pytest

from harness.domain.hosts import Target, may_dial, parse_listed, parse_target


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("pypi.org", ["pypi.org:80", "pypi.org:443"]),
        ("Registry.NPMjs.org:443", ["registry.npmjs.org:443"]),
        ("localhost:5432", ["localhost:5432"]),
        ("10.0.0.5:8080", ["10.0.0.5:8080"]),
        ("pypi.org.", ["pypi.org:80", "pypi.org:443"]),
    ],
)
def test_an_entry_is_a_name_with_or_without_its_port(text: str, targets: list[str]) -> None:
    assert list(map(str, parse_listed(text))) == targets


@pytest.mark.parametrize(
    "text",
    ["*.pypi.org", "https://pypi.org", "pypi.org/simple", "pypi org", "", ".", "-a.org", "a..org", "pypi.org:0",
     "pypi.org:65536", "pypi.org:x", "[::1]:80", "127.1", "0x7f000001", "2130706433", "pÿpi.org", "a" * 64 + ".org",
     "user@pypi.org", "pypi.org\n"],
)  # fmt: skip
def test_an_entry_that_is_no_name_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_listed(text)


@pytest.mark.parametrize(
    "text",
    ["pypi.org\0.evil.org:443", "pypi.org%00:443", "a@pypi.org:443", "pypi。org:443", "pypi.org:443:443", "pypi.org",
     "[::1]:443", "pypi.org:0443443", "pypi.org :443", "pypi.org../:443", "http://pypi.org:443", "127.1:443"],
)  # fmt: skip
def test_a_request_for_something_between_two_names_is_for_no_host(text: str) -> None:
    assert parse_target(text) is None


def test_a_request_is_read_as_the_list_is() -> None:
    assert parse_target("PyPI.org.:443") == Target("pypi.org", 443)
    assert parse_target("pypi.org", 80) == Target("pypi.org", 80)


@pytest.mark.parametrize(
    ("host", "address", "allowed"),
    [
        ("pypi.org", "151.101.0.223", True),
        ("pypi.org", "2a04:4e42::223", True),
        ("localhost", "127.0.0.1", True),
        ("localhost", "::1", True),
        ("10.0.0.5", "10.0.0.5", True),
        ("pypi.org", "127.0.0.1", False),
        ("pypi.org", "10.0.0.5", False),
        ("pypi.org", "169.254.169.254", False),
        ("pypi.org", "100.64.0.1", False),
        ("pypi.org", "0.0.0.0", False),
        ("pypi.org", "224.0.0.1", False),
        ("pypi.org", "::1", False),
        ("pypi.org", "fe80::1%eth0", False),
        ("pypi.org", "::ffff:127.0.0.1", False),
        ("pypi.org", "64:ff9b::7f00:1", False),
        ("pypi.org", "2002:7f00:1::", False),
        ("localhost", "10.0.0.5", False),
    ],
)
def test_a_name_that_is_listed_may_lead_to_public_addresses_alone(host: str, address: str, allowed: bool) -> None:
    assert may_dial(host, address) is allowed
