"""The REST API: what goes in, what comes out, and what each refusal says."""

import asyncio
import base64
import hashlib
import json
from typing import Any

PROBLEM = "application/problem+json"


def a_brand(**changed: Any) -> dict[str, Any]:
    """Return a registration that lacks nothing."""
    fields = {"kind": "PARTY_KIND_BRAND", "name": "Maison", "public_name": "Maison"}
    return {**fields, "synthetic": True, **changed}


async def test_a_party_is_made_and_read_with_the_names_of_the_protos(web: Any) -> None:
    made = await web.post("/v1/parties", a_brand())
    assert made.status_code == 201
    party = made.json()["party"]
    assert party["public_keys"] == []
    read = await web.get(f"/v1/parties/{party['id']}")
    assert (read.status_code, read.json()["party"]) == (200, party)


async def test_a_repeat_answers_as_the_first_time_and_other_content_is_422(web: Any) -> None:
    first = await web.post("/v1/parties", a_brand(), once="once")
    assert (await web.post("/v1/parties", a_brand(), once="once")).json() == first.json()
    other = await web.post("/v1/parties", a_brand(name="Other"), once="once")
    assert (other.status_code, other.json()["reason"]) == (422, "REQUEST_REUSED")
    assert other.headers["content-type"] == PROBLEM


async def test_racing_repeats_make_one_thing(web: Any) -> None:
    racing = [web.post("/v1/parties", a_brand(), once="race") for _ in range(8)]
    answers = await asyncio.gather(*racing)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["party"]["id"] for answer in answers}) == 1


async def test_two_callers_may_use_the_same_key(web: Any) -> None:
    talent = await web.desk.party("talent")
    await web.desk.consented(talent)
    body = {"talent_id": talent.id}
    house = await web.post("/v1/capture-sets", body, once="mine")
    hers = await web.post("/v1/capture-sets", body, await web.key_of(talent), once="mine")
    assert (house.status_code, hers.status_code) == (201, 201)
    assert house.json()["capture_set"]["id"] != hers.json()["capture_set"]["id"]


WRONG_PARTIES = (
    (a_brand(nonsense=1), "nonsense"),
    (a_brand(name=7), "name"),
    (a_brand(kind="PARTY_KIND_DRAGON"), "kind"),
    (a_brand(public_key="not base64!"), "public_key"),
    (a_brand(synthetic="yes"), "synthetic"),
    (a_brand(name=""), "name"),
    ({}, "kind"),
)
WRONG_TERMS = (
    ({"nonsense": 1}, "terms.nonsense"),
    ({"rate_of_pay": {"amount_minor": "much"}}, "terms.rate_of_pay.amount_minor"),
    ({"rate_of_pay": {"colour": 1}}, "terms.rate_of_pay.colour"),
    ({"starts_at": "yesterday"}, "terms.starts_at"),
    ({"scope": ["STEP_CAPTURE", "STEP_WALK"]}, "terms.scope"),
    ({"purpose": ["a", "b"]}, "terms.purpose"),
)
NO_OBJECTS = (b"{", b"[]", b'"x"', b"[" * 50_000, b'{"terms": 1e999}', b"\xff")


async def test_a_wrong_field_is_named_by_its_path(web: Any) -> None:
    for body, field in WRONG_PARTIES:
        refused = await web.post("/v1/parties", body)
        said = refused.json()
        assert (refused.status_code, said["field"]) == (400, field), body
        assert said["rule"], body
        assert said["request_id"] == refused.headers["x-request-id"]
    for terms, field in WRONG_TERMS:
        refused = await web.post("/v1/consents", {"terms": terms})
        assert refused.status_code == 400, terms
        assert refused.json()["field"].startswith(field), terms


async def test_a_body_that_is_no_object_is_400(web: Any) -> None:
    headers = {"Content-Type": "application/json"}
    for text in NO_OBJECTS:
        refused = await web.post("/v1/consents", content=text, headers=headers)
        assert (refused.status_code, refused.headers["content-type"]) == (400, PROBLEM), text[:20]


async def test_a_command_needs_an_idempotency_key(web: Any) -> None:
    refused = await web.client.post("/v1/parties", json=a_brand())
    assert (refused.status_code, refused.json()["field"]) == (400, "Idempotency-Key")
    within = await web.post("/v1/parties", a_brand(request_id="x"))
    assert (within.status_code, within.json()["field"]) == (400, "request_id")


async def test_every_kind_of_refusal_has_its_status(web: Any) -> None:
    talent = await web.desk.party("talent")
    brand = await web.desk.party("brand")
    consent = await web.desk.proposed(talent)
    key, sign = await web.key_of(brand), f"/v1/consents/{consent.id}/sign"
    forged = {"signature": base64.b64encode(bytes(64)).decode()}
    given = {"signature": base64.b64encode(talent.sign(consent.statement)).decode()}
    assert (await web.post("/v1/parties", a_brand(), "")).status_code == 401
    assert (await web.post("/v1/parties", a_brand(), "sosia_wrong")).status_code == 401
    assert (await web.post("/v1/parties", a_brand(), key)).status_code == 403
    wrong = await web.post(sign, forged)
    assert (wrong.status_code, wrong.json()["reason"]) == (403, "SIGNATURE_INVALID")
    assert (await web.get("/v1/parties/pty_none")).status_code == 404
    assert (await web.post(sign, given)).json()["consent"]["state"] == "CONSENT_STATE_ACTIVE"
    again = await web.post(sign, given)
    assert (again.status_code, again.json()["reason"]) == (409, "CONSENT_NOT_PROPOSED")
    away = await web.get("/v1/twins/twn_1")
    assert (away.status_code, away.json()["reason"]) == (503, "SERVICE_UNAVAILABLE")
    assert away.headers["retry-after"]


async def test_a_consent_is_read_signed_and_withdrawn_in_as_many_calls(web: Any) -> None:
    talent = await web.desk.party("talent")
    consent = await web.desk.proposed(talent)
    path, key = f"/v1/consents/{consent.id}", await web.key_of(talent)
    for word, step, state in (
        ("statement", "sign", "CONSENT_STATE_ACTIVE"),
        ("withdrawal_statement", "withdraw", "CONSENT_STATE_WITHDRAWN"),
    ):
        shown = (await web.get(path, key)).json()["consent"]
        said = base64.b64decode(shown[word])
        body = {"signature": base64.b64encode(talent.sign(said)).decode()}
        answer = await web.post(f"{path}/{step}", body, key)
        assert answer.json()["consent"]["state"] == state
    statement = json.loads(base64.b64decode(shown["statement"]))
    assert statement["text_sha256"] == hashlib.sha256(shown["text"].encode()).hexdigest()


async def test_what_is_wrong_with_a_request_itself(web: Any) -> None:
    unknown = await web.get("/v1/nothing")
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, PROBLEM)
    assert unknown.json()["request_id"] == unknown.headers["x-request-id"] != ""
    assert (await web.client.delete("/v1/parties")).status_code == 405
    text = await web.post("/v1/parties", content=b"{}", headers={"Content-Type": "text/plain"})
    assert (text.status_code, text.json()["status"]) == (415, 415)
    large = await web.post("/v1/parties", a_brand(name="x" * 2**21))
    assert (large.status_code, large.headers["content-type"]) == (413, PROBLEM)
    strange = await web.get("/v1/parties", colour="red")
    assert (strange.status_code, strange.json()["field"]) == (400, "colour")
    odd = await web.get("/v1/parties", **{"page.page_size": "many"})
    assert (odd.status_code, odd.json()["field"]) == (400, "page.page_size")


async def test_a_key_that_is_no_bearer_token_is_401(web: Any) -> None:
    refused = await web.client.get("/v1/parties", headers={"Authorization": "Basic eDp5"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


async def test_repeated_and_nested_parameters_reach_the_call(web: Any) -> None:
    talent = await web.desk.party("talent")
    consents = [await web.desk.consented(talent) for _ in range(2)]
    ids = [consent.id for consent in consents]
    listed = (await web.get("/v1/receipts", subject_ids=ids)).json()["receipts"]
    assert [receipt["subject_id"] for receipt in listed] == ids
    page = await web.get("/v1/parties", **{"page.page_size": "1", "kind": "PARTY_KIND_TALENT"})
    assert [party["id"] for party in page.json()["parties"]] == [talent.id]


async def test_a_path_and_a_body_that_differ_are_refused(web: Any) -> None:
    body = {"party_id": "pty_other"}
    refused = await web.post(f"/v1/parties/{web.desk.staff.id}/api-keys", body)
    assert (refused.status_code, refused.json()["field"]) == (400, "party_id")


async def test_a_photo_is_a_file_and_facts(web: Any, picture: Any) -> None:
    talent = await web.desk.party("talent")
    await web.desk.consented(talent)
    opened = await web.post("/v1/capture-sets", {"talent_id": talent.id})
    path = f"/v1/capture-sets/{opened.json()['capture_set']['id']}/photos"
    file = {"file": ("one.jpg", picture, "image/jpeg")}
    facts = '{"framing": "full", "yaw": 180}'
    taken = await web.post(path, files=file, data={"facts": facts})
    assert (taken.status_code, taken.json()["photo"]["filename"]) == (201, "one.jpg")
    assert taken.json()["photo"]["facts"]["yaw"] == 180
    broken = await web.post(path, files={"file": ("b.jpg", b"no")}, data={"facts": facts})
    assert (broken.status_code, broken.json()["reason"]) == (400, "PHOTO_UNREADABLE")
    for data in ({"facts": "{"}, {"facts": "[]"}, {"facts": '{"mood": 1}'}):
        refused = await web.post(path, files={"file": ("b.jpg", b"no")}, data=data)
        assert refused.status_code == 400
        assert refused.json()["field"].startswith("facts")
    none = await web.post(path, {"filename": "b.jpg"})
    assert none.status_code == 415
    huge = await web.post(path, files={"file": ("b.jpg", bytes(14 * 2**20))})
    assert huge.status_code == 413
    kept = await web.get(f"/v1/capture-sets/{opened.json()['capture_set']['id']}")
    assert len(kept.json()["capture_set"]["photos"]) == 1


async def test_nobody_reads_what_is_another_tenants(web: Any) -> None:
    talent, brand = await web.desk.party("talent"), await web.desk.party("brand")
    consent = await web.desk.consented(talent)
    key = await web.key_of(brand)
    opened = await web.post("/v1/capture-sets", {"talent_id": talent.id})
    paths = [
        f"/v1/consents/{consent.id}",
        f"/v1/receipts/{consent.receipt_id}",
        f"/v1/capture-sets/{opened.json()['capture_set']['id']}",
    ]
    for path in paths:
        assert (await web.get(path)).status_code == 200
        assert (await web.get(path, key)).status_code == 404, path


async def test_verification_is_public_and_limited(web: Any) -> None:
    file = {"file": ("a.jpg", b"no picture")}
    for _ in range(2):  # render is away, but everyone may ask
        assert (await web.post("/v1/verify", None, "", files=file)).status_code == 503
    spent = await web.post("/v1/verify", None, "", files=file)
    assert (spent.status_code, spent.json()["reason"]) == (429, "QUOTA_SPENT")
    assert int(spent.headers["retry-after"]) > 0


async def test_a_request_keeps_its_id_and_its_trace(web: Any) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"X-Request-Id": "from-outside", "traceparent": trace}
    answer = await web.post("/v1/parties", a_brand(), headers=headers)
    assert answer.headers["x-request-id"] == "from-outside"
    assert (await web.get("/v1/parties")).headers["x-request-id"]


async def test_a_key_is_asked_for_once_and_not_for_every_request(web: Any) -> None:
    brand = await web.desk.party("brand")
    key = await web.key_of(brand)
    assert (await web.get(f"/v1/parties/{brand.id}", key)).status_code == 200
    async with web.desk.app.db.begin() as tx:
        await tx.exec_driver_sql(f"DELETE FROM api_keys WHERE party_id = '{brand.id}'")
    assert (await web.get(f"/v1/parties/{brand.id}", key)).status_code == 200
