"""What is known of renders about to be queued. The others are asked here, before a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from kit.ids import new_id

from render.clients import Consent, Identity, Training
from render.domain import campaigns, licenses
from render.domain.campaigns import Brief, Campaign, Credit
from render.domain.licenses import Twin
from render.domain.renders import Basis, Render, State, Take


@dataclass(frozen=True, slots=True)
class Start:
    """A brief, and what allows to make it now."""

    brief: Brief
    campaign: Campaign
    twin: Twin
    consent: Consent
    credits: tuple[Credit, ...]


class Starts:
    """Asks what a start needs of identity and training."""

    def __init__(self, identity: Identity, training: Training) -> None:
        self._identity = identity
        self._training = training

    async def prepare(self, brief: Brief, campaign: Campaign) -> Start:
        """Return what renders of a brief are queued with.

        Raises:
            FailedPrecondition: CONSENT_MISSING.
            TwinBelowBar: it was measured and is not like her, and she did not accept it.
            NotFound: TWIN_NOT_FOUND.
        """
        consent = await self._identity.check_consent(campaign.talent_id)
        twin = await self._training.get_twin(brief.twin_version_id)
        licenses.check_fidelity(twin)
        crew = await self._identity.list_credits(campaign.talent_id)
        credits = campaigns.merge(crew, campaign.credits)
        return Start(brief, campaign, twin, consent, credits)


def first_take(start: Start, shot: int, before: Sequence[Render]) -> Take:
    """Return the take of a shot as its brief has it; a second start counts on."""
    numbers = [one.take.number for one in before if one.take and one.shot == shot]
    made_from, sha256 = start.brief.shots[shot], start.brief.sha256
    return Take(max(numbers, default=0) + 1, "", "", made_from, sha256)


def make_render(start: Start, shot: int, take: Take) -> Render:
    """Return a render of a shot, to be queued."""
    brief, campaign, consent = start.brief, start.campaign, start.consent
    return Render(
        id=new_id("ren"),
        brief_id=brief.id,
        campaign_id=campaign.id,
        license_id=campaign.license_id,
        talent_id=campaign.talent_id,
        brand_id=campaign.brand_id,
        twin_version_id=brief.twin_version_id,
        shot=shot,
        seed=take.made_from.seed,
        basis=Basis(consent.id, consent.receipt_id, start.twin.consent_id),
        credits=start.credits,
        asset_number=0,
        state=State.QUEUED,
        attempt=0,
        reason="",
        prompt="",
        created_at=brief.created_at,
        take=take,
    )
