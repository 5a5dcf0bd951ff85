"""What is said of a picture that only the benchmarks mark."""

from datetime import UTC, datetime, timedelta

from render.pipeline.marking.request import Credit, MarkRequest, Party


def make_request(at: int) -> MarkRequest:
    """Return the facts of picture number `at`; its asset number is 1,000,000 more."""
    party, now = Party("p", "Party"), datetime.now(UTC)
    return MarkRequest(
        asset_number=1_000_000 + at,
        render_id=f"ren_{at}",
        license_id="lic_1",
        twin_version_id="twn_1",
        consent_receipt_id="rcp_1",
        title="Title",
        credits=(Credit("A", "photographer"),),
        licensor=party,
        licensee=party,
        supplier=party,
        created_at=now,
        license_starts_at=now,
        license_ends_at=now + timedelta(days=9),
    )
