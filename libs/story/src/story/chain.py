"""The main job from end to end: from a person's consent to a picture anyone can check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from story import beginnings, cast, licensing, pictures
from story.api import Api
from story.cast import Cast, Stuck
from story.samples import load_campaign, load_talent
from story.telling import Teller, euros

ASKED_MORE = (0, 80_00)
"""What the agency asks of each brand on top of its offer, in cents."""
QUESTIONS = (("social", "NO", True), ("billboard", "NO", False), ("social", "EU", False))
"""Uses the brand asks about, and whether they are licensed."""
REFUSED_SHOT = 3
"""The shot the talent says no to: she is the gatekeeper."""


@dataclass(frozen=True, slots=True)
class Script:
    """What the story is told with."""

    talent: Path
    stranger: Path
    """A picture that is none of ours."""
    campaign: Path
    settings: Mapping[str, int] = field(default_factory=dict)
    """Of the training run; empty: the house's own."""


@dataclass(slots=True)
class Told:
    """What came of it."""

    cast: Cast
    twin: Any = None
    licenses: list[Any] = field(default_factory=list)
    renders: list[Any] = field(default_factory=list)
    released: dict[str, bytes] = field(default_factory=dict)
    """Render id -> the clean file as the brand got it."""
    drafts: dict[str, bytes] = field(default_factory=dict)
    statements: list[pictures.Statement] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)
    report: Any = None
    """The twin's fidelity, as the API told it."""
    sheet: bytes = b""


def tell(staff: Api, script: Script, teller: Teller) -> Told:
    """Run the chain through the public API; every figure told is one the API answered.

    Raises:
        Refused: the API refused what the story needs.
        Stuck: a step ended otherwise than it must.
    """
    sample, campaign = load_talent(script.talent), load_campaign(script.campaign)
    with teller.step("parties") as say:
        told = Told(cast.enter(staff, sample.name))
        cast.represent(told.cast)
        say(f"{sample.name} (synthetic), {told.cast.agency.name}, two brands, a crew of four")
    _begin(told, sample, script, teller)
    _license(told, campaign, teller)
    _make(told, campaign, teller)
    _release(told, teller)
    _settle(told, teller)
    _verify(told, script, teller)
    return told


def _begin(told: Told, sample: Any, script: Script, teller: Teller) -> None:
    with teller.step("consent") as say:
        consent = beginnings.consent(told.cast)
        receipt = told.cast.talent.api.get(f"/v1/receipts/{consent['receipt_id']}")["receipt"]
        say(f"signed with her own key; leaf {receipt['leaf_index']} of the transparency log")
    with teller.bar("capture set") as (move, say):
        captured = beginnings.capture(told.cast, sample, lambda done, of: move(done, of, "photos"))
        say(f"{len(captured['photos'])} photos checked, stripped and sealed with her key")

    def at(run: Any) -> None:
        steps = int(run["settings"]["steps"])
        move(int(run["step"]), steps, f"loss {run['loss']:.3f}, {run['seconds_left']:.0f} s left")

    with teller.bar("training") as (move, say):
        order = beginnings.Order(captured["id"], settings=script.settings)
        told.twin = beginnings.train(told.cast, order, at)
        near = told.twin["likeness"]
        say(
            f"{near['faces']} faces in {near['renders']} close-ups; distance to her own photos"
            f" {near['own']:.2f}, to the nearest other person {near['nearest_other']:.2f}"
        )
    _prove(told, teller)
    told.sheet = told.cast.talent.api.get_bytes(f"/v1/twins/{told.twin['id']}/sheet.png")


def _prove(told: Told, teller: Teller) -> None:
    """Have the twin's figures told, and her word on a twin below the bar."""
    with teller.step("fidelity") as say:
        told.report = report = beginnings.stand_by(told.cast, told.twin)
        share, own = report["share"], report["photos_share"]
        say(
            f"{share:.0%} of {report['renders']} close-ups within the 1 % threshold"
            f" (her own held-out photos {own:.0%}); {report['nearer']} nearer to another"
        )
        marks, obeys = report["marks_recall"], report["obedience"]
        say(
            f"marks found {marks:.0%}; framing right {obeys['framing']:.0%},"
            f" colour {obeys['colour']:.0%}, garment {obeys['garment']:.0%}"
        )
        if report.get("accepted_at"):
            failed = [gate for gate in report["verdict"]["gates"] if not gate["holds"]]
            below = ", ".join(
                f"{one['name']} {one['figure']:.2f}, bar {one['bar']:.2f}" for one in failed
            )
            say(f"below the bar ({below}); {told.cast.talent.party.name} signed that she accepts")


def _license(told: Told, campaign: dict[str, Any], teller: Teller) -> None:
    with teller.step("licenses") as say:
        licensing.set_rate_card(told.cast)
        for brand, more in zip(told.cast.brands, ASKED_MORE, strict=True):
            offer = licensing.propose(told.cast, brand, campaign, exclusive=False)["license"]
            if more:
                offer = licensing.negotiate(told.cast, brand, offer, more=more)
                asker = told.cast.agency.name
                say(f"{asker} asked {brand.name} for EUR {euros(more)} more: agreed")
            granted = licensing.sign(told.cast, offer)
            told.licenses.append(granted)
            fee = int(granted["fee"]["amount_minor"])
            say(f"{brand.name}: granted by {told.cast.talent.party.name}, EUR {euros(fee)}")
        reason = licensing.contradict(told.cast, told.cast.brands[1], campaign)
        _must(reason == "EXCLUSIVITY_CONFLICT", f"an exclusive was answered {reason or 'yes'}")
        say(f"{told.cast.brands[1].name} asked for an exclusive too: refused, {reason}")


def _make(told: Told, campaign: dict[str, Any], teller: Teller) -> None:
    with teller.bar("render") as (move, say):
        brief = pictures.brief(told.cast, told.licenses[0], told.twin, campaign)
        told.renders = pictures.shoot(told.cast, brief["id"], lambda n, of: move(n, of, "drafts"))
        say(f"{len(told.renders)} drafts, each labelled, watermarked, signed, fingerprinted")
    brand = told.cast.brands[0].api
    with teller.step("review") as say:
        for render in told.renders:
            path = f"/v1/renders/{render['id']}"
            told.drafts[render["id"]] = brand.get_bytes(f"{path}/draft.jpg")
            early = licensing.reason_of(lambda at=path: brand.get_bytes(f"{at}/picture.jpg"))
            _must(early == "RENDER_NOT_FOUND", f"a clean file left before release: {early}")
        pictures.review(told.cast, told.renders)
        pictures.decide(told.cast, told.renders, refuse=frozenset({REFUSED_SHOT}))
        say("the creative director approved all; the talent all but one")


def _release(told: Told, teller: Teller) -> None:
    brand, other = (party.api for party in told.cast.brands)
    with teller.step("release") as say:
        for render in told.renders:
            path = f"/v1/renders/{render['id']}/picture.jpg"
            if int(render["shot"]) == REFUSED_SHOT:
                reason = licensing.reason_of(lambda it=render: pictures.release(told.cast, it))
                _must(reason == "APPROVAL_MISSING", f"a refused picture was answered {reason}")
                say(f"shot {REFUSED_SHOT + 1}, which she refused, stays in: {reason}")
                continue
            pictures.release(told.cast, render)
            told.released[render["id"]] = brand.get_bytes(path)
            leaked = licensing.reason_of(lambda at=path: other.get_bytes(at))
            _must(leaked == "RENDER_NOT_FOUND", f"another brand's request was answered {leaked}")
        say(f"{len(told.released)} clean files, for {told.cast.brands[0].name} only")
    _ask_ahead(told, teller)


def _ask_ahead(told: Told, teller: Teller) -> None:
    """Have the brand ask what it may do with a picture, before it does."""
    brand, render_id = told.cast.brands[0], next(iter(told.released))
    with teller.step("questions") as say:
        for media, territory, wanted in QUESTIONS:
            answer = licensing.may_use(brand, render_id, media=media, territory=territory)
            reasons = ", ".join(answer["reasons"])
            _must(answer["allowed"] is wanted, f"{media} in {territory}: {reasons or 'yes'}")
            say(f"{media} in {territory}? {'yes' if wanted else f'no: {reasons}'}")


def _settle(told: Told, teller: Teller) -> None:
    with teller.step("royalties") as say:
        told.statements = pictures.statements(told.cast)
        left = sum(statement.amount for statement in told.statements)
        _must(left == 0, f"the statements sum to {left} cents")
        say("every statement equals its entries; all of them sum to 0.00")


def _verify(told: Told, script: Script, teller: Teller) -> None:
    with teller.step("verification") as say:
        content = next(iter(told.released.values()))
        tries = {
            "the released file": (content, "VERIFIED"),
            "saved again as JPEG 80": (pictures.resave(content), "RECOVERED"),
            "an unrelated picture": (script.stranger.read_bytes(), "UNKNOWN"),
        }
        for name, (data, wanted) in tries.items():
            answer = pictures.verify(told.cast, data)
            verdict = answer["verdict"].removeprefix("VERDICT_")
            _must(verdict == wanted, f"{name} is {verdict}, must be {wanted}")
            told.verdicts[name] = verdict
            who = f": {answer['talent']}, for {answer['brand']}, {answer['license_state']}"
            say(f"{name} is {verdict.lower()}{who if answer['talent'] else ''}")


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Stuck(otherwise)
