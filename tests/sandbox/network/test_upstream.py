"""The person's own proxy is used as others use it."""

from __future__ import annotations

import pytest

from harness.domain.hosts import Target
from harness.sandbox.network.upstream import Proxy, find_proxy


@pytest.mark.parametrize(
    ("exempt", "direct"),
    [("", False), ("*", True), ("pypi.org", True), (".org", True), ("a.b, pypi.org:443", True), ("i.org", False),
     ("pypi.org:80", False), ("evil.pypi.org", False), ("*.org", True)],
)  # fmt: skip
def test_no_proxy_is_read_as_others_do(exempt: str, direct: bool) -> None:
    environ = {"HTTPS_PROXY": "http://u:p%40@proxy:3128", "NO_PROXY": exempt}
    found = find_proxy(environ, "https", Target("pypi.org", 443))
    assert found == (None if direct else Proxy(Target("proxy", 3128), "Basic dTpwQA=="))
