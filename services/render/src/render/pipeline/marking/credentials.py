"""Content Credentials (C2PA): a signed manifest inside the file."""

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import c2pa  # type: ignore[import-untyped]

from render.domain.verdicts import CredentialState, Rights, Seal
from render.pipeline.marking.authority import SigningCredentials
from render.pipeline.marking.request import Credit, Source, System, source_type

RIGHTS = "sosia.rights"
"""Label of our own assertion."""

_PARENT = "whole"  # names the ingredient within the manifest
_NO_TRAINING = ("ai_generative_training", "ai_training", "ai_inference", "data_mining")
_READING = {
    # A stranger's file must not make us fetch anything.
    "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
}

_EXPIRED = "signingCredential.expired"
_EXPIRED_ONLY = frozenset({_EXPIRED, "signingCredential.untrusted"})
"""All that is wrong with a whole file whose certificate has run out: its chain is not followed."""


_CONTEXT = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a manifest states about one picture."""

    asset_number: int
    render_id: str
    license_id: str
    twin_version_id: str
    consent_receipt_id: str
    credits: tuple[Credit, ...]
    title: str
    created_at: datetime
    system: System
    watermark: str
    """The codec's name."""
    watermark_value: bytes
    """The asset number as the codec states it."""
    fingerprint_name: str
    fingerprint: bytes
    person: str = ""
    """Whose twin is seen, under the name she is known by."""
    sources: tuple[Source, ...] = ()
    parent: bytes = field(default=b"", repr=False)
    """The signed JPEG of the whole picture, where this is a part of it, cut before marking."""

    def bound(self) -> dict[str, Any]:
        """Return what the digest is taken over, as our assertion writes it."""
        return {
            "assetNumber": self.asset_number,
            "renderId": self.render_id,
            "licenseId": self.license_id,
            "twinVersionId": self.twin_version_id,
            "consentReceiptId": self.consent_receipt_id,
            "credits": [asdict(credit) for credit in self.credits],
        }

    def rights(self) -> Rights:
        """Return the part that the registry keeps too, bound by its digest."""
        canonical = json.dumps(
            self.bound(), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return Rights(
            asset_number=self.asset_number,
            render_id=self.render_id,
            license_id=self.license_id,
            twin_version_id=self.twin_version_id,
            consent_receipt_id=self.consent_receipt_id,
            digest=hashlib.sha256(canonical.encode()).hexdigest(),
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """A file with its Content Credentials.

    Attributes:
        data: the JPEG.
        manifest: the manifest store (JUMBF) in it, as its APP11 segments carry it.
    """

    data: bytes
    manifest: bytes


def sign(
    jpeg: bytes, claim: Claim, credentials: SigningCredentials, stamps_url: str = ""
) -> Signed:
    """Return `jpeg` with a manifest for `claim`, its pixels and metadata unchanged.

    Args:
        jpeg: the picture.
        claim: what its manifest states.
        credentials: with a key or with a callback to a key service.
        stamps_url: of the time-stamp authority; without one a signature is trusted only as long
            as its certificate is valid.

    Raises:
        c2pa.C2paError: the time-stamp authority does not answer, or the callback fails.
    """
    settings = {
        "builder": {"thumbnail": {"enabled": False}},
        "verify": {"verify_after_sign": False},
    }
    signed = io.BytesIO()
    with (
        c2pa.Context.from_dict(settings) as context,
        _signer(credentials, stamps_url) as signer,
        c2pa.Builder(_manifest(claim), context) as builder,
    ):
        if claim.parent:
            parent = {
                "title": claim.title,
                "format": "image/jpeg",
                "relationship": "parentOf",
                "label": _PARENT,
            }
            builder.add_ingredient(json.dumps(parent), "image/jpeg", io.BytesIO(claim.parent))
        manifest = builder.sign(signer, "image/jpeg", io.BytesIO(jpeg), signed)
    return Signed(signed.getvalue(), manifest)


def _signer(credentials: SigningCredentials, stamps_url: str) -> c2pa.Signer:
    if credentials.callback is not None:
        chain = credentials.chain.decode()
        return c2pa.Signer.from_callback(
            credentials.callback, c2pa.C2paSigningAlg.ES256, chain, stamps_url or None
        )
    return c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(
            alg=b"es256",
            sign_cert=credentials.chain,
            private_key=credentials.key,
            ta_url=stamps_url.encode() or None,
        )
    )


def label_of(signed: Signed) -> str:
    """Return the label of the active manifest, by which others name it: "urn:c2pa:...".

    Raises:
        c2pa.C2paError: there is no manifest in it.
    """
    settings = {"verify": {"verify_after_reading": False, "remote_manifest_fetch": False}}
    with (
        c2pa.Context.from_dict(settings) as context,
        c2pa.Reader(
            "image/jpeg", io.BytesIO(signed.data), signed.manifest, context=context
        ) as reader,
    ):
        return str(json.loads(reader.json())["active_manifest"])


def read(data: bytes, anchors: bytes, revoked: Set[int] = frozenset()) -> CredentialState:
    """Check the manifest in `data` against the root certificates `anchors` (PEM).

    Never fetches a remote manifest or a revocation list: `revoked` holds the serial numbers of
    certificates whose signatures no longer count.
    """
    settings = {**_READING, "trust": {"trust_anchors": anchors.decode()}}
    with c2pa.Context.from_dict(settings) as context:
        try:
            reader = c2pa.Reader(None, io.BytesIO(data), context=context)
        except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported):
            return CredentialState(Seal.ABSENT)
        except c2pa.C2paError as error:
            return CredentialState(Seal.INVALID, problems=(str(error)[:200],))
        with reader:
            return _state(json.loads(reader.json()), revoked)


def _state(store: Mapping[str, Any], revoked: Set[int]) -> CredentialState:
    label = store.get("active_manifest")
    manifest = store.get("manifests", {}).get(label, {})
    assertions = {a["label"]: a.get("data") for a in manifest.get("assertions", ())}
    rights = _rights(assertions.get(RIGHTS))
    failures = store.get("validation_results", {}).get("activeManifest", {}).get("failure", ())
    problems = tuple(failure["code"] for failure in failures)
    seals = {"Trusted": Seal.TRUSTED, "Valid": Seal.UNTRUSTED}  # "Valid" alone is not trust
    seal = seals.get(str(store.get("validation_state")), Seal.INVALID)
    serial = manifest.get("signature_info", {}).get("cert_serial_number")
    if seal is Seal.TRUSTED and serial is not None and int(serial) in revoked:
        seal = Seal.LAPSED
    if seal is Seal.INVALID and _EXPIRED in problems and _EXPIRED_ONLY.issuperset(problems):
        seal = Seal.LAPSED
    return CredentialState(seal, label, rights, problems)


def _rights(data: object) -> Rights | None:
    """Return the assertion's content, or None where it is missing or not of our form."""
    if not isinstance(data, Mapping):
        return None
    names = ("renderId", "licenseId", "twinVersionId", "consentReceiptId", "digest")
    texts = [data.get(name) for name in names]
    number = data.get("assetNumber")
    if not isinstance(number, int) or not all(isinstance(text, str) for text in texts):
        return None
    return Rights(number, *map(str, texts))


def _manifest(claim: Claim) -> dict[str, Any]:
    mining = {f"cawg.{use}": {"use": "notAllowed"} for use in _NO_TRAINING}
    assertions = [
        ("c2pa.actions.v2", {"actions": _actions(claim)}),
        ("cawg.training-mining", {"entries": mining}),
        *((("cawg.metadata", _said(claim)),) if claim.person or claim.credits else ()),
        ("c2pa.soft-binding", _binding(claim.watermark, claim.watermark_value)),
        ("c2pa.soft-binding", _binding(claim.fingerprint_name, claim.fingerprint)),
        (RIGHTS, {**claim.bound(), "digest": claim.rights().digest}),
    ]
    return {
        "claim_generator_info": [asdict(claim.system)],
        "title": claim.title,
        "format": "image/jpeg",
        "instance_id": f"xmp:iid:{claim.render_id}",
        "assertions": [{"label": label, "data": data} for label, data in assertions],
        "ingredients": [_ingredient(source) for source in claim.sources],
    }


def _ingredient(source: Source) -> dict[str, Any]:
    return {
        "title": source.title,
        "relationship": source.relationship,
        "instance_id": f"urn:sha256:{source.sha256}",
    }


def _said(claim: Claim) -> dict[str, Any]:
    """Return who took part, in the words of IPTC, as CAWG's metadata assertion signs them."""
    people = [
        {"Iptc4xmpExt:Name": credit.name, "Iptc4xmpExt:Role": [credit.role]}
        for credit in claim.credits
    ]
    said = {
        "dc:creator": [credit.name for credit in claim.credits],
        "Iptc4xmpExt:Contributor": people,
        "Iptc4xmpExt:PersonInImage": [claim.person] if claim.person else [],
    }
    return {"@context": _CONTEXT, **{name: value for name, value in said.items() if value}}


def _actions(claim: Claim) -> list[dict[str, Any]]:
    """Return how the picture came to be; a format was opened from the whole one and cropped."""
    how = {
        "digitalSourceType": source_type(claim.sources),
        "when": claim.created_at.isoformat(),
        "softwareAgent": asdict(claim.system),
    }
    marked = {"action": "c2pa.watermarked.bound"}
    if not claim.parent:
        return [{"action": "c2pa.created", **how}, marked]
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [_PARENT]}}
    return [opened, {"action": "c2pa.cropped", **how}, marked]


def _binding(algorithm: str, value: bytes) -> dict[str, Any]:
    blocks = [{"scope": {}, "value": base64.b64encode(value).decode()}]
    return {"alg": algorithm, "blocks": blocks}
