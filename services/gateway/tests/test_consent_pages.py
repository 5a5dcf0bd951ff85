"""Consents on pages: hers to give and withdraw, her agency's to read, nobody else's to know of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from gateway import languages
from house.people import Person
from house.talents import represent

ENGLISH = languages.load("en")


@asynccontextmanager
async def visiting(web: Any, person: Person, language: str = "en") -> AsyncIterator[Any]:
    """Open a browser of somebody who is signed in."""
    spoken = {"Accept-Language": language}
    async with httpx.AsyncClient(base_url=web.url, timeout=30, headers=spoken) as client:
        key = {"api_key": await web.key_of(person)}
        opened = await client.post("/login", data=key, headers={"Origin": web.url})
        assert opened.status_code == 303
        yield client


async def test_her_agency_reads_her_consents_and_can_do_nothing_with_them(web: Any) -> None:
    talent = await web.desk.party("talent", public_name="Alba")
    agency = await web.desk.party("agency")
    await represent(web.desk, agency, talent)
    given = await web.desk.consented(talent)
    await web.desk.proposed(talent, purpose="A book of pictures.")
    async with visiting(web, agency) as theirs:
        path = f"/consents?talent_id={talent.id}"
        assert f'href="{path}"' in (await theirs.get("/talents")).text
        listed = (await theirs.get(path)).text
        for words in ("Consents of Alba", "A book of pictures.", "waits for her word", "given"):
            assert words in listed, words
        assert ENGLISH.day(given.signed_at) in listed
        shown = (await theirs.get(f"/consents/{given.id}")).text
        assert given.text.split("\n")[0] in shown
        assert 'class="written" lang="sv"' in shown  # it is shown as she read it
        assert "Consent signed" in shown
        assert f"/v1/receipts/{given.receipt_id}" in shown
        for word in ("data-statement", '/sign"', '/withdraw"', 'name="signature"'):
            assert word not in listed + shown, word
        for act in ("sign", "withdraw"):
            signed = {"signature": "AAAA"}
            sent = await theirs.post(
                f"/consents/{given.id}/{act}", data=signed, headers={"Origin": web.url}
            )
            assert sent.status_code == 403
            assert "NOT_ALLOWED" in sent.text
    async with visiting(web, agency, "it") as theirs:
        assert "Consensi di Alba" in (await theirs.get(path)).text


async def test_another_agency_is_told_of_her_what_it_is_told_of_nobody(web: Any) -> None:
    talent, agency = await web.desk.party("talent"), await web.desk.party("agency")
    given = await web.desk.consented(talent)
    nobody = talent.id[:-1] + ("a" if talent.id[-1] != "a" else "b")
    nothing = given.id[:-1] + ("a" if given.id[-1] != "a" else "b")
    for person in (agency, await web.desk.party("brand"), await web.desk.party("talent")):
        async with visiting(web, person) as client:
            for path in ("/consents?talent_id={}", "/v1/talents/{}/consents"):
                hers, theirs = [await client.get(path.format(one)) for one in (talent.id, nobody)]
                assert hers.status_code == theirs.status_code == 404, path
                assert said(hers, talent.id) == said(theirs, nobody), path
            hers, theirs = [await client.get(f"/consents/{one}") for one in (given.id, nothing)]
            assert hers.status_code == theirs.status_code == 404
            assert said(hers, given.id) == said(theirs, nothing)


def said(answer: httpx.Response, about: str) -> Any:
    """Return what an answer says, without the id it was asked about and its own number."""
    if "json" not in answer.headers["content-type"]:
        return answer.text.replace(about, "")
    body = answer.json()
    return {key: body[key] for key in ("type", "title", "status", "detail", "reason")}


async def test_she_reads_the_page_in_the_language_of_what_she_signs(web: Any) -> None:
    talent = await web.desk.party("talent")
    consent = await web.desk.proposed(talent, language="de")
    german = languages.load("de")["consents"]
    async with visiting(web, talent, "fr") as hers:
        shown = {"/consents": german["title"], f"/consents/{consent.id}": german["sign_title"]}
        for path, words in shown.items():
            page = await hers.get(path)
            assert page.headers["content-language"] == "de"
            assert words in page.text


async def test_whoever_has_no_consents_is_told_so(web: Any) -> None:
    async with visiting(web, await web.desk.party("agency")) as client:
        assert (await client.get("/consents")).status_code == 403
