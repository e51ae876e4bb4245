"""What tests of connections share."""

from __future__ import annotations

import ssl

import pytest


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's TLS context with a certificate that nobody trusts."""
    name, why = "tests.proxy.upstreams.certificate", "certificates are made by cryptography, a test package"
    module = pytest.importorskip(name, reason=why, exc_type=ImportError)
    return module.self_signed_context(tmp_path_factory.mktemp("certificate"))
