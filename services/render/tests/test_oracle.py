"""Who asks what a picture is learns no number by which he could make a better forgery."""

from itertools import product

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from render.domain.answers import describe
from render.domain.judging import (
    Credentials,
    Fingerprint,
    Metadata,
    Outcome,
    States,
    Watermark,
    judge,
)
from render.domain.verdicts import Verdict
from sosia.render.v1 import render_service_pb2, softbinding_pb2

PUBLIC = [
    getattr(render_service_pb2, f"{call}Response").DESCRIPTOR
    for call in ("VerifyPicture", "VerifyAddress", "GetReleased")
]
"""What anybody is told of a picture."""
TEXT, FLAG, CHOICE = (
    FieldDescriptor.TYPE_STRING,
    FieldDescriptor.TYPE_BOOL,
    FieldDescriptor.TYPE_ENUM,
)
WORDS = {"trusted", "lapsed", "invalid", "absent", "match", "no match", "contradicts"}


def fields(kind: Descriptor, path: str = "") -> dict[str, int]:
    """Return the type of every field of an answer, however deep; times are written as text."""
    found: dict[str, int] = {}
    for field in kind.fields:
        name = f"{path}{field.name}"
        below = field.message_type
        if below is None:
            found[name] = field.type
        elif below.full_name == "google.protobuf.Timestamp":
            found[name] = TEXT
        else:
            found |= fields(below, f"{name}.")
    return found


@pytest.mark.parametrize("answer", PUBLIC)
def test_no_field_of_the_answer_holds_a_number(answer: Descriptor) -> None:
    found = fields(answer)
    assert {name for name, kind in found.items() if kind not in (TEXT, FLAG, CHOICE)} == set()
    flags = {name for name, kind in found.items() if kind == FLAG}
    assert flags == {"verification.use.allowed"}


def test_the_answer_has_no_field_that_nobody_thought_about() -> None:
    """A new field must be added here by somebody who asked what a forger learns from it."""
    named = ("render_id", "talent", "brand", "license_id", "license_state", "license_ends_at")
    more = ("consent_receipt_id", "released_at", "use.allowed", "use.reasons")
    word = ("approval", "approved_at")  # what she said of the picture
    proof = ("commitment_sha256", "leaf_index", "inclusion_proof", "checkpoint")  # of the log
    credits = ("credits.party_id", "credits.name", "credits.role")
    layers = ("verdict", "layers.name", "layers.state")
    proofs = [f"consent_proof.{name}" for name in proof]
    all_of_it = (*named, *more, *word, *proofs, *credits, *layers)
    expected = {f"verification.{name}" for name in all_of_it}
    for answer in PUBLIC:
        assert set(fields(answer)) == expected, answer.full_name


def test_a_manifest_that_is_found_comes_without_a_score() -> None:
    for kind in (softbinding_pb2.FindByBindingResponse, softbinding_pb2.FindByContentResponse):
        found = fields(kind.DESCRIPTOR)
        assert found == {"matches.manifest_id": TEXT, "matches.endpoint": TEXT}


def test_who_reacts_is_told_what_he_said_and_nothing_else() -> None:
    found = fields(render_service_pb2.ReactResponse.DESCRIPTOR)
    assert set(found) == {"reaction.score", "reaction.text", "reaction.made_at"}


def test_a_layer_says_one_of_seven_words() -> None:
    for combination in product(Credentials, Watermark, Fingerprint, Metadata, (False, True)):
        states = States(*combination)
        outcome, reasons = judge(states)
        said = describe(Verdict(outcome, None, reasons, states))
        assert list(said) == ["credentials", "watermark", "fingerprint", "metadata"]
        assert set(said.values()) <= WORDS
        doubted = {name for name, word in said.items() if word in ("contradicts", "invalid")}
        assert bool(doubted) == (outcome is Outcome.SUSPECT)
