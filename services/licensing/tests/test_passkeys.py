"""Licenses and approvals signed with a passkey: hers, once, over the very document."""

from typing import Any

import rfc8785
from house.passkeys import PRESENT, Passkey, added
from kit.errors import DomainError
from licensing.store import licenses as store
from sosia.licensing.v1 import license_pb2

ACTIVE = license_pb2.LICENSE_STATE_ACTIVE
APPROVED, REFUSED = license_pb2.APPROVAL_STATE_APPROVED, license_pb2.APPROVAL_STATE_REFUSED
PENDING = license_pb2.APPROVAL_STATE_PENDING
OTHER = b'{"type":"sosia.license/1","fee":{"amount_minor":1}}'


async def passkey_of(office: Any, person: Any, **options: Any) -> Passkey:
    """Give somebody a passkey, confirmed by the key she registered with."""
    passkey = Passkey(**options)
    await added(office.identity, person, passkey, person)
    return passkey


async def asked(office: Any, license: Any) -> Any:
    """Return an approval she is asked for."""
    render_id = await office.reviewed(license)
    answer = await office.ask(office.alba, "ListApprovals", render_id=render_id)
    return answer.approvals[0]


async def said(office: Any, approval: Any, signature: bytes, *, approve: bool = True) -> Any:
    """Hand in a word on a picture."""
    fields = {"approval_id": approval.id, "approve": approve, "signature": signature}
    fields["reason"] = "" if approve else "Not my smile."
    return (await office.ask(office.alba, "DecideApproval", **fields)).approval


async def kept(office: Any, license: Any) -> Any:
    """Return a license as it stands."""
    return (await office.ask(office.alba, "GetLicense", license_id=license.id)).license


async def test_she_signs_a_license_and_approves_a_picture_with_her_passkey(office: Any) -> None:
    passkey = await passkey_of(office, office.alba)
    proposed = await office.proposed(approval_required=True)
    signed = await office.signed(proposed, signature=passkey.sign(proposed.statement))
    assert signed.state == ACTIVE
    (event,) = await office.events("LicenseSigned")
    yes, no = await asked(office, signed), await asked(office, signed)
    word = await said(office, yes, passkey.sign(yes.approve_statement))
    assert word.state == APPROVED
    word = await said(office, no, passkey.sign(no.refuse_statement), approve=False)
    assert word.state == REFUSED
    released = {"render_id": yes.render_id, "picture_sha256": yes.picture_sha256}
    await office.released(signed, **released)
    assert len(await office.events("PictureReleased")) == 1
    revoked = passkey.sign(f"revoke:{signed.id}".encode())
    await office.revoked(signed, signature=revoked)
    assert event["statement"]


async def test_a_license_is_signed_by_nobody_else_never_twice_and_for_no_other_words(
    office: Any,
) -> None:
    hers = await passkey_of(office, office.alba)
    theirs = await passkey_of(office, office.identity.cleo)
    unknown = Passkey()
    one, other = await office.proposed(), await office.proposed()
    first = hers.sign(one.statement)
    await office.signed(one, signature=first)
    wrong = {
        "somebody else's passkey": theirs.sign(other.statement),
        "a passkey nobody knows": unknown.sign(other.statement),
        "a challenge that was answered before": first,
        "a document that was changed": hers.sign(OTHER),
        "one word of it changed": hers.sign(other.statement.replace(b'"SE"', b'"DE"')),
        "another origin": hers.sign(other.statement, origin="https://elsewhere.example"),
        "nobody verified": hers.sign(other.statement, flags=PRESENT),
    }
    for why, signature in wrong.items():
        call = office.signed(other, signature=signature)
        error = await office.refused(call, "SIGNATURE_INVALID")
        assert isinstance(error, DomainError), why
        assert (await kept(office, other)).state != ACTIVE, why
    again = office.signed(one, signature=first)
    await office.refused(again, "LICENSE_NOT_PROPOSED")  # the same word again does nothing
    assert len(await office.events("LicenseSigned")) == 1
    assert (await office.signed(other, signature=hers.sign(other.statement))).state == ACTIVE


async def test_a_picture_is_approved_by_nobody_else_and_no_other_picture(office: Any) -> None:
    hers = await passkey_of(office, office.alba)
    theirs = await passkey_of(office, office.identity.cleo)
    license = await office.licensed(approval_required=True)
    one, other = await asked(office, license), await asked(office, license)
    first = hers.sign(one.approve_statement)
    await said(office, one, first)
    wrong = (
        theirs.sign(other.approve_statement),
        first,  # a yes to another picture
        hers.sign(other.refuse_statement),  # a no is no yes
        hers.sign(other.approve_statement.replace(b"approve", b"Approve")),
        hers.sign(rfc8785.dumps({"approval_id": other.id, "decision": "approve"})),
    )
    for signature in wrong:
        await office.refused(said(office, other, signature), "SIGNATURE_INVALID")
    found = await office.ask(office.alba, "ListApprovals", render_id=other.render_id)
    assert found.approvals[0].state == PENDING
    released = {"render_id": other.render_id, "picture_sha256": other.picture_sha256}
    await office.refused(office.released(license, **released), "APPROVAL_MISSING")
    assert (await said(office, other, hers.sign(other.approve_statement))).state == APPROVED


async def test_terms_that_changed_after_she_read_them_are_not_what_she_signed(
    office: Any,
) -> None:
    passkey = await passkey_of(office, office.alba)
    proposed = await office.proposed()
    signature = passkey.sign(proposed.statement)
    counter = {"license_id": proposed.id, "fee": office_fee(proposed), "note": "more"}
    offered = (await office.ask(office.alba, "CounterLicense", **counter)).license
    await office.ask(office.brand, "AcceptLicense", license_id=offered.id)
    await office.refused(office.signed(offered, signature=signature), "SIGNATURE_INVALID")
    fresh = passkey.sign(offered.statement)
    assert (await office.signed(offered, signature=fresh)).state == ACTIVE
    async with office.app.db.begin() as tx:
        assert (await store.get(tx, proposed.id)).signed_at is None


def office_fee(license: Any) -> Any:
    """Return a larger fee."""
    fee = type(license.fee)()
    fee.CopyFrom(license.fee)
    fee.amount_minor += 100_00
    return fee
