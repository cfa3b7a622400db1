"""The environment that agents and checks inherit: what they need and what a person lets through. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

# What any program needs to find its tools, its home, its language, its terminal and the network.
NEEDED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "TZ",
    "TMPDIR",
    "XDG_*",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYENV_*",
    "NVM_*",
    "GOPATH",
    "GOROOT",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "JAVA_HOME",
    "CI",
)


def clean_environment(environ: Mapping[str, str], *patterns: Iterable[str]) -> dict[str, str]:
    """Return what of `environ` matches NEEDED or one of the patterns (`NAME`, `PREFIX_*`); never HARNESS_*."""
    wanted = [*NEEDED, *(pattern for group in patterns for pattern in group)]
    exact = {pattern for pattern in wanted if "*" not in pattern}
    wild = [pattern for pattern in wanted if "*" in pattern]
    return {
        name: value
        for name, value in environ.items()
        if (name in exact or any(fnmatchcase(name, pattern) for pattern in wild)) and not name.startswith("HARNESS_")
    }
