"""The lives of licenses, in whatever order things happen: nothing is released that may not be."""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from kit.errors import DomainError
from licensing.domain import approvals, licenses
from licensing.domain.approvals import Approval, Word
from licensing.domain.licenses import License, Side, State
from licensing.domain.money import Money
from licensing.domain.releases import END_NOW, release
from licensing.domain.terms import Terms, Use
from licensing.domain.vocabulary import is_within

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIDES = st.sampled_from(Side)
GRANTED = (State.ACTIVE, State.REVOKED, State.EXPIRED)


@dataclass
class Seen:
    """What a bystander writes down, who knows no rule: who said what, and when."""

    brand_wants: bool = True
    talent_signed: bool = False
    over: bool = False
    """Declined, revoked, or answered by another offer."""
    yes: set[str] = field(default_factory=set)
    """Pictures she said yes to in time."""
    released: set[str] = field(default_factory=set)


class Lives(RuleBasedStateMachine):
    """Licenses of one talent under one consent, and a clock that only goes on."""

    offers = Bundle("offers")

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.consents: list[str | None] = [None]
        """How each was withdrawn; only the last may stand."""
        self.held: dict[str, License] = {}
        self.seen: dict[str, Seen] = {}
        self.asked: dict[tuple[str, str], Approval] = {}

    @rule(hours=st.integers(0, 30))
    def wait(self, hours: int) -> None:
        self.now += hours * HOUR

    @rule(
        target=offers,
        side=SIDES,
        starts=st.integers(-10, 40),
        lasts=st.integers(1, 60),
        cap=st.integers(1, 3),
        approval=st.booleans(),
    )
    def propose(self, side: Side, starts: int, lasts: int, cap: int, approval: bool) -> str:
        name = f"lic{len(self.held)}"
        starts_at = self.now + starts * HOUR
        use = Use("social", ("SE",), ("SE",), starts_at, starts_at + lasts * HOUR, "UTC")
        terms = Terms("brand", "talent", "x", (use,), "coats", False, cap, approval)
        fee = Money("EUR", 100)
        offer = License(
            name, "quo", terms, State.PROPOSED, b"{}", fee, fee, 0, 0, self.now, offered_by=side
        )
        self.held[name] = offer
        self.seen[name] = Seen(brand_wants=side is Side.BRAND)
        return name

    @rule(offer=offers)
    def accept(self, offer: str) -> None:
        if self._try(offer, lambda one: licenses.accept(one, now=self.now)):
            self.seen[offer].brand_wants = True

    @rule(offer=offers, side=SIDES)
    def counter(self, offer: str, side: Side) -> None:
        if self._try(offer, lambda one: licenses.counter(one, side, now=self.now)):
            assert self.held[offer].offered_by is not side
            self.seen[offer].over = True

    @rule(offer=offers)
    def decline(self, offer: str) -> None:
        if self._try(offer, lambda one: licenses.decline(one, now=self.now)):
            assert not self.seen[offer].talent_signed
            self.seen[offer].over = True

    @rule(offer=offers)
    def sign(self, offer: str) -> None:
        if self.consents[-1] is not None:
            return  # the service asks identity first, and finds the withdrawal
        consent_id = f"{len(self.consents) - 1}"
        if self._try(offer, lambda one: licenses.sign(one, consent_id=consent_id, now=self.now)):
            self.seen[offer].talent_signed = True

    @rule(offer=offers)
    def revoke(self, offer: str) -> None:
        if self._try(offer, licenses.revoke):
            self.seen[offer].over = True

    @rule(offer=offers)
    def expire(self, offer: str) -> None:
        if self._try(offer, lambda one: licenses.expire(one, now=self.now)):
            assert self.now >= self.held[offer].terms.ends_at

    @rule(policy=st.sampled_from(["run_to_term", END_NOW]))
    def withdraw(self, policy: str) -> None:
        if self.consents[-1] is None:
            self.consents[-1] = policy

    @rule()
    def consent_again(self) -> None:
        if self.consents[-1] is not None:
            self.consents.append(None)

    @rule(offer=offers, picture=st.sampled_from("abcd"), hours=st.integers(1, 20))
    def ask_talent(self, offer: str, picture: str, hours: int) -> None:
        end = self.now + hours * HOUR
        asked = Approval(
            "apr", offer, "talent", picture, "0" * 64, approvals.State.PENDING, "", b"", b"",
            self.now, end,
        )  # fmt: skip
        self.asked.setdefault((offer, picture), asked)

    @rule(offer=offers, picture=st.sampled_from("abcd"), yes=st.booleans())
    def say(self, offer: str, picture: str, yes: bool) -> None:
        asked = self.asked.get((offer, picture))
        if asked is None:
            return
        try:
            decided = approvals.decide(asked, Word(yes, "no" if not yes else "", b""), now=self.now)
        except DomainError:
            return
        assert self.now < asked.deadline
        self.asked[offer, picture] = decided
        if yes:
            self.seen[offer].yes.add(picture)

    @rule(offer=offers, picture=st.sampled_from("abcd"))
    def release(self, offer: str, picture: str) -> None:
        asked, seen = self.asked.get((offer, picture)), self.seen[offer]
        approved = asked is not None and asked.state is approvals.State.APPROVED
        license = self.held[offer]
        gone = self.consents[int(license.consent_id)] if license.consent_id else None
        if picture in seen.released:
            return
        if not self._try(
            offer, lambda one: release(one, withdrawal=gone, approved=approved, now=self.now)
        ):
            return
        seen.released.add(picture)
        assert seen.brand_wants
        assert seen.talent_signed
        assert not seen.over
        assert license.terms.starts_at <= self.now < license.terms.ends_at
        assert gone != END_NOW
        assert picture in seen.yes or not license.terms.approval_required

    def _try(self, offer: str, change: object) -> bool:
        """Change a license if the rules allow it."""
        try:
            self.held[offer] = change(self.held[offer])  # type: ignore[operator]
        except DomainError:
            return False
        return True

    @invariant()
    def what_was_agreed_stays(self) -> None:
        for name, license in self.held.items():
            seen = self.seen[name]
            assert (license.state in GRANTED) == seen.talent_signed
            assert license.images_used == len(seen.released) <= license.terms.image_cap
            assert replace(license, images_used=0).terms == license.terms


def a_license(**changed: object) -> License:
    use = Use("social", ("SE",), ("SE",), BEGIN, BEGIN + HOUR, "UTC")
    terms = Terms("brand", "talent", "x", (use,), "coats", False, 2, False)
    fee = Money("EUR", 100)
    license = License("lic", "quo", terms, State.ACTIVE, b"{}", fee, fee, 0, 0, BEGIN)
    return replace(license, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [State.ACTIVE, State.EXPIRED])
def test_a_term_is_half_open(state: State) -> None:
    license, moment = a_license(state=state), timedelta(microseconds=1)
    licenses.check_live(license, now=BEGIN)
    licenses.check_live(license, now=BEGIN + HOUR - moment)
    with pytest.raises(licenses.LicenseNotActive):
        licenses.check_live(license, now=BEGIN - moment)
    with pytest.raises(licenses.LicenseExpired):
        licenses.check_live(license, now=BEGIN + HOUR)


@pytest.mark.parametrize("state", sorted(set(State) - {State.ACTIVE, State.EXPIRED}))
def test_only_what_was_granted_and_not_ended_is_live(state: State) -> None:
    with pytest.raises(licenses.LicenseNotActive, match=re.escape(state)):
        licenses.check_live(a_license(state=state), now=BEGIN)


def test_the_last_picture_of_a_cap_is_the_last() -> None:
    spent = licenses.draw(licenses.draw(a_license(), now=BEGIN), now=BEGIN)
    with pytest.raises(licenses.LicenseSpent, match="2"):
        licenses.draw(spent, now=BEGIN)


def test_a_withdrawal_ends_releases_unless_licenses_run_to_their_term() -> None:
    for withdrawal in (None, "run_to_term"):
        drawn = release(a_license(), withdrawal=withdrawal, approved=False, now=BEGIN)
        assert drawn.images_used == 1
    with pytest.raises(licenses.ConsentMissing):
        release(a_license(), withdrawal=END_NOW, approved=True, now=BEGIN)


def test_a_category_is_within_another_by_whole_codes() -> None:
    assert is_within("apparel.outerwear.coats", "apparel.outerwear")
    assert is_within("apparel.outerwear", "apparel.outerwear")
    assert not is_within("apparel.outerwear_hire", "apparel.outerwear")
    assert not is_within("apparel", "apparel.outerwear")


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
