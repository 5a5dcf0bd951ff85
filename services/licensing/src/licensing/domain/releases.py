"""What must be true for a picture to leave the house, all at one moment."""

from datetime import datetime

from licensing.domain import licenses
from licensing.domain.approvals import ApprovalMissing
from licensing.domain.licenses import ConsentMissing, License

END_NOW = "end_now"


def release(
    license: License,
    *,
    withdrawal: str | None,
    approved: bool,
    now: datetime,
    frozen: bool = False,
) -> License:
    """Return the license with one picture drawn.

    Args:
        license: it, as held for the transaction in which the picture is released and paid.
        withdrawal: the policy under which its consent was withdrawn; None while it stands.
        approved: whether the talent said yes to this very picture.
        now: the database's time.
        frozen: whether the talent died and her estate is not settled.

    Raises:
        LicenseNotActive, LicenseExpired, ConsentMissing, ApprovalMissing, LicenseSpent: in this
            order.
    """
    licenses.check_live(license, now=now)
    if frozen:
        raise ConsentMissing("her estate is not settled", licenseId=license.id)
    if withdrawal == END_NOW:
        raise ConsentMissing("the consent of this license was withdrawn", licenseId=license.id)
    if license.terms.approval_required and not approved:
        raise ApprovalMissing("the talent has not approved this picture", licenseId=license.id)
    return licenses.draw(license, now=now)
