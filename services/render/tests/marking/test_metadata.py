from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from render.pipeline.marking.metadata import Metadata, packet, read_metadata
from render.pipeline.marking.request import MarkRequest, System


def picture_with(xmp: bytes) -> bytes:
    out = BytesIO()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(out, "JPEG", xmp=xmp)
    return out.getvalue()


@pytest.fixture(scope="module")
def said(request_of: Callable[..., MarkRequest], system: System) -> Metadata:
    return read_metadata(picture_with(packet(request_of(), system)))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("dc:creator", ("Åsa Öberg", "Émile & Co")),
        ("dc:title", ("Spring coat, frontal <1>",)),
        ("photoshop:Credit", ("Åsa Öberg (photographer) / Émile & Co (stylist) / Sosia",)),
        ("Iptc4xmpExt:AISystemUsed", ("Sosia mini",)),
        ("Iptc4xmpExt:AISystemVersionUsed", ("1.2",)),
        ("Iptc4xmpExt:Contributor/Iptc4xmpExt:Name", ("Åsa Öberg", "Émile & Co")),
        ("Iptc4xmpExt:Contributor/Iptc4xmpExt:Role", ("photographer", "stylist")),
        ("Iptc4xmpExt:PersonInImage", ("Alba",)),
        ("plus:ModelReleaseID", ("rcp_alba_1",)),
        ("plus:ModelReleaseStatus", ("http://ns.useplus.org/ldf/vocab/MR-LMR",)),
        ("plus:DataMining", ("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED",)),
        ("plus:Licensor/plus:LicensorID", ("tal_alba",)),
        ("plus:Licensee/plus:LicenseeName", ("North & Söhne",)),
        ("plus:ImageSupplier/plus:ImageSupplierName", ("Sosia",)),
        ("plus:LicenseStartDate", ("2026-11-24T12:00:00+00:00",)),
        ("plus:LicenseEndDate", ("2027-11-24T12:00:00+00:00",)),
    ],
)
def test_packet_says_it(said: Metadata, name: str, values: tuple[str, ...]) -> None:
    assert said.fields[name] == values


def test_source_type_is_of_the_iptc_vocabulary(said: Metadata) -> None:
    (source,) = said.fields["Iptc4xmpExt:DigitalSourceType"]
    assert source == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def test_aigc_record_names_producer_and_picture(said: Metadata) -> None:
    assert said.aigc["Label"] == "1"
    assert said.aigc["ContentProducer"] == "Sosia"
    assert said.aigc["ProduceID"] == "ren_71234567"
    assert len(said.aigc) == 7


def test_a_picture_without_a_packet_says_nothing() -> None:
    read = read_metadata(picture_with(b""))
    assert (read.fields, read.aigc) == ({}, {})


def with_entity(declaration: str) -> bytes:
    """Return a packet whose title is the entity b."""
    rdf = 'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    dc = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    body = f"<r:Description {rdf} {dc}><dc:title>&b;</dc:title></r:Description>"
    return f"<!DOCTYPE a [{declaration}]>{body}".encode()


BOMB = with_entity('<!ENTITY c "lol"><!ENTITY b "&c;&c;&c;">')
FILE = with_entity('<!ENTITY b SYSTEM "file:///etc/hostname">')


@pytest.mark.parametrize("xmp", [b"<a", b"\x00\xff\xfe", b"<a/>", BOMB, FILE])
def test_a_hostile_packet_says_nothing(xmp: bytes) -> None:
    assert read_metadata(picture_with(xmp)).fields == {}


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "[" * 5000])
def test_a_broken_aigc_record_says_nothing(text: str) -> None:
    space = 'xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/"'
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    body = f'<r:Description xmlns:r="{rdf}" {space}><T:AIGC>{text}</T:AIGC></r:Description>'
    assert read_metadata(picture_with(body.encode())).aigc == {}
