"""The secrets of a development house: made once, in files only their owner reads."""

import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from proofs import VerifierKey
from proofs.notes import COSIGNATURE, ED25519

_WATERMARK_KEY_BYTES = 32
LOG_ORIGIN = "sosia/identity"
WITNESS_NAME = "sosia/witness"
"""Names that keys sign under; they never change."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Where the secrets lie."""

    folder: Path

    @property
    def staff_key(self) -> str:
        """Return the API key of the staff party "House"."""
        return (self.folder / "staff.key").read_text().strip()

    @property
    def log_key(self) -> str:
        """Return the public key of the log, as C2SP writes it."""
        return _public(self.folder / "log.pem", LOG_ORIGIN, ED25519)

    @property
    def witness_key(self) -> str:
        """Return the public key of the witness, as C2SP writes it."""
        return _public(self.folder / "witness.pem", WITNESS_NAME, COSIGNATURE)

    def witnesses(self, url: str) -> str:
        """Return identity's setting of the witnesses it asks: the one at `url`."""
        return json.dumps({self.witness_key: url})

    def environment(self) -> dict[str, str]:
        """Return the settings that name them, without a service's prefix."""
        names = {
            "LOG_KEY": "log.pem",
            "STAFF_KEY_FILE": "staff.key",
            "GRANT_KEY": "grant.pem",
            "GRANT_PUBLIC_KEY": "grant.pub.pem",
            "WATERMARK_KEY": "watermark.key",
            "AUTHORITY": "authority",
        }
        return {name: str(self.folder / file) for name, file in names.items()}


def make_keys(folder: Path) -> Keys:
    """Make what is missing in `folder`; nothing there is ever replaced."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / "staff.key", f"sosia_{secrets.token_urlsafe(32)}".encode())
    _write(folder / "watermark.key", secrets.token_bytes(_WATERMARK_KEY_BYTES))
    for name in ("log.pem", "witness.pem"):
        _write(folder / name, _pem(Ed25519PrivateKey.generate()))
    grant = Ed25519PrivateKey.generate()
    if not (folder / "grant.pub.pem").exists():
        (folder / "grant.pem").unlink(missing_ok=True)
        _write(folder / "grant.pem", _pem(grant))
        public = grant.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _write(folder / "grant.pub.pem", public)
    if not (folder / "authority").exists():
        command = [sys.executable, "-m", "render", "authority", str(folder / "authority")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Keys(folder)


def _public(pem: Path, name: str, kind: int) -> str:
    key = load_pem_private_key(pem.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{pem} has another kind of key")
    return str(VerifierKey(name, kind, key.public_key().public_bytes_raw()))


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> None:
    """Write a file only its owner reads, unless it is there; whole or not at all."""
    if path.exists():
        return
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_bytes(content)
    new.rename(path)
