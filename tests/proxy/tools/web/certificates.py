"""Makes certificates for names that do not exist, and contexts that trust them."""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)


@dataclass(slots=True)
class Certified:
    """The two ends of a connection."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    names_asked_for: list[str] = field(default_factory=list[str])
    """What clients said they want to speak to (SNI)."""


def certified(folder: Path, name: str, *, is_expired: bool = False) -> Certified:
    """Returns a server for a name, and a client that trusts that server alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = dt.datetime.now(dt.timezone.utc) + (-_DAY if is_expired else _DAY)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 3 * _DAY)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + public)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    made = Certified(server, ssl.create_default_context(cadata=public.decode("ascii")))
    server.sni_callback = lambda _socket, asked, _context: made.names_asked_for.append(asked or "")
    return made
