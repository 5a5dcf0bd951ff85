"""The house's time-stamp authority: says when something was signed, in the manner of RFC 3161.

It answers on loopback, where the C2PA library asks it by URL while it signs. A time stamp keeps a
signature trusted when the signer's certificate has long ended.

Source: RFC 3161, Time-Stamp Protocol; RFC 5816, ESSCertIDv2; RFC 5652, signed data. ASN.1 is
asn1crypto's, signatures are cryptography's.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from asn1crypto import cms, core, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

POLICY = "2.25.203946285512047709381765420093911587341"
"""Names our practice, under the arc of UUIDs, which needs no registration."""

_DIGESTS = {"sha256": 32, "sha384": 48, "sha512": 64}  # bytes
_LARGEST = 16_384
_ANSWER = "application/timestamp-reply"


class TimeStampAuthority:
    """Signs the time over other people's digests."""

    def __init__(self, chain: bytes, key: bytes, clock: Callable[[], datetime]) -> None:
        """Take in a chain (PEM, its own certificate first), its key (PEM) and whose time it is.

        Raises:
            ValueError: the key is on no elliptic curve.
        """
        loaded = serialization.load_pem_private_key(key, password=None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise ValueError("the time-stamp authority's key is on no elliptic curve")
        self._key = loaded
        self._chain = [_to_asn1(one) for one in x509.load_pem_x509_certificates(chain)]
        self._clock = clock

    def answer(self, request: bytes) -> bytes:
        """Return a TimeStampResp, DER, for a TimeStampReq; a refusal where it is none."""
        try:
            asked = tsp.TimeStampReq.load(request, strict=True)
            imprint = asked["message_imprint"]
            algorithm = imprint["hash_algorithm"]["algorithm"].native
            length = len(imprint["hashed_message"].native)
            policy = asked["req_policy"].native
        except (ValueError, TypeError, KeyError):
            return _refusal("bad_data_format")
        if _DIGESTS.get(algorithm) != length:
            return _refusal("bad_alg")
        if policy not in (None, POLICY):
            return _refusal("unaccepted_policy")
        signed = self._sign(self._say(asked), with_certificates=bool(asked["cert_req"].native))
        token = {"content_type": "signed_data", "content": signed}
        granted = {"status": {"status": "granted"}, "time_stamp_token": token}
        return bytes(tsp.TimeStampResp(granted).dump())

    def _say(self, asked: Any) -> bytes:
        said = {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": asked["message_imprint"],
            "serial_number": secrets.randbits(63),
            "gen_time": self._clock().replace(microsecond=0),
        }
        if asked["nonce"].native is not None:
            said["nonce"] = asked["nonce"]
        return bytes(tsp.TSTInfo(said).dump())

    def _sign(self, content: bytes, *, with_certificates: bool) -> Any:
        own = self._chain[0]
        digest = hashlib.sha256(content).digest()
        named = {"certs": [{"cert_hash": hashlib.sha256(own.dump()).digest()}]}
        attributes = cms.CMSAttributes(
            [
                _attribute("content_type", "tst_info"),
                _attribute("message_digest", digest),
                _attribute("signing_certificate_v2", tsp.SigningCertificateV2(named)),
            ]
        )
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": {
                        "issuer": own.issuer,
                        "serial_number": own.serial_number,
                    }
                }
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": self._key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
        }
        signed = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": cms.ParsableOctetString(content),
            },
            "signer_infos": [signer],
        }
        if with_certificates:
            signed["certificates"] = self._chain
        return cms.SignedData(signed)


@contextmanager
def open_authority(authority: TimeStampAuthority) -> Iterator[str]:
    """Answer on a port of loopback; yield the URL."""

    class Handler(_Handler):
        respond = staticmethod(authority.answer)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True, name="time stamps")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def now() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


class _Refusal(core.Sequence):  # type: ignore[misc]
    """A TimeStampResp without a token, which asn1crypto's own does not allow."""

    _fields = [("status", tsp.PKIStatusInfo)]  # noqa: RUF012 -- the library's way


class _Handler(BaseHTTPRequestHandler):
    """RFC 3161, 3.4: a request is posted, an answer comes back."""

    timeout = 5
    respond: Callable[[bytes], bytes]

    def do_POST(self) -> None:
        """Answer one request."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LARGEST:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        answer = self.respond(self.rfile.read(int(length)))
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _ANSWER)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing: pictures are logged where they are marked."""


def _refusal(why: str) -> bytes:
    return bytes(_Refusal({"status": {"status": "rejection", "fail_info": {why}}}).dump())


def _attribute(kind: str, value: Any) -> Any:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def _to_asn1(certificate: x509.Certificate) -> Any:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
