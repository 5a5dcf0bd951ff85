"""Readable metadata: one XMP packet with IPTC, PLUS and China's AIGC record.

Anyone can change it; only the Content Credentials, which cover it, say whether anyone did.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError, SubElement, register_namespace, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import Image

from render.pipeline.marking.request import (
    COMPOSITE,
    GENERATED,
    MarkRequest,
    Party,
    System,
    source_type,
)

_SPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
}
_PLUS = "http://ns.useplus.org/ldf/vocab/"
_RELEASE = _PLUS + "MR-LMR"  # "limited": a twin's consent is always bounded by its scope
_MINING = _PLUS + "DMI-PROHIBITED"
_DEEPEST = 32
_LARGEST = 1 << 20
_IDS = ("Iptc4xmpExt:DigImageGUID", "plus:ImageSupplierImageID")
_RENDER = "ren_"
_GENERATED = (GENERATED, COMPOSITE)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a picture's packet says, flat.

    Attributes:
        fields: prefixed property names to their values; structures are written `a/b`.
        aigc: China's record, empty where there is none.
    """

    fields: dict[str, tuple[str, ...]]
    aigc: dict[str, str]


def packet(request: MarkRequest, system: System) -> bytes:
    """Return the XMP packet for one picture, to be written as it is into the file."""
    for prefix, space in _SPACES.items():
        register_namespace(prefix, space)
    root = Element(_name("x:xmpmeta"))
    about = SubElement(SubElement(root, _name("rdf:RDF")), _name("rdf:Description"))
    about.set(_name("rdf:about"), "")
    _describe(about, request)
    _iptc(about, request, system)
    _plus(about, request)
    SubElement(about, _name("TC260:AIGC")).text = _aigc(request)
    body = tostring(root, encoding="unicode")
    head = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    return f'{head}{body}<?xpacket end="r"?>'.encode()


def read_metadata(data: bytes) -> Metadata:
    """Return what the packet in the picture `data` says; empty where there is none to read."""
    with Image.open(BytesIO(data)) as image:
        raw = image.info.get("xmp", b"")
    if isinstance(raw, str):
        raw = raw.encode()
    try:
        root = fromstring(raw[:_LARGEST].strip(b"\0"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):  # of encodings, too
        return Metadata({}, {})
    fields: dict[str, list[str]] = {}
    for about in root.iter(_name("rdf:Description")):
        for path, text in _leaves(about, ""):
            fields.setdefault(path, []).append(text)
    flat = {path: tuple(texts) for path, texts in fields.items()}
    return Metadata(flat, _read_aigc(flat.get("TC260:AIGC", ("",))[0]))


def named_render(metadata: Metadata) -> str | None:
    """Return the render the metadata names first, in whichever field, or None."""
    return next(iter(_named(metadata)), None)


def is_contradictory(metadata: Metadata) -> bool:
    """Tell whether the metadata names two renders, or says that no machine made the picture."""
    sources = metadata.fields.get("Iptc4xmpExt:DigitalSourceType", ())
    denied = any(source.rpartition("/")[2] not in _GENERATED for source in sources)
    return denied or len(_named(metadata)) > 1


def _named(metadata: Metadata) -> tuple[str, ...]:
    """Return the renders that fields name; others' ids in IPTC and PLUS fields name none."""
    ours = [text for name in _IDS for text in metadata.fields.get(name, ())]
    texts = [metadata.aigc.get("ProduceID"), *(one for one in ours if one.startswith(_RENDER))]
    return tuple(dict.fromkeys(text for text in texts if text))


def _describe(about: Element, request: MarkRequest) -> None:
    people = [f"{credit.name} ({credit.role})" for credit in request.credits]
    _list(about, "dc:creator", "Seq", [c.name for c in request.credits] or [request.supplier.name])
    _text_in(about, "dc:title", request.title)
    _text_in(about, "dc:rights", f"Licensed to {request.licensee.name} by {request.licensor.name}")
    _put(about, "photoshop:Credit", " / ".join([*people, request.supplier.name]))
    _put(about, "photoshop:DateCreated", request.created_at.isoformat())


def _iptc(about: Element, request: MarkRequest, system: System) -> None:
    """Write IPTC Photo Metadata 2025.1: how the picture was made and by whom."""
    _put(about, "Iptc4xmpExt:DigitalSourceType", source_type(request.sources))
    _put(about, "Iptc4xmpExt:AISystemUsed", system.name)
    _put(about, "Iptc4xmpExt:AISystemVersionUsed", system.version)
    _put(about, "Iptc4xmpExt:DigImageGUID", request.render_id)
    _list(about, "Iptc4xmpExt:PersonInImage", "Bag", [request.licensor.name])
    bag = SubElement(SubElement(about, _name("Iptc4xmpExt:Contributor")), _name("rdf:Bag"))
    for credit in request.credits:
        entry = _structure(bag)
        _text_in(entry, "Iptc4xmpExt:Name", credit.name)
        _list(entry, "Iptc4xmpExt:Role", "Bag", [credit.role])


def _plus(about: Element, request: MarkRequest) -> None:
    """Write the PLUS License Data Format: who may use the picture, until when."""
    _put(about, "plus:Version", "2.0.1")
    _list(about, "plus:ModelReleaseID", "Bag", [request.consent_receipt_id])
    _put(about, "plus:ModelReleaseStatus", _RELEASE)
    _put(about, "plus:DataMining", _MINING)
    _party(about, "Licensor", request.licensor)
    _party(about, "Licensee", request.licensee)
    _party(about, "ImageSupplier", request.supplier)
    _put(about, "plus:ImageSupplierImageID", request.render_id)
    _list(about, "plus:LicensorTransactionID", "Bag", [request.license_id])
    _put(about, "plus:LicenseStartDate", _moment(request.license_starts_at))
    _put(about, "plus:LicenseEndDate", _moment(request.license_ends_at))


def _aigc(request: MarkRequest) -> str:
    """Return China's record: Label 1 says "is generated" (GB 45438-2025, annex)."""
    record = {
        "Label": "1",
        "ContentProducer": request.supplier.name,
        "ProduceID": request.render_id,
        "ReservedCode1": "",
        "ContentPropagator": request.licensee.name,
        "PropagateID": request.license_id,
        "ReservedCode2": "",
    }
    return json.dumps(record, ensure_ascii=False)


def _read_aigc(text: str) -> dict[str, str]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(record, dict):
        return {}
    return {str(key): value for key, value in record.items() if isinstance(value, str)}


def _leaves(element: Element, path: str, deep: int = 0) -> Iterable[tuple[str, str]]:
    """Yield every property below `element` with its path, leaving out RDF's own containers.

    What lies deeper than any real packet is left out: a stranger could exhaust the stack by it.
    """
    if deep > _DEEPEST:
        return
    for name, value in element.attrib.items():
        if not name.startswith(("{" + _SPACES["rdf"], "{http://www.w3.org/XML")):
            yield _join(path, name), value
    for child in element:
        below = _join(path, child.tag)
        if len(child) or not (child.text or "").strip():
            yield from _leaves(child, below, deep + 1)
        else:
            yield below, (child.text or "").strip()


def _join(path: str, tag: str) -> str:
    prefix, _, name = tag.rpartition("}")
    for short, space in _SPACES.items():
        if prefix == "{" + space:
            if short == "rdf":
                return path
            name = f"{short}:{name}"
    return f"{path}/{name}" if path else name


def _name(prefixed: str) -> str:
    prefix, name = prefixed.split(":")
    return f"{{{_SPACES[prefix]}}}{name}"


def _put(parent: Element, name: str, text: str) -> None:
    SubElement(parent, _name(name)).text = text


def _text_in(parent: Element, name: str, text: str) -> None:
    """Add a text in its default language, as XMP wants for titles and names."""
    entry = SubElement(SubElement(SubElement(parent, _name(name)), _name("rdf:Alt")), "li")
    entry.tag = _name("rdf:li")
    entry.set("{http://www.w3.org/XML/1998/namespace}lang", "x-default")
    entry.text = text


def _list(parent: Element, name: str, kind: str, texts: Iterable[str]) -> None:
    holder = SubElement(SubElement(parent, _name(name)), _name(f"rdf:{kind}"))
    for text in texts:
        _put(holder, "rdf:li", text)


def _structure(holder: Element) -> Element:
    entry = SubElement(holder, _name("rdf:li"))
    entry.set(_name("rdf:parseType"), "Resource")
    return entry


def _party(about: Element, role: str, party: Party) -> None:
    holder = SubElement(SubElement(about, _name(f"plus:{role}")), _name("rdf:Seq"))
    entry = _structure(holder)
    _put(entry, f"plus:{role}Name", party.name)
    _put(entry, f"plus:{role}ID", party.id)


def _moment(when: datetime) -> str:
    return when.isoformat()
