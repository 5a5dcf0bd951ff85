"""From messages to the domain."""

from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from kit import once
from kit.errors import FieldInvalid
from sosia.common.v1 import credit_pb2
from sosia.render.v1 import campaign_pb2, render_pb2
from sosia.render.v1 import render_service_pb2 as pb
from sosia.render.v1 import softbinding_pb2 as soft

from render.domain.answers import AskedUse
from render.domain.campaigns import Credit, Product, Shot
from render.domain.moodboards import Facts
from render.domain.renders import Review
from render.domain.takes import Direction
from render.service.campaigns import NewBrief, NewCampaign
from render.service.commands import Command

_KINDS = {render_pb2.PICTURE_KIND_DRAFT: "draft", render_pb2.PICTURE_KIND_CLEAN: "clean"}


def to_command(request: Message) -> Command:
    """Read the id of a request and what its content is."""
    request_id: str = getattr(request, "request_id")  # noqa: B009 -- every command has one
    return Command(request_id, once.digest(request))


def to_new_campaign(request: pb.CreateCampaignRequest) -> NewCampaign:
    """Read what a campaign is asked to be; names of crew are identity's to give."""
    dates = [_to_time(request, name) for name in ("starts_at", "ends_at")]
    return NewCampaign(request.license_id, request.name, _credits(request.credits), *dates)


def to_credits(request: pb.CreditCrewRequest) -> tuple[Credit, ...]:
    """Read who is named; names of crew are identity's to give."""
    return _credits(request.credits)


def to_new_brief(request: pb.CreateBriefRequest) -> NewBrief:
    """Read what a brief is asked to be."""
    products = tuple(_product(product) for product in request.products)
    shots = tuple(_shot(shot) for shot in request.shots)
    return NewBrief(
        request.campaign_id,
        request.twin_version_id,
        products,
        shots,
        _to_time(request, "deadline"),
        tuple(request.media),
        tuple(request.formats),
    )


def to_review(request: pb.ReviewRenderRequest) -> Review:
    """Read the director's word."""
    return Review(request.approve, request.note)


def to_facts(facts: campaign_pb2.ReferenceFacts) -> Facts:
    """Read what is said of a reference picture."""
    product = facts.product if facts.HasField("product") else None
    return Facts(facts.title, facts.credit, facts.rights, facts.shows, product)


def to_direction(request: pb.AskTakeRequest) -> Direction:
    """Read what a director wants otherwise."""
    seed = request.seed if request.HasField("seed") else None
    words = (request.framing, request.pose, request.view, request.lighting)
    return Direction(request.note, *words, seed)


def to_kind(kind: "render_pb2.PictureKind.ValueType") -> str:
    """Read which file is asked for; nothing where nothing known is."""
    return _KINDS.get(kind, "")


def to_use(request: pb.VerifyPictureRequest | pb.VerifyAddressRequest) -> AskedUse | None:
    """Read which use is asked about, if one is."""
    if not request.media and not request.territory:
        return None
    return AskedUse(request.media, request.territory)


def to_most(request: soft.FindByBindingRequest | soft.FindByContentRequest) -> int | None:
    """Read how many matches are wanted, if that is said."""
    return request.max_results if request.HasField("max_results") else None


def _credits(credits: Iterable[credit_pb2.Credit]) -> tuple[Credit, ...]:
    return tuple(Credit(credit.party_id, "", credit.role) for credit in credits)


def _product(product: campaign_pb2.Product) -> Product:
    return Product(product.name, product.garment, product.colour, product.pattern)


def _shot(shot: campaign_pb2.Shot) -> Shot:
    return Shot(shot.product, shot.framing, shot.pose, shot.view, shot.lighting, shot.seed)


def _to_time(request: Message, name: str) -> datetime | None:
    """Read a time that may be unset. Raises FieldInvalid: it is out of range."""
    if not request.HasField(name):
        return None
    stamp: Timestamp = getattr(request, name)
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise FieldInvalid(name, "must be a time") from error
