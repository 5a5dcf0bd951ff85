"""What the public says of released pictures."""

import asyncio
from datetime import date
from typing import Any

import pytest
from kit.errors import FieldInvalid, ResourceExhausted
from render.domain import reactions as domain
from render.moderation import load_rules

RULES = load_rules()


@pytest.mark.parametrize(
    "text",
    [
        "x" * 141,
        "see http://spam.example",
        "www.spam",
        "write to me@spam",
        "You IDIOT",
        "Quelle p\u00fbte",
        "so goooooood",
        "buy buy buy now",
        "line\nbreak",
    ],
)
def test_a_text_that_breaks_a_rule_is_refused(text: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        domain.check(3, text, RULES)
    assert refused.value.metadata["field"] == "text"


def test_plain_words_pass() -> None:
    for text in ("", "Lovely light.", "Vackert! Vilken färg", "x" * 4, "no, no, I like it"):
        assert domain.check(5, f" {text} ", RULES) == text
    for score in (0, 6, -1):
        with pytest.raises(FieldInvalid):
            domain.check(score, "", RULES)


def test_an_address_is_another_one_tomorrow() -> None:
    key = bytes(32)
    first, second = date(2026, 11, 25), date(2026, 11, 26)
    today = domain.hash_address(key, first, "203.0.113.7")
    assert today == domain.hash_address(key, first, "203.0.113.7")
    others = [
        domain.hash_address(key, second, "203.0.113.7"),
        domain.hash_address(key, first, "203.0.113.8"),
        domain.hash_address(b"k" * 32, first, "203.0.113.7"),
    ]
    assert today not in others


async def test_what_people_say_is_seen_by_those_it_is_about(stage: Any) -> None:
    render = await stage.released()

    async def react(score: int, text: str = "", address: str = "203.0.113.7") -> Any:
        fields = {"render_id": render.id, "score": score, "text": text, "address": address}
        return (await stage.ask("public", "React", **fields)).reaction

    for _ in range(2):  # the second is the first again
        assert (await react(5, "Lovely light.")).text == "Lovely light."
    await react(2, address="203.0.113.8")
    for person in (stage.brand, stage.identity.alba, stage.director, "staff"):
        seen = await stage.ask(person, "ListReactions", render_id=render.id)
        assert [list(day.counts) for day in seen.days] == [[0, 1, 0, 0, 1]]
        assert [one.text for one in seen.remarks] == ["Lovely light."]
    other = await stage.identity.party("brand", public_name="South")
    await stage.refused(stage.ask(other, "ListReactions", render_id=render.id), "RENDER_NOT_FOUND")
    await stage.refused(
        stage.ask("public", "ListReactions", render_id=render.id), "API_KEY_MISSING"
    )
    events = [data for name, data in await stage.events() if name == "ReactionMade"]
    assert events == [{"renderId": render.id, "score": 5}, {"renderId": render.id, "score": 2}]


async def test_nothing_personal_is_stored(stage: Any) -> None:
    render = await stage.released()
    address = "198.51.100.23"
    await stage.ask("public", "React", render_id=render.id, score=4, address=address)
    tables = await stage.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    for (table,) in tables.all():
        rows = (await stage.execute(f"SELECT t::text FROM {table} t")).scalars().all()
        assert not any(address in row for row in rows), table


async def test_one_address_says_so_much_a_day(stage: Any) -> None:
    render = await stage.released()

    async def react(text: str, address: str) -> Any:
        return await stage.ask(
            "public", "React", render_id=render.id, score=3, text=text, address=address
        )

    said = [react(f"Word {number}", "203.0.113.7") for number in range(8)]
    done = await asyncio.gather(*said, return_exceptions=True)
    refused = [one for one in done if isinstance(one, ResourceExhausted)]
    assert len(refused) == 8 - RULES.an_address_a_day_on_a_picture
    assert {one.reason for one in refused} == {"REACTIONS_SPENT"}
    for number in range(RULES.same_text_a_day_on_a_picture):
        await react("First!", f"203.0.113.{number + 10}")
    error = await stage.refused(react("FIRST!", "203.0.113.99"), "TEXT_SAID_OFTEN")
    assert error.metadata["field"] == "text"


async def test_a_picture_that_is_not_out_takes_no_reactions(stage: Any) -> None:
    render = await stage.approved()
    for render_id in (render.id, "ren_none", ""):
        for call in (
            stage.ask("public", "React", render_id=render_id, score=3, address="203.0.113.7"),
            stage.ask("public", "GetReleased", render_id=render_id),
        ):
            await stage.refused(call, "RENDER_NOT_FOUND")
