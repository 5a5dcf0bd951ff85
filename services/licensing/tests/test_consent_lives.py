"""Consents through all their lives: what may be done is what RIGHTS says, whatever happened before.

The machine goes through identity's rules, the message between the services, and licensing's rules,
each as the services call them. The oracle is a bystander: it writes down who did what and when, in
its own words, and knows no state, no flag and no function of either service.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from identity.domain import consents, estates
from identity.domain.consents import Advice, Consent, Policy, Step, Terms
from identity.domain.estates import Act, Estate, Life, Successor
from identity.rpc.outgoing import from_consent
from kit.errors import DomainError
from licensing import standing
from licensing.app import load_vocabulary
from licensing.domain import decisions, licenses
from licensing.domain.licenses import License, State
from licensing.domain.money import Money
from licensing.domain.releases import END_NOW, release
from licensing.domain.terms import Terms as LicenseTerms
from licensing.domain.terms import Use
from sosia.identity.v1 import consent_pb2

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAR = BEGIN + 10**5 * HOUR
WAIT = 30 * HOUR
KEYS = {"talent": b"t" * 32, "heir": b"h" * 32, "agency": b"a" * 32}
WHO = st.sampled_from(["talent", "talent", "talent", "heir", "agency"])
VOCABULARY = load_vocabulary()
CODES = decisions.Codes(VOCABULARY)
ALL = frozenset(Step)
SCOPES = st.sampled_from([ALL, ALL, *(ALL - {step} for step in Step), frozenset({Step.LICENSING})])


@dataclass
class Fact:
    """What a bystander knows of one consent."""

    scope: frozenset[str]
    starts_at: datetime
    ends_at: datetime
    lets_run: bool
    shown: bool = False
    signed: bool = False
    replaced: bool = False
    withdrawn: bool = False
    """By her, or by her heir."""


@dataclass
class Diary:
    """What a bystander wrote down of a talent."""

    facts: dict[str, Fact] = field(default_factory=dict)
    erased: bool = False
    waiting: bool = False
    """Her death was reported, and her estate is not settled."""
    settled: bool = False

    def may_begin(self, step: str, now: datetime) -> bool:
        """Tell what RIGHTS 1 allows to be done with her: is there consent, and does it stand."""
        if self.erased or self.waiting:
            return False
        if self.settled and step not in ("rendering", "delivery"):
            return False
        return any(self.covers(fact, step, now) for fact in self.facts.values())

    def covers(self, fact: Fact, step: str, now: datetime) -> bool:
        """Tell whether one consent covers a step."""
        if not fact.signed or step not in fact.scope or not fact.starts_at <= now < fact.ends_at:
            return False
        if fact.withdrawn:
            return step == "delivery" and fact.lets_run
        return step == "delivery" or not fact.replaced

    def may_deliver(self, under: str, now: datetime) -> bool:
        """Tell whether a license granted under a consent may still be used."""
        fact = self.facts[under]
        if self.erased or self.waiting:
            return False
        if fact.withdrawn or fact.replaced:
            return self.covers(fact, "delivery", now)
        return any(self.covers(one, "delivery", now) for one in self.facts.values())

    def may_release(self, under: str, now: datetime) -> bool:
        """Tell whether a new picture may leave the house under such a license."""
        fact = self.facts[under]
        if not self.may_deliver(under, now):
            return False
        if fact.withdrawn or fact.replaced or self.settled:
            return True
        return any(self.covers(one, "licensing", now) for one in self.facts.values())


class ConsentLives(RuleBasedStateMachine):
    """One talent, her heir, an agency, her consents, and licenses under them."""

    drafted = Bundle("drafted")

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGIN
        self.held: dict[str, Consent] = {}
        self.estate: Estate | None = None
        self.erased = False
        self.licenses: dict[str, License] = {}
        self.news: list[tuple[str, str]] = []
        """Events on their way to licensing."""
        self.heard: dict[str, str] = {}
        self.frozen = False
        self.diary = Diary()

    @property
    def life(self) -> Life:
        return Life.ERASED if self.erased else estates.life(self.estate)

    @rule(hours=st.integers(0, 20))
    def wait(self, hours: int) -> None:
        self.now += hours * HOUR

    @rule(
        target=drafted,
        scope=SCOPES,
        starts=st.integers(-5, 5),
        lasts=st.integers(1, 60),
        policy=st.sampled_from(Policy),
        old=st.integers(0, 5),
    )
    def draft(
        self, scope: frozenset[Step], starts: int, lasts: int, policy: Policy, old: int
    ) -> str:
        name = f"con{len(self.held)}"
        starts_at = self.now + starts * HOUR
        ends_at = starts_at + (lasts + 6) * HOUR
        ordered = tuple(step for step in Step if step in scope)
        terms = Terms(
            "talent", ordered, "p", "EUR", 1, "day", starts_at, ends_at, "u", "en",
            Advice.NONE, policy, (),
        )  # fmt: skip
        supersedes = ""
        if old and f"con{old - 1}" in self.held:
            try:
                consents.check_supersedable(self.held[f"con{old - 1}"], terms, now=self.now)
                supersedes = f"con{old - 1}"
            except DomainError:
                pass
        self.held[name] = Consent(
            name, consents.State.PROPOSED, terms, b"{}", b"{}", "", self.now, "", 1, supersedes
        )
        lets_run = policy is Policy.RUN_TO_TERM
        self.diary.facts[name] = Fact(frozenset(scope), starts_at, ends_at, lets_run)
        return name

    @rule(target=drafted, scope=SCOPES, lasts=st.integers(1, 60), policy=st.sampled_from(Policy))
    def agree(self, scope: frozenset[Step], lasts: int, policy: Policy) -> str:
        """Go the usual way at once: draft, sign, grant a license."""
        name = self.draft(scope, -1, lasts, policy, len(self.held))
        self.sign(name, "talent")
        self.grant("talent")
        return name

    @rule(name=drafted)
    def show(self, name: str) -> None:
        """Reading allows nothing."""
        self.diary.facts[name].shown = True

    @rule(name=drafted, who=WHO)
    def sign(self, name: str, who: str) -> None:
        if not self._may_sign(who, Act.GRANT):
            return
        consent = self.held[name]
        try:
            signed = consents.sign(consent, receipt_id="r", now=self.now)
            old = None
            if consent.supersedes:
                old = consents.supersede(self.held[consent.supersedes], signed, now=self.now)
        except DomainError:
            return
        assert who == "talent"
        assert not self.diary.erased
        assert not self.diary.waiting
        assert not self.diary.settled
        self.held[name] = signed
        self.diary.facts[name].signed = True
        if old is not None:
            self.held[old.id] = old
            self.diary.facts[old.id].replaced = True

    @rule(name=drafted, who=WHO)
    def withdraw(self, name: str, who: str) -> None:
        if not self._may_sign(who, Act.NARROW):
            return
        chain, consent = [name], self.held[name]
        try:
            ended = {name: consents.withdraw(consent, receipt_id="r", now=self.now)}
        except DomainError:
            return
        assert who == "talent" or (who == "heir" and self.diary.settled)
        while consent.supersedes:
            consent = self.held[consent.supersedes]
            chain.append(consent.id)
            if consent.state is consents.State.SUPERSEDED:
                ended[consent.id] = consents.withdraw(consent, receipt_id="r", now=self.now)
        for one in ended.values():
            self.held[one.id] = one
            self.news.append((str(one.terms.withdrawal_policy), one.id))
        for one_name in chain:
            self.diary.facts[one_name].withdrawn = True

    @rule()
    def erase(self) -> None:
        """As identity's erasures freeze her."""
        if not self._may_sign("talent", Act.GRANT) or self.erased:
            return
        self.erased = self.diary.erased = True
        standing_ = (consents.State.ACTIVE, consents.State.SUPERSEDED)
        for name, consent in self.held.items():
            if consent.state in standing_:
                self.held[name] = consents.withdraw(consent, receipt_id="r", now=self.now)
            if consent.state is not consents.State.PROPOSED:
                self.news.append((END_NOW, name))

    @rule()
    def report_death(self) -> None:
        if self.erased or estates.life(self.estate) is not Life.LIVING:
            return
        heir = Successor("heir", (KEYS["heir"],))
        self.estate = Estate(
            "est", "talent", estates.State.WAITING, "e", "0" * 64, date(2026, 1, 1), (heir,), (),
            "", self.now, self.now + WAIT,
        )  # fmt: skip
        self.diary.waiting, self.diary.settled = True, False
        self.news.append(("opened", ""))

    @rule()
    def accept(self) -> None:
        if self.estate is not None and self.estate.state is estates.State.WAITING:
            self.estate, _ = estates.accept(self.estate, "heir", receipt_id="r", now=self.now)

    @rule()
    def settle(self) -> None:
        before = self.estate
        if before is None:
            return
        try:
            self.estate = estates.settle(before, now=self.now)
        except DomainError:
            return
        assert self.now >= before.opened_at + WAIT
        assert before.successors[0].accepted_at is not None
        self.diary.waiting, self.diary.settled = False, True
        self.news.append(("settled", ""))

    @rule(objected=st.booleans())
    def stop(self, objected: bool) -> None:
        if self.estate is None:
            return
        try:
            self.estate = estates.stop(self.estate, "x", objected=objected, now=self.now)
        except DomainError:
            return
        assert objected or not self.diary.settled
        self.diary.waiting = self.diary.settled = False
        self.news.append(("stopped", ""))

    @rule(who=WHO)
    def grant(self, who: str) -> None:
        """Sign a license, as licensing does once identity named a consent to licensing."""
        if not self._may_sign(who, Act.GRANT) or who != "talent":
            return
        found = self._find(Step.LICENSING)
        if found is None or found.id in self.licenses:
            return
        if found.id in self.heard:
            return
        self.licenses[found.id] = a_license(found.id)

    @rule()
    def hear(self) -> None:
        """Let one event reach licensing, in the order they were sent."""
        if not self.news:
            return
        word, name = self.news.pop(0)
        if word in ("opened", "settled", "stopped"):
            self.frozen = word == "opened"
            return
        self.heard[name] = word if self.heard.get(name) != END_NOW else END_NOW
        license = self.licenses.get(name)
        if word == END_NOW and license is not None and license.state is State.ACTIVE:
            self.licenses[name] = licenses.revoke(license)

    def _may_sign(self, who: str, act: Act) -> bool:
        if self.erased and act is Act.GRANT:
            return False  # access.require_not_erased
        try:
            herself, theirs = estates.find_speakers(self.estate, act)
            named = [key for one in theirs for key in one.public_keys]
            return herself if who == "talent" else KEYS[who] in named
        except DomainError:
            return False

    def _find(self, step: Step, consent_id: str = "") -> Consent | None:
        """Return what CheckConsent answers."""
        signed = [one for one in self.held.values() if one.signed_at is not None]
        if consent_id:
            signed = [one for one in signed if one.id == consent_id]
        try:
            return consents.find_covering(
                signed[::-1], "talent", step, now=self.now, life=self.life
            )
        except DomainError:
            return None

    def _decides(self, license: License, step: decisions.Step) -> bool:
        """Return what Authorize answers, from the message that GetConsent answers with."""
        found: Consent | None = self.held[license.consent_id]
        message = from_consent(self.held[license.consent_id], self.life)
        if standing.is_asked_again(message):
            found = self._find(Step.DELIVERY)
            message = from_consent(found, self.life) if found else consent_pb2.Consent()
        moment = decisions.Use("social", "SE", self.now, self.now + decisions.MOMENT, step=step)
        compiled = decisions.compile_license(license, CODES)
        actor = decisions.Actor("brand")
        consent = standing.read_consent(message)
        return decisions.decide(actor, moment, compiled, consent, self.now).allowed

    def _releases(self, license: License) -> bool:
        """Tell whether a picture would be released now."""
        message = from_consent(self.held[license.consent_id], self.life)
        try:
            for step, consent_id in standing.steps_to_release(message):
                name = consent_pb2.Step.Name(step).removeprefix("STEP_")
                if self._find(Step[name], consent_id) is None:
                    return False
            gone = self.heard.get(license.consent_id)
            release(license, withdrawal=gone, approved=True, now=self.now, frozen=self.frozen)
        except DomainError:
            return False
        return True

    @invariant()
    def nothing_begins_that_may_not(self) -> None:
        for step in Step:
            found = self._find(step) is not None
            assert found == self.diary.may_begin(step, self.now), step

    @invariant()
    def licenses_go_on_as_she_said(self) -> None:
        for name, license in self.licenses.items():
            decided = self._decides(license, decisions.Step.DELIVERY)
            assert decided == self.diary.may_deliver(name, self.now), "delivery"
            released = self._releases(license)
            if released:
                assert self.diary.may_release(name, self.now), "release"
            elif not self.news:  # all is heard: nothing is refused that may be
                assert not self.diary.may_release(name, self.now), "release refused"
            rendered = self._find(Step.RENDERING) is not None and license.state is State.ACTIVE
            assert not rendered or self.diary.may_begin("rendering", self.now), "rendering"


def a_license(consent_id: str) -> License:
    """Return a license that outlives everything else."""
    use = Use("social", ("SE",), ("SE",), BEGIN - 100 * HOUR, FAR, "UTC")
    terms = LicenseTerms("brand", "talent", "x", (use,), "coats", False, 10**6, False)
    fee = Money("EUR", 100)
    return License(
        f"lic_{consent_id}", "quo", terms, State.ACTIVE, b"{}", fee, fee, 0, 0, BEGIN,
        signed_at=BEGIN, consent_id=consent_id,
    )  # fmt: skip


TestConsentLives = ConsentLives.TestCase
TestConsentLives.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
