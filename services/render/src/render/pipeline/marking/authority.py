"""A private certificate authority for Content Credentials: root, intermediate, leaf, time stamps.

The leaf lives 90 days and is issued anew before it ends (`renewal`). What it signed stays trusted:
a time stamp of the house's own authority (`timestamps`) says that it signed while it was valid.

For development and for a house that keeps its own keys; production hands `SigningCredentials`
a chain that a key service issued.
"""

import os
import tempfile
from collections.abc import Callable
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
    "leaf": timedelta(days=90),
    "time stamps": timedelta(days=1825),
}


class CredentialsBroken(ValueError):
    """Certificate and key in a folder do not belong together: it was left half renewed."""


@dataclass(frozen=True, slots=True)
class SigningCredentials:
    """What signs manifests, and what readers trust.

    Attributes:
        chain: PEM, leaf first, then the intermediate.
        key: PEM of the leaf's private key, PKCS 8; empty where `callback` signs.
        anchors: PEM of the root.
        stamp_chain: PEM of the time-stamp authority's certificate, then the intermediate; empty
            where another authority stamps, or none.
        stamp_key: PEM of its private key.
        callback: signs bytes with ES256 in a key service and returns r and s, 32 bytes each.
    """

    chain: bytes
    key: bytes = field(repr=False)
    anchors: bytes
    stamp_chain: bytes = b""
    stamp_key: bytes = field(default=b"", repr=False)
    callback: Callable[[bytes], bytes] | None = None

    @property
    def ends_at(self) -> datetime:
        """Return when the leaf's certificate ends."""
        return x509.load_pem_x509_certificate(self.chain).not_valid_after_utc

    def current(self) -> "SigningCredentials":
        """Return these: whoever keeps them in a folder renews them there."""
        return self


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
    stamps = _issue("time stamps", organization, now, intermediate)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as making:
        whole = Path(making) / "credentials"
        whole.mkdir(mode=0o700)
        _write(whole / "root.pem", _pem(root.certificate), 0o644)
        issuer = _pem(intermediate.certificate)
        _write(whole / "chain.pem", _pem(leaf.certificate) + issuer, 0o644)
        _write(whole / "timestamp.pem", _pem(stamps.certificate) + issuer, 0o644)
        keys = {"root": root, "intermediate": intermediate, "leaf": leaf, "timestamp": stamps}
        for name, authority in keys.items():
            _write(whole / f"{name}.key", _key_pem(authority.key), 0o600)
        whole.rename(folder)
    return load_credentials(folder)


def load_credentials(folder: Path) -> SigningCredentials:
    """Read what `make_credentials` wrote; a folder without a time-stamp authority has none.

    Raises:
        CredentialsBroken: the leaf's key is not its certificate's.
    """
    names = ("chain.pem", "leaf.key", "root.pem")
    chain, key, anchors = ((folder / name).read_bytes() for name in names)
    if _public(x509.load_pem_x509_certificate(chain)) != _public(_load_key(key)):
        raise CredentialsBroken(f"leaf.key in {folder} is not of chain.pem")
    stamps = [folder / "timestamp.pem", folder / "timestamp.key"]
    stamp_chain, stamp_key = (
        (path.read_bytes() for path in stamps)
        if all(path.exists() for path in stamps)
        else (b"", b"")
    )
    return SigningCredentials(chain, key, anchors, stamp_chain, stamp_key)


def renew_credentials(folder: Path, *, now: datetime) -> SigningCredentials:
    """Issue a new leaf with a new key under the folder's intermediate; others stay.

    What was signed with the old leaf stays trusted if it has a time stamp. A folder from before
    there were time stamps gets its authority too.

    Raises:
        FileNotFoundError: the intermediate's key is not here: it is kept offline.
    """
    key = _load_key((folder / "intermediate.key").read_bytes())
    certificates = x509.load_pem_x509_certificates((folder / "chain.pem").read_bytes())
    issuer = _Authority(certificates[-1], key)
    names = issuer.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    organization = str(names[0].value)
    kinds = {"leaf": ("chain.pem", "leaf.key")}
    if not (folder / "timestamp.key").exists():
        kinds["time stamps"] = ("timestamp.pem", "timestamp.key")
    for kind, (chain_name, key_name) in kinds.items():
        issued = _issue(kind, organization, now, issuer)
        chain = _pem(issued.certificate) + _pem(issuer.certificate)
        _replace(folder / chain_name, chain, 0o644)
        _replace(folder / key_name, _key_pem(issued.key), 0o600)
    return load_credentials(folder)


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
    ends_at = now + _LIFETIMES[kind]
    if issuer:
        ends_at = min(ends_at, issuer.certificate.not_valid_after_utc)
    signing_key = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))  # clocks differ
        .not_valid_after(ends_at)
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
    depth = {"root": 1, "intermediate": 0}.get(kind)
    is_authority = depth is not None
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
    if kind == "leaf":
        limits.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False))
    if kind == "time stamps":  # RFC 3161, 2.3: this purpose alone, and critical
        limits.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True))
    return limits


def _load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CredentialsBroken("the key is on no elliptic curve")
    return key


def _public(holder: x509.Certificate | ec.EllipticCurvePrivateKey) -> bytes:
    return holder.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Write a file in place of another; readers see one or the other."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".renewing-") as making:
        _write(Path(making) / path.name, content, mode)
        (Path(making) / path.name).replace(path)


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
