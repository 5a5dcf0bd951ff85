"""Sightings, claims and reactions, from messages and to them."""

from datetime import UTC

from sosia.render.v1 import claim_pb2, reaction_pb2, verify_pb2

from render.domain.reactions import Day, Reaction
from render.domain.sightings import Facts, Sighting, State
from render.rpc.outgoing import from_layers, from_time
from render.service.claims import Told

_STATES = {claim_pb2.ClaimState.Value(f"CLAIM_STATE_{state.name}"): state for state in State}
_NUMBERS = {state: number for number, state in _STATES.items()}


def to_facts(facts: claim_pb2.SightingFacts) -> Facts:
    """Read where a picture was found."""
    seen_at = facts.seen_at.ToDatetime(tzinfo=UTC) if facts.HasField("seen_at") else None
    return Facts(facts.source, facts.url, seen_at, facts.media, facts.territory)


def to_state(state: "claim_pb2.ClaimState.ValueType") -> State | None:
    """Read which claims are asked for; None for all."""
    return _STATES.get(state)


def from_sighting(sighting: Sighting) -> claim_pb2.Sighting:
    """Write a sighting; where its file lies is nobody's business."""
    facts = claim_pb2.SightingFacts(
        source=sighting.source,
        url=sighting.url,
        seen_at=from_time(sighting.seen_at),
        media=sighting.media,
        territory=sighting.territory,
    )
    return claim_pb2.Sighting(
        id=sighting.id,
        facts=facts,
        picture_sha256=sighting.picture_sha256,
        verdict=verify_pb2.Verdict.Value(f"VERDICT_{sighting.verdict.upper()}"),
        layers=from_layers(sighting.layers),
        render_id=sighting.render_id or "",
        reasons=sighting.reasons,
        claim_id=sighting.claim_id or "",
        is_kept=bool(sighting.object_key),
        noted_at=from_time(sighting.noted_at),
    )


def from_told(told: Told) -> claim_pb2.Claim:
    """Write a claim with what was seen."""
    claim = told.claim
    steps = [
        claim_pb2.ClaimStep(
            state=_NUMBERS[step.state],
            at=from_time(step.at),
            party_id=step.party_id,
            note=step.note,
        )
        for step in claim.steps
    ]
    return claim_pb2.Claim(
        id=claim.id,
        render_id=claim.render_id,
        license_id=claim.license_id,
        talent_id=claim.talent_id,
        brand_id=claim.brand_id,
        state=_NUMBERS[claim.state],
        reasons=claim.reasons,
        place=claim.place,
        license_statement=claim.license_statement,
        license_state=claim.license_state,
        opened_at=from_time(claim.opened_at),
        steps=steps,
        sightings=[from_sighting(one) for one in told.sightings],
        sightings_count=told.count,
    )


def from_reaction(reaction: Reaction) -> reaction_pb2.Remark:
    """Write what somebody said; not who, not even hashed."""
    return reaction_pb2.Remark(
        score=reaction.score, text=reaction.text, made_at=from_time(reaction.made_at)
    )


def from_day(day: Day) -> reaction_pb2.ReactionDay:
    """Write how many said what on a day."""
    return reaction_pb2.ReactionDay(day=day.day.isoformat(), counts=day.counts)
