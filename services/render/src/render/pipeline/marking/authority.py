"""A private certificate authority for Content Credentials: root, intermediate, leaf.

For development and for a house that keeps its own keys; production hands `SigningCredentials`
a chain that a key service issued.
"""

import os
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from string import hexdigits

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIMES = {
    "root": timedelta(days=3650),
    "intermediate": timedelta(days=1825),
    "leaf": timedelta(days=397),
}


@dataclass(frozen=True, slots=True)
class SigningCredentials:
    """What signs manifests, and what readers trust.

    Attributes:
        chain: PEM, leaf first, then the intermediate.
        key: PEM of the leaf's private key, PKCS 8.
        anchors: PEM of the root.
    """

    chain: bytes
    key: bytes = field(repr=False)
    anchors: bytes


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_credentials(folder: Path, *, organization: str, now: datetime) -> SigningCredentials:
    """Make a new chain and write it to `folder`, which must not exist; keys are 0600.

    The folder appears whole or not at all.

    Raises:
        FileExistsError: `folder` exists: credentials are never overwritten.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists; remove it to make new credentials")
    root = _issue("root", organization, now, None)
    intermediate = _issue("intermediate", organization, now, root)
    leaf = _issue("leaf", organization, now, intermediate)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as making:
        whole = Path(making) / "credentials"
        whole.mkdir(mode=0o700)
        _write(whole / "root.pem", _pem(root.certificate), 0o644)
        _write(whole / "chain.pem", _pem(leaf.certificate) + _pem(intermediate.certificate), 0o644)
        for name, authority in (("root", root), ("intermediate", intermediate), ("leaf", leaf)):
            _write(whole / f"{name}.key", _key_pem(authority.key), 0o600)
        whole.rename(folder)
    return load_credentials(folder)


def load_credentials(folder: Path) -> SigningCredentials:
    """Read what `make_credentials` wrote."""
    names = ("chain.pem", "leaf.key", "root.pem")
    chain, key, anchors = ((folder / name).read_bytes() for name in names)
    return SigningCredentials(chain=chain, key=key, anchors=anchors)


def load_anchors(folder: Path) -> bytes:
    """Read only what readers trust, PEM: who verifies needs no key."""
    return (folder / "root.pem").read_bytes()


def read_revoked(path: Path | None) -> frozenset[int]:
    """Read serial numbers of revoked leaf certificates; none where there is no `path`.

    One hexadecimal number a line, as `openssl x509 -noout -serial` prints it; "serial=", colons
    and lines that begin with # do not count.

    Raises:
        OSError: the file cannot be read: without its list nobody may be trusted.
        ValueError: a line is no serial number.
    """
    if path is None:
        return frozenset()
    lines = (line.strip() for line in path.read_text().splitlines())
    texts = [line for line in lines if line and not line.startswith("#")]
    return frozenset(_serial(text, path) for text in texts)


def _serial(text: str, path: Path) -> int:
    digits = text.removeprefix("serial=").replace(":", "")
    if not digits or set(digits) - set(hexdigits):
        raise ValueError(f"{path}: {text!r} is no serial number in hexadecimal")
    return int(digits, 16)


def _issue(kind: str, organization: str, now: datetime, issuer: _Authority | None) -> _Authority:
    """Issue a certificate of `kind`, signed by `issuer` or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{organization} content credentials {kind}"),
        ]
    )
    signing_key = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks differ
        .not_valid_after(now + _LIFETIMES[kind])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
    )
    for extension, critical in _limits(kind):
        builder = builder.add_extension(extension, critical=critical)
    return _Authority(builder.sign(signing_key, hashes.SHA256()), key)


def _limits(kind: str) -> list[tuple[x509.ExtensionType, bool]]:
    """Return the extensions that say what a certificate of `kind` may do."""
    depth = {"root": 1, "intermediate": 0, "leaf": None}[kind]
    is_authority = kind != "leaf"
    usage = x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
    limits: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=is_authority, path_length=depth), True),
        (usage, True),
    ]
    if not is_authority:
        limits.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False))
    return limits


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
