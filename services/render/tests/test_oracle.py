"""Who asks what a picture is learns no number by which he could make a better forgery."""

from itertools import product

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
from sosia.render.v1 import render_service_pb2

ANSWER = render_service_pb2.VerifyPictureResponse.DESCRIPTOR
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


def test_no_field_of_the_answer_holds_a_number() -> None:
    found = fields(ANSWER)
    assert {name for name, kind in found.items() if kind not in (TEXT, FLAG, CHOICE)} == set()
    flags = {name for name, kind in found.items() if kind == FLAG}
    assert flags == {"verification.use.allowed"}


def test_the_answer_has_no_field_that_nobody_thought_about() -> None:
    """A new field must be added here by somebody who asked what a forger learns from it."""
    named = ("render_id", "talent", "brand", "license_id", "license_state", "license_ends_at")
    more = ("consent_receipt_id", "released_at", "use.allowed", "use.reasons")
    credits = ("credits.party_id", "credits.name", "credits.role")
    layers = ("verdict", "layers.name", "layers.state")
    expected = {f"verification.{name}" for name in (*named, *more, *credits, *layers)}
    assert set(fields(ANSWER)) == expected


def test_a_layer_says_one_of_seven_words() -> None:
    for combination in product(Credentials, Watermark, Fingerprint, Metadata, (False, True)):
        states = States(*combination)
        outcome, reasons = judge(states)
        said = describe(Verdict(outcome, None, reasons, states))
        assert list(said) == ["credentials", "watermark", "fingerprint", "metadata"]
        assert set(said.values()) <= WORDS
        doubted = {name for name, word in said.items() if word in ("contradicts", "invalid")}
        assert bool(doubted) == (outcome is Outcome.SUSPECT)
