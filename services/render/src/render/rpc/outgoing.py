"""From the domain to messages."""

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from sosia.common.v1 import credit_pb2
from sosia.render.v1 import (
    campaign_pb2,
    format_pb2,
    render_pb2,
    render_service_pb2,
    softbinding_pb2,
    verify_pb2,
)

from render.domain.answers import Answer, Named
from render.domain.bindings import Match
from render.domain.campaigns import Appointment, Brief, Campaign, Choices, Credit, Product, Shot
from render.domain.formats import Format
from render.domain.licenses import License, State
from render.domain.moodboards import Reference
from render.domain.renders import Remains, Render
from render.domain.takes import Note


def from_time(value: datetime) -> Timestamp:
    """Write a time."""
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp


def _maybe(value: datetime | None) -> Timestamp | None:
    return None if value is None else from_time(value)


def from_credits(credits: Iterable[Credit]) -> list[credit_pb2.Credit]:
    """Write credits."""
    return [
        credit_pb2.Credit(party_id=one.party_id, name=one.name, role=one.role) for one in credits
    ]


def from_campaign(campaign: Campaign) -> campaign_pb2.Campaign:
    """Write a campaign."""
    return campaign_pb2.Campaign(
        id=campaign.id,
        brand_id=campaign.brand_id,
        license_id=campaign.license_id,
        talent_id=campaign.talent_id,
        starts_at=_maybe(campaign.starts_at),
        ends_at=_maybe(campaign.ends_at),
        name=campaign.name,
        credits=from_credits(campaign.credits),
        created_at=from_time(campaign.created_at),
    )


def from_brief(brief: Brief) -> campaign_pb2.Brief:
    """Write a brief."""
    return campaign_pb2.Brief(
        id=brief.id,
        campaign_id=brief.campaign_id,
        twin_version_id=brief.twin_version_id,
        products=[_product(product) for product in brief.products],
        shots=[_shot(shot) for shot in brief.shots],
        sha256=brief.sha256,
        created_at=from_time(brief.created_at),
        deadline=_maybe(brief.deadline),
        media=brief.media,
        formats=brief.formats,
    )


def from_appointment(appointment: Appointment, license: License) -> campaign_pb2.Appointment:
    """Write an appointment, with what its license is for."""
    return campaign_pb2.Appointment(
        license_id=license.id,
        brand_id=appointment.brand_id,
        talent_id=appointment.talent_id,
        director_id=appointment.director_id,
        appointed_at=from_time(appointment.at),
        purpose=license.purpose,
        starts_at=from_time(license.starts_at),
        ends_at=from_time(license.ends_at),
        live=license.state is State.ACTIVE,
    )


def from_choices(there: Choices) -> render_service_pb2.ListBriefChoicesResponse:
    """Write what a brief may name."""
    return render_service_pb2.ListBriefChoicesResponse(
        twins=[
            campaign_pb2.UsableTwin(id=one.id, created_at=from_time(one.at), usable=one.usable)
            for one in there.twins
        ],
        media=there.media,
        formats=there.formats,
        latest_deadline=from_time(there.latest_deadline),
        prohibited_contexts=there.prohibited_contexts,
    )


def from_render(render: Render) -> render_pb2.Render:
    """Write a render; its picture's place and its grant are nobody's business."""
    message = render_pb2.Render(
        id=render.id,
        brief_id=render.brief_id,
        campaign_id=render.campaign_id,
        license_id=render.license_id,
        talent_id=render.talent_id,
        brand_id=render.brand_id,
        twin_version_id=render.twin_version_id,
        shot=render.shot,
        prompt=render.prompt,
        seed=render.seed,
        state=render_pb2.RenderState.Value(f"RENDER_STATE_{render.state.name}"),
        attempt=render.attempt,
        note=render.reason,
        consent_receipt_id=render.basis.consent_receipt_id,
        credits=from_credits(render.credits),
        created_at=from_time(render.created_at),
    )
    if render.picture is not None:
        message.picture_sha256 = render.picture.sha256
        message.width, message.height = render.picture.width, render.picture.height
        message.fingerprint = render.picture.fingerprint.hex()
    if render.review_by is not None:
        message.review_by.FromDatetime(render.review_by)
    if render.released_at is not None:
        message.released_at.FromDatetime(render.released_at)
    if render.take is not None:
        message.take, message.chosen = render.take.number, render.is_chosen
        message.answers, message.direction = render.take.answers, render.take.note
        message.made_from.CopyFrom(_shot(render.take.made_from))
    return message


def from_note(note: Note) -> render_pb2.TakeNote:
    """Write a word on a take."""
    return render_pb2.TakeNote(
        render_id=note.render_id,
        word=render_pb2.TakeWord.Value(f"TAKE_WORD_{note.word.name}"),
        note=note.note,
        party_id=note.party_id,
        at=from_time(note.said_at),
    )


def from_reference(reference: Reference) -> campaign_pb2.Reference:
    """Write a reference picture; where it lies is nobody's business."""
    return campaign_pb2.Reference(
        id=reference.id,
        brief_id=reference.brief_id,
        title=reference.title,
        credit=reference.credit,
        rights=reference.rights,
        sha256=reference.sha256,
        width=reference.width,
        height=reference.height,
        added_by=reference.added_by,
        talent_id=reference.talent_id,
        created_at=from_time(reference.created_at),
        product=reference.product,
    )


def from_answer(answer: Answer) -> verify_pb2.Verification:
    """Write what is known of a picture."""
    message = verify_pb2.Verification() if answer.named is None else from_named(answer.named)
    message.verdict = verify_pb2.Verdict.Value(f"VERDICT_{answer.outcome.name}")
    message.layers.extend(from_layers(answer.layers))
    return message


def from_layers(layers: Iterable[tuple[str, str]]) -> list[verify_pb2.Layer]:
    """Write what each layer said."""
    return [verify_pb2.Layer(name=name, state=state) for name, state in layers]


def from_named(named: Named) -> verify_pb2.Verification:
    """Write who and what a released picture is, without a verdict."""
    message = verify_pb2.Verification(approval=named.word.said)
    for name in ("render_id", "talent", "brand", "license_id", "license_state"):
        setattr(message, name, getattr(named, name))
    message.consent_receipt_id = named.consent_receipt_id
    message.credits.extend(from_credits(named.credits))
    message.license_ends_at.FromDatetime(named.license_ends_at)
    message.released_at.FromDatetime(named.released_at)
    if named.word.at is not None:
        message.approved_at.FromDatetime(named.word.at)
    if named.proof is not None:
        proof = message.consent_proof
        proof.commitment_sha256 = named.proof.commitment_sha256
        proof.leaf_index = str(named.proof.leaf_index)
        proof.inclusion_proof.extend(named.proof.inclusion_proof)
        proof.checkpoint = named.proof.checkpoint
    if named.refusals is not None:
        message.use.allowed = not named.refusals
        message.use.reasons.extend(named.refusals)
    return message


def from_match(match: Match) -> softbinding_pb2.Match:
    """Write a manifest that was found."""
    message = softbinding_pb2.Match(manifest_id=match.manifest_id)
    if match.endpoint:
        message.endpoint = match.endpoint
    return message


def from_format(one: Format) -> format_pb2.PictureFormat:
    """Write a format of a picture."""
    return format_pb2.PictureFormat(
        format=one.name,
        width=one.picture.width,
        height=one.picture.height,
        sha256=one.picture.sha256,
    )


def _product(product: Product) -> campaign_pb2.Product:
    return campaign_pb2.Product(
        name=product.name,
        garment=product.garment,
        colour=product.colour,
        pattern=product.pattern,
    )


def _shot(shot: Shot) -> campaign_pb2.Shot:
    return campaign_pb2.Shot(
        product=shot.product,
        framing=shot.framing,
        pose=shot.pose,
        view=shot.view,
        lighting=shot.lighting,
        seed=shot.seed,
    )


def from_remains(left: Remains) -> render_service_pb2.GetPicturesErasureResponse:
    """Write what is still there of a talent."""
    return render_service_pb2.GetPicturesErasureResponse(
        erased_at=_maybe(left.erased_at),
        objects_deleted=left.objects_deleted,
        objects_left=left.objects,
        renders_left=left.renders,
        released=left.released,
    )
