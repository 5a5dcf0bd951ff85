import json
import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pyexiv2  # type: ignore[import-not-found, unused-ignore]
import pytest
from PIL import Image
from render.pipeline.marking.mark import Marked
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


def test_another_reader_finds_the_same_fields(marked: Marked) -> None:
    """Exiv2 reads the signed file: IPTC, PLUS and China's record stand where others look."""
    with pyexiv2.ImageData(marked.data) as image:
        found = image.read_xmp()
    assert found["Xmp.iptcExt.DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert found["Xmp.iptcExt.AISystemUsed"] == "Sosia mini"
    assert found["Xmp.iptcExt.Contributor[1]/Iptc4xmpExt:Role"] == ["photographer"]
    assert found["Xmp.plus.ModelReleaseID"] == ["rcp_alba_1"]
    assert found["Xmp.plus.ModelReleaseStatus"].endswith("/MR-LMR")
    assert found["Xmp.plus.DataMining"].endswith("/DMI-PROHIBITED")
    assert found["Xmp.plus.Licensor[1]/plus:LicensorID"] == "tal_alba"
    assert found["Xmp.plus.LicenseEndDate"] == "2027-11-24T12:00:00+00:00"
    record = json.loads(found["Xmp.TC260.AIGC"])
    assert (record["Label"], record["ProduceID"]) == ("1", marked.rights.render_id)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="no exiftool on this machine")
def test_exiftool_finds_the_same_fields(marked: Marked) -> None:
    """-u: it does not know China's namespace by name, and writes what it does not know as Aigc."""
    command = ["exiftool", "-j", "-u", "-G1", "-struct", "-"]
    read = subprocess.run(command, input=marked.data, capture_output=True, check=True)
    (found,) = json.loads(read.stdout)
    assert found["XMP-plus:ModelReleaseID"] in ("rcp_alba_1", ["rcp_alba_1"])
    assert found["XMP-plus:DataMining"].endswith("DMI-PROHIBITED")
    assert found["XMP-iptcExt:DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert found["XMP-iptcExt:AISystemUsed"] == "Sosia mini"
    (record,) = [
        json.loads(value) for name, value in found.items() if name.lower().endswith(":aigc")
    ]
    assert (record["Label"], record["ProduceID"]) == ("1", marked.rights.render_id)
