"""Signing credentials in a folder, renewed there before their certificate ends."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from render.pipeline.marking.authority import (
    CredentialsBroken,
    SigningCredentials,
    load_credentials,
    renew_credentials,
)

RENEW_BEFORE = timedelta(days=30)
"""How long before its end a certificate is replaced; a third of its life."""


class CertificateExpired(RuntimeError):
    """The signing certificate has ended and nobody put a new one into the folder."""


class KeptCredentials:
    """What signs manifests now, of a folder that others read too."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        """Take in the folder, which is read when signatures are first asked for."""
        self._folder = folder
        self._clock = clock
        self._kept: SigningCredentials | None = None
        self._lock = Lock()

    def current(self) -> SigningCredentials:
        """Return credentials that are valid now, new ones where the old are about to end.

        A leaf is issued where the intermediate's key lies in the folder. Where it is kept
        offline, whoever keeps it puts a new leaf there in time.

        Raises:
            CertificateExpired: nobody did.
            CredentialsBroken: key and certificate do not match, and nothing here can renew them.
        """
        with self._lock:
            now = self._clock()
            if self._kept is None or _is_due(self._kept, now):
                self._kept = renew_if_due(self._folder, now=now)
            if now >= self._kept.ends_at:
                raise CertificateExpired(f"the certificate ended {self._kept.ends_at.isoformat()}")
            return self._kept


def renew_if_due(folder: Path, *, now: datetime) -> SigningCredentials:
    """Return the folder's credentials; renew them first if they end within 30 days.

    Raises:
        CredentialsBroken: as `KeptCredentials.current`.
    """
    if not _may_renew(folder):
        return load_credentials(folder)
    with _alone(folder):
        try:
            found = load_credentials(folder)
        except CredentialsBroken:
            return renew_credentials(folder, now=now)
        due = _is_due(found, now) or not found.stamp_chain
        return renew_credentials(folder, now=now) if due else found


def _is_due(found: SigningCredentials, now: datetime) -> bool:
    return found.ends_at - now < RENEW_BEFORE


def _may_renew(folder: Path) -> bool:
    return (folder / "intermediate.key").exists() and os.access(folder, os.W_OK)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time renew."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
