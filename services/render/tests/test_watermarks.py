"""Which codecs mark and read is a setting; pictures marked before it changed stay known."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from house import networks
from kit import rpc
from local.process import free_port
from PIL import Image
from pydantic import ValidationError
from render.domain.verdicts import CredentialState, Layers, Seal
from render.pipeline.marking.codec import read_first
from render.pipeline.marking.weights import WeightsUnusable
from render.settings import Settings
from render.store import registry
from render.watermarks import open_codecs
from sosia.render.v1 import (
    render_pb2,
    render_service_pb2,
    render_service_pb2_grpc,
    softbinding_pb2,
    verify_pb2,
)

KEY = bytes(range(32))
OURS, RIVAGAN, TRUSTMARK = "sosia.spread.3", "sosia.rivagan.1", "sosia.trustmark.q.1"


@pytest.fixture
def rivagan() -> Path:
    spec = find_spec("imwatermark")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


@pytest.fixture
def trustmark(tmp_path: Path) -> Path:
    networks.write_pair(tmp_path)
    return tmp_path


def settings(**changed: Any) -> Settings:
    places = ("identity_address", "training_address", "licensing_address", "worker_ops_address")
    fields: dict[str, Any] = dict.fromkeys((*places, "rpc_address", "ops_address"), "127.0.0.1:1")
    paths = dict.fromkeys(("bases", "grant_public_key", "watermark_key", "authority"), Path("-"))
    urls = {"database_url": "postgresql://localhost/render", "nats_url": "nats://localhost"}
    return Settings(**fields, **paths, **urls, objects_url="file:///-", **changed)


def photo() -> Any:
    path = Path(__file__).parents[3] / "samples/talents/alba/photos/000.jpg"
    return np.asarray(Image.open(path).convert("RGB"))


def test_our_own_codec_marks_and_reads_alone_unless_told_otherwise() -> None:
    codecs = open_codecs(settings(), KEY)
    assert (codecs.marking.name, [one.name for one in codecs.reading]) == (OURS, [OURS])


def test_what_is_given_reads_the_strongest_check_first(rivagan: Path, trustmark: Path) -> None:
    given = settings(rivagan_weights=rivagan, trustmark_weights=trustmark)
    codecs = open_codecs(given, KEY)
    assert codecs.marking.name == OURS
    assert [one.name for one in codecs.reading] == [OURS, TRUSTMARK, RIVAGAN]
    assert set(codecs.values) == {OURS, TRUSTMARK, RIVAGAN}
    for number in (0, 2**32, 2**64 - 1):  # whatever a question to the soft binding says
        assert {len(value(number)) for value in codecs.values.values()} == {12}
    assert len({value(7)[8:] for value in codecs.values.values()}) == 3


@pytest.mark.parametrize("then", ["spread", "rivagan", "trustmark"])
def test_a_picture_is_read_after_the_choice_changed(
    rivagan: Path, trustmark: Path, then: str
) -> None:
    given = {"rivagan_weights": rivagan, "trustmark_weights": trustmark}
    before = open_codecs(settings(watermark_codec="trustmark", **given), KEY)
    marked = next(before.marking.attempts(photo(), 7_654)).picture
    after = open_codecs(settings(watermark_codec=then, **given), KEY)
    found = read_first(after.reading, marked)
    assert found is not None
    assert (found.number, found.codec) == (7_654, TRUSTMARK)


@pytest.mark.parametrize("name", ["rivagan", "trustmark"])
def test_a_chosen_codec_without_weights_is_named_with_its_setting(name: str) -> None:
    said = f"RENDER_{name.upper()}_WEIGHTS is not set: RENDER_WATERMARK_CODEC={name} needs it"
    with pytest.raises(WeightsUnusable, match=said):
        open_codecs(settings(watermark_codec=name), KEY)


def test_weights_that_are_not_there_are_an_error_though_only_reading_needs_them(
    tmp_path: Path,
) -> None:
    """Or pictures would silently be read no more."""
    with pytest.raises(WeightsUnusable, match=r"RENDER_RIVAGAN_WEIGHTS: .*rivagan_encoder\.onnx"):
        open_codecs(settings(rivagan_weights=tmp_path), KEY)


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(ValidationError, match="watermark_codec"):
        settings(watermark_codec="dwtDct")


async def test_a_picture_is_known_by_its_mark_after_the_choice_changed(
    stage: Any, trustmark: Path
) -> None:
    """The whole way: marked by the one, and read by a service whose choice is the other."""
    given = {"trustmark_weights": trustmark}
    own = stage.settings.model_copy(update={"watermark_codec": "trustmark", **given})
    ours, stage.settings = stage.settings, own
    render = await stage.released()
    content = await stage.picture(stage.brand, render, render_pb2.PICTURE_KIND_CLEAN)
    for update, state in ((given, "match"), ({}, "absent")):
        answer, algorithms = await asked(stage, ours.model_copy(update=update), content)
        assert (answer.verdict, answer.render_id) == (verify_pb2.VERDICT_VERIFIED, render.id)
        assert {one.name: one.state for one in answer.layers}["watermark"] == state
        assert algorithms == [OURS, TRUSTMARK][: 1 + len(update)]


async def asked(stage: Any, settings: Any, content: bytes) -> tuple[Any, list[str]]:
    """Return what a service with other settings says of a file, and of what it reads."""
    from render import app  # noqa: PLC0415

    own = settings.model_copy(update={"ops_address": f"127.0.0.1:{free_port()}"})
    async with app.build(own) as second, rpc.open_channel(f"127.0.0.1:{second.port}") as channel:
        stub = render_service_pb2_grpc.RenderServiceStub(channel)
        with stage.identity.as_("public"):
            picture = render_service_pb2.VerifyPictureRequest(content=content)
            answer = (await rpc.call(stub.VerifyPicture, picture)).verification
            listed = await rpc.call(stub.ListAlgorithms, softbinding_pb2.ListAlgorithmsRequest())
    return answer, [one.alg for one in listed.watermarks]


async def test_a_number_leads_to_a_record_only_by_the_codec_that_wrote_it(stage: Any) -> None:
    """Or the weakest check that is switched on would open every record."""
    render = await stage.released()
    row = (
        await stage.execute("SELECT asset_number FROM renders WHERE id = :id", id=render.id)
    ).one()
    layers = Layers(
        CredentialState(Seal.ABSENT), row.asset_number, bytes(32), bytes(32), "", watermark_by=OURS
    )
    async with stage.app.db.begin() as tx:
        (found,) = await registry.find(tx, layers, [])
        assert found.candidate.watermark_by == OURS
        assert await registry.find(tx, replace(layers, watermark_by=RIVAGAN), []) == []
