"""Passkeys: what they may sign, and everything they may not."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from house.passkeys import PRESENT, VERIFIED, Passkey, added, pending
from identity import consumers, offline
from identity.app import read_place
from identity.domain.erasures import Word
from kit import inbox
from kit.errors import FailedPrecondition, InvalidArgument, PermissionDenied, Unauthenticated
from sosia.licensing.v1 import events_pb2
from sqlalchemy import text


async def sign(desk: Any, talent: Any, consent: Any, signature: bytes) -> Any:
    """Hand in a signature over a consent."""
    signed = {"consent_id": consent.id, "signature": signature}
    return (await desk.ask(talent, "SignConsent", **signed)).consent


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_a_passkey_signs_all_that_a_key_does_and_its_receipts_are_proven_offline(
    desk: Any, algorithm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talent, passkey = await desk.party("talent"), Passkey(algorithm)
    key = await added(desk, talent, passkey, talent)
    consent = await sign(
        desk, talent, await _proposed(desk, talent), passkey.sign(await _read(desk, talent))
    )
    withdrawn = {
        "consent_id": consent.id,
        "signature": passkey.sign(consent.withdrawal_statement),
    }
    await desk.ask(talent, "WithdrawConsent", **withdrawn)
    seen = (await desk.ask(talent, "GetErasure", talent_id=talent.id)).erasure
    erased = {"talent_id": talent.id, "signature": passkey.sign(seen.statement)}
    assert (await desk.ask(talent, "EraseTalent", **erased)).erasure.certified_at.seconds
    subjects = [key.id, consent.id, talent.id]
    found = (await desk.ask(talent, "ListReceipts", subject_ids=subjects)).receipts
    kinds = [one.kind for one in found]
    assert kinds[:4] == ["key_added", "consent_signed", "consent_withdrawn", "erasure_signed"]
    assert all(one.public_key == passkey.public_key for one in found[1:4])
    log_key = (await desk.ask("public", "GetCheckpoint")).verifier_key
    for receipt in found:
        told = MessageToDict(receipt, preserving_proto_field_name=True)
        assert _verify(told, log_key, tmp_path) == 0
    assert "made at http://localhost:8080 with the passkey" in capsys.readouterr().out
    other = MessageToDict(found[1], preserving_proto_field_name=True)
    for changed in ("signature", "public_key", "statement"):
        swapped = MessageToDict(found[2], preserving_proto_field_name=True)[changed]
        if swapped != other[changed]:
            assert _verify({**other, changed: swapped}, log_key, tmp_path) == 1


async def test_an_assertion_signs_one_statement_here_by_somebody_who_was_verified(
    desk: Any,
) -> None:
    talent, passkey = await desk.party("talent"), Passkey()
    await added(desk, talent, passkey, talent)
    one, other = await _proposed(desk, talent), await _proposed(desk, talent)
    said = one.statement
    copied = {"credential_id": passkey.credential_id, "count": 50}
    foreign = Passkey(rp_id="elsewhere.example", origin="https://elsewhere.example", **copied)
    astray = Passkey(rp_id="elsewhere.example", **copied)
    foreign._es256 = astray._es256 = passkey._es256
    wrong = {
        "signs another statement": passkey.sign(other.statement),
        "origin": passkey.sign(said, origin="http://localhost:9"),
        "Unexpected client data origin": foreign.sign(said),
        "its domain is not": astray.sign(said),
        "user was not verified": passkey.sign(said, flags=PRESENT),
        "nobody was present": passkey.sign(said, flags=VERIFIED),
        "no assertion": passkey.sign(said, type="webauthn.create"),
        "somebody else": passkey.sign(said, crossOrigin=True),
        "with a key of this party": Passkey().sign(said),
        "did not make it": _swap_signature(passkey.sign(said), passkey.sign(said)),
    }
    for rule, signature in wrong.items():
        with pytest.raises(PermissionDenied, match=rule) as caught:
            await sign(desk, talent, one, signature)
        assert caught.value.reason == "SIGNATURE_INVALID"
    for malformed in (b"{}", b"{" + b" " * 9000 + b"}", passkey.sign(said)[:-2] + b",}", b"x" * 65):
        with pytest.raises(InvalidArgument):
            await sign(desk, talent, one, malformed)
    assert (await sign(desk, talent, one, passkey.sign(said))).state == 2


async def test_a_counter_that_does_not_rise_is_refused_but_for_the_same_word_again(
    desk: Any,
) -> None:
    talent, passkey = await desk.party("talent"), Passkey()
    await added(desk, talent, passkey, talent)
    one, other = await _proposed(desk, talent), await _proposed(desk, talent)
    signed = {"consent_id": one.id, "signature": passkey.sign(one.statement), "request_id": "r"}
    for _ in range(2):
        assert (await desk.ask(talent, "SignConsent", **signed)).consent.state == 2
    passkey.count -= 1
    with pytest.raises(PermissionDenied, match="sign count"):
        await sign(desk, talent, other, passkey.sign(other.statement))
    assert (await sign(desk, talent, other, passkey.sign(other.statement))).state == 2


async def test_an_authenticator_that_does_not_count_may_sign_again(desk: Any) -> None:
    talent, passkey = await desk.party("talent"), Passkey(counts=False)
    await added(desk, talent, passkey, talent)
    for _ in range(2):
        consent = await _proposed(desk, talent)
        assert (await sign(desk, talent, consent, passkey.sign(consent.statement))).state == 2


async def test_a_key_that_is_pending_or_removed_signs_nothing(desk: Any) -> None:
    talent, passkey = await desk.party("talent"), Passkey()
    key = await pending(desk, talent, passkey)
    consent = await _proposed(desk, talent)
    with pytest.raises(PermissionDenied):
        await sign(desk, talent, consent, passkey.sign(consent.statement))
    itself = {"key_id": key.id, "signature": passkey.sign(key.statement)}
    with pytest.raises(PermissionDenied):
        await desk.ask(talent, "ConfirmKey", **itself)
    confirmed = {"key_id": key.id, "signature": talent.sign(key.statement)}
    await desk.ask(talent, "ConfirmKey", **confirmed)
    removed = {"key_id": key.id, "signature": talent.sign(key.removal_statement)}
    await desk.ask(talent, "RemoveKey", **removed)
    with pytest.raises(PermissionDenied):
        await sign(desk, talent, consent, passkey.sign(consent.statement))
    with pytest.raises(InvalidArgument):  # nor is it ever registered again
        await pending(desk, talent, passkey)
    (old,) = [one for one in (await _keys(desk, talent)) if one.id != key.id]
    last = {"key_id": old.id, "signature": talent.sign(old.removal_statement)}
    await desk.refused(desk.ask(talent, "RemoveKey", **last), "LAST_KEY")


async def test_what_licensing_heard_before_a_key_went_still_becomes_a_receipt(desk: Any) -> None:
    talent, brand, passkey = await desk.party("talent"), await desk.party("brand"), Passkey()
    key = await added(desk, talent, passkey, talent)
    said = b'{"license_id":"lic_1","type":"sosia.license/1"}'
    event = events_pb2.LicenseSigned(
        license_id="lic_1", brand_id=brand.id, talent_id=talent.id, statement=said
    )
    event.signature = passkey.sign(said)
    asked = {"party_id": talent.id, "message": said, "signature": event.signature}
    answer = await desk.ask("service", "VerifySignature", **asked)
    assert answer.public_key == passkey.public_key
    removed = {"key_id": key.id, "signature": talent.sign(key.removal_statement)}
    await desk.ask(talent, "RemoveKey", **removed)
    with pytest.raises(PermissionDenied):
        await desk.ask("service", "VerifySignature", **asked)
    await inbox.handle_once(desk.app.db, "e1", event, consumers.note_license_signed)
    (receipt,) = (await desk.ask(brand, "ListReceipts", subject_ids=["lic_1"])).receipts
    assert receipt.public_key == passkey.public_key


async def test_a_passkey_is_made_for_an_offer_of_ours_to_the_same_party_once(desk: Any) -> None:
    talent, other = await desk.party("talent"), await desk.party("talent")
    offer = (await desk.ask(talent, "OfferKey", party_id=talent.id)).offer
    made = Passkey().make(offer.statement)

    async def add(who: Any, credential: bytes) -> Any:
        passkey = {"name": "phone", "credential": credential}
        return await desk.ask(who, "AddKey", party_id=who.id, passkey=passkey)

    await desk.refused(add(other, made), "KEY_OFFER_OVER")
    await desk.refused(add(talent, Passkey().make(b"{}")), "KEY_OFFER_OVER")
    for flags, said in ((PRESENT, {}), (VERIFIED | PRESENT, {"origin": "https://a.example"})):
        with pytest.raises(InvalidArgument):
            await add(talent, Passkey().make(offer.statement, flags=flags, **said))
    await add(talent, made)
    await desk.refused(add(talent, Passkey().make(offer.statement)), "KEY_OFFER_OVER")
    await desk.refused(desk.ask(other, "OfferKey", party_id=talent.id), "NOT_ALLOWED")
    await desk.refused(desk.ask(talent, "OfferKey"), "NOT_ALLOWED")


async def test_staff_may_enrol_a_talent_with_a_passkey_at_registration(desk: Any) -> None:
    passkey = Passkey()
    offer = (await desk.ask(desk.staff, "OfferKey")).offer
    made = {"name": "phone", "credential": passkey.make(offer.statement)}
    talent = await desk.party("talent", public_key=b"", passkey=made)
    consent = await _proposed(desk, talent)
    assert (await sign(desk, talent, consent, passkey.sign(consent.statement))).state == 2
    with pytest.raises(InvalidArgument):
        await desk.party("talent", public_key=b"")


async def test_a_passkey_signs_somebody_in_once_for_each_offer(desk: Any) -> None:
    talent, passkey = await desk.party("talent"), Passkey()
    await added(desk, talent, passkey, talent)
    offered = (await desk.ask("public", "OfferSignIn")).statement
    signed = {"statement": offered, "signature": passkey.sign(offered)}
    assert (await desk.ask("public", "SignIn", **signed)).party.id == talent.id
    with pytest.raises(Unauthenticated):
        await desk.ask("public", "SignIn", **signed)
    to_make_one = (await desk.ask(talent, "OfferKey", party_id=talent.id)).offer.statement
    for own in (b'{"type":"sosia.sign-in/1"}', to_make_one):
        with pytest.raises(Unauthenticated):
            await desk.ask("public", "SignIn", statement=own, signature=passkey.sign(own))
    stranger = (await desk.ask("public", "OfferSignIn")).statement
    with pytest.raises(PermissionDenied):
        await desk.ask("public", "SignIn", statement=stranger, signature=Passkey().sign(stranger))
    async with desk.app.db.begin() as tx:
        await tx.execute(text("UPDATE key_offers SET ends_at = now()"))
    with pytest.raises(Unauthenticated):
        await desk.ask("public", "SignIn", statement=stranger, signature=passkey.sign(stranger))


async def test_without_an_origin_there_are_no_passkeys(desk: Any) -> None:
    desk.app.services.signing_keys._place = None
    talent = await desk.party("talent")
    with pytest.raises(FailedPrecondition):
        await desk.ask(talent, "OfferKey", party_id=talent.id)
    with pytest.raises(FailedPrecondition):
        await desk.ask("public", "OfferSignIn")
    assert read_place("") is None
    for origin in ("http://sosia.example", "https://sosia.example/", "sosia.example", "ftp://a"):
        with pytest.raises(ValueError, match="PORTAL_ORIGIN"):
            read_place(origin)


def test_the_word_of_an_erasure_is_kept_whole_in_either_form() -> None:
    for signature in (bytes(range(64)), Passkey().sign(b"{}")):
        word = Word(b"{}", signature)
        assert Word.load(word.dump()) == word


async def _proposed(desk: Any, talent: Any) -> Any:
    return await desk.proposed(talent)


async def _read(desk: Any, talent: Any) -> bytes:
    found = (await desk.ask(talent, "ListConsents", talent_id=talent.id)).consents
    return bytes(found[0].statement)


async def _keys(desk: Any, person: Any) -> list[Any]:
    return list((await desk.ask(person, "ListKeys", party_id=person.id)).keys)


def _swap_signature(one: bytes, other: bytes) -> bytes:
    told = json.loads(one) | {"signature": json.loads(other)["signature"]}
    return json.dumps(told).encode()


def _verify(told: dict[str, Any], key: str, folder: Path) -> int:
    file = folder / "receipt.json"
    file.write_text(json.dumps(told))
    return offline.verify_receipt([str(file), "--key", key])
