"""A folder to work in, and one certificate: an agent reads all that it is to trust at its start."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with one of this machine's certificates: to read all of them takes 40 ms, and the server here has none."""
    file = tmp_path_factory.mktemp("certificates") / "one.pem"
    known = ssl.create_default_context().get_ca_certs(binary_form=True)
    file.write_text("".join(map(ssl.DER_cert_to_PEM_cert, known[:1])))
    return file


@pytest.fixture(autouse=True)
def with_one_certificate(one_certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if one_certificate.stat().st_size:
        monkeypatch.setenv("SSL_CERT_FILE", str(one_certificate))
