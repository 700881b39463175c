"""Who may talk to whom: the token that both ends know, the certificate of the server, and TLS 1.3 made of them."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "Credentials",
    "client_context",
    "fingerprint",
    "new_certificate",
    "new_token",
    "parse_address",
    "read_token",
    "server_context",
]

TOKEN_CHARACTERS = 16
TOKEN_VARIABLE = "AXONAL_TOKEN"  # noqa: S105 - where the token is, not what it is


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What one end has in its hands; the token is neither printed nor sent.

    Args:
        token: Secret that both ends know, at least 16 characters; see `new_token` and `read_token`.
        certificate: PEM file. A server shows it; a client trusts it, or the authorities of the system without it.
        key: PEM file with the private key of the certificate; a server's alone.
        server_name: Name that the certificate must have, where it is not the host that a client connects to.
        insecure: No TLS: whoever can listen reads every tensor; only on this machine.
    """

    token: str = field(repr=False)
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        if len(self.token) < TOKEN_CHARACTERS:
            raise ValueError(
                f"token has {len(self.token)} characters, must have at least {TOKEN_CHARACTERS}: make one with "
                "`python -c 'import secrets; print(secrets.token_urlsafe(32))'`"
            )
        if self.insecure and (self.certificate or self.key):
            raise ValueError("insecure is True and a certificate or key is given: leave out one of them")

    @property
    def secret(self) -> bytes:
        """The token as the key of an HMAC."""
        return self.token.encode()


def new_token() -> str:
    """A fresh token of 256 random bits."""
    return secrets.token_urlsafe(32)


def read_token(file: Path | None = None) -> str:
    """The token in a file, or else in the environment variable AXONAL_TOKEN.

    Raises:
        ValueError: There is none.
        OSError: The file cannot be read.
    """
    if file is not None:
        found = file.read_text(encoding="utf-8").strip()
        source = str(file)
    else:
        found, source = os.environ.get(TOKEN_VARIABLE, "").strip(), f"the environment variable {TOKEN_VARIABLE}"
    if not found:
        raise ValueError(f"{source} holds no token: make one as docs/serving.md says, and give it to both ends")
    return found


def parse_address(text: str, *, insecure: bool) -> tuple[str, int]:
    """`host:port` or `[host]:port` as host and port.

    Raises:
        ValueError: It is none, or `insecure` and not on this machine.
    """
    host, colon, digits = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and digits.isascii() and digits.isdigit() and int(digits) < 1 << 16):
        raise ValueError(
            f"address is {text!r}, must be host:port with a port of 0 to 65535, for example 127.0.0.1:7700"
        )
    if insecure and not _is_loopback(host):
        raise ValueError(
            f"address is {text!r} and insecure is True, must be a loopback address such as 127.0.0.1: "
            "make a certificate (see docs/serving.md) or send through a tunnel"
        )
    return host, int(digits)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def server_context(credentials: Credentials) -> ssl.SSLContext | None:
    """TLS of a server; None where it is insecure.

    Raises:
        ValueError: Certificate or key are missing, or are none.
        OSError: They cannot be read.
    """
    if credentials.insecure:
        return None
    if credentials.certificate is None or credentials.key is None:
        raise ValueError(
            "certificate or key is missing, a server needs both: make them as docs/serving.md says, "
            "or serve insecure=True on this machine only"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # a resumed session would skip the proof of the certificate
    try:
        # A key with a passphrase would ask on the terminal, where nobody may sit.
        context.load_cert_chain(credentials.certificate, credentials.key, password="")
    except ssl.SSLError as error:
        raise ValueError(
            f"certificate is {credentials.certificate} and key is {credentials.key}, must be a PEM certificate and "
            f"its PEM key without a passphrase ({error.reason})"
        ) from error
    return context


def client_context(credentials: Credentials) -> ssl.SSLContext | None:
    """TLS of a client, which verifies certificate and host name; None where it is insecure.

    Raises:
        ValueError: The certificate is none.
        OSError: It cannot be read.
    """
    if credentials.insecure:
        return None
    try:
        context = ssl.create_default_context(cafile=credentials.certificate)
    except ssl.SSLError as error:
        raise ValueError(
            f"certificate is {credentials.certificate}, must be PEM: copy the server's ({error.reason})"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def fingerprint(credentials: Credentials) -> bytes:
    """SHA-256 of the certificate that a server shows; empty where it is insecure."""
    if credentials.insecure or credentials.certificate is None:
        return b""
    end = "-----END CERTIFICATE-----"
    text = credentials.certificate.read_text(encoding="ascii", errors="replace")
    first = text[text.index("-----BEGIN CERTIFICATE-----") : text.index(end) + len(end)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).digest()


def new_certificate(folder: Path, hosts: Sequence[str], *, days: int = 365) -> tuple[Path, Path]:
    """Make a self-signed certificate with the `openssl` program.

    Args:
        folder: Where `certificate.pem`, for everybody, and `key.pem`, for the server alone, are written.
        hosts: Names and addresses by which clients reach the server.
        days: How long it is valid.

    Returns:
        The certificate and the key.

    Raises:
        ValueError: There are no hosts, or `openssl` says no.
        FileNotFoundError: There is no `openssl` on this machine.
        FileExistsError: One of the files is there already.
    """
    program = shutil.which("openssl")
    if program is None:
        raise FileNotFoundError("the program openssl is missing: install it, or make certificate and key elsewhere")
    if not hosts or any(not host or "," in host for host in hosts):
        raise ValueError(f"hosts is {list(hosts)}, must be names or addresses of the server, at least one")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    for file in (certificate, key):
        if file.exists():
            raise FileExistsError(f"{file} is there already: choose another folder, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    key.touch(mode=0o600)  # openssl writes into the file that it finds, and keeps its mode
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256"]
    words += ["-days", str(days), "-subj", "/CN=axonal", "-addext", f"subjectAltName={_names(hosts)}"]
    words += ["-keyout", str(key), "-out", str(certificate)]
    done = subprocess.run([program, *words], check=False, capture_output=True, text=True)  # noqa: S603 - no shell
    if done.returncode:
        key.unlink()
        raise ValueError(f"openssl refused to make a certificate for {list(hosts)}: {' '.join(done.stderr.split())}")
    return certificate, key


def _names(hosts: Sequence[str]) -> str:
    return ",".join(f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in hosts)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
