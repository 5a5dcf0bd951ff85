"""Takes of a shot: another is asked for, one is chosen, one goes to approval; all are kept."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
import rfc8785
from kit.errors import FailedPrecondition, NotFound, PermissionDenied
from render.domain import takes as domain
from sosia.licensing.v1 import events_pb2
from sosia.render.v1 import render_pb2
from sqlalchemy.exc import DBAPIError

FACE = {"framing": "face", "pose": "standing", "view": "front", "lighting": "studio soft"}
WORDS = dict(render_pb2.TakeWord.items())
DRAFT, APPROVED = (
    render_pb2.RENDER_STATE_DRAFT,
    render_pb2.RENDER_STATE_APPROVED,
)


async def another(stage: Any, render: Any, note: str = "softer light", **fields: Any) -> Any:
    """Return another take, made."""
    call = stage.ask(stage.director, "AskTake", render_id=render.id, note=note, **fields)
    new = (await call).render
    async with stage.worker() as worker:
        assert await worker.once()
    return await stage.get(new)


async def said(stage: Any, brief_id: str) -> list[tuple[str, str, str]]:
    """Return what was said of the takes of a brief."""
    found = await stage.ask(stage.brand, "ListTakeNotes", brief_id=brief_id)
    names = {value: name.removeprefix("TAKE_WORD_") for name, value in WORDS.items()}
    return [(one.render_id, names[one.word], one.note) for one in found.notes]


async def test_another_take_is_the_same_shot_with_another_seed_and_the_note(stage: Any) -> None:
    first = await stage.drafted()
    assert (first.take, first.answers, first.direction) == (1, "", "")
    second = await another(stage, first, request_id="again")
    assert (second.take, second.answers, second.shot) == (2, first.id, first.shot)
    assert (second.direction, second.state) == ("softer light", DRAFT)
    assert second.seed != first.seed
    assert second.made_from.seed == second.seed
    assert second.prompt == first.prompt
    assert second.picture_sha256 != first.picture_sha256
    assert (await stage.get(first)).state == DRAFT  # kept as it was
    repeat = stage.ask(
        stage.director, "AskTake", render_id=first.id, note="softer light", request_id="again"
    )
    assert (await repeat).render.id == second.id
    other = stage.ask(stage.director, "AskTake", render_id=first.id, note="x", request_id="again")
    await stage.refused(other, "REQUEST_REUSED")
    assert await said(stage, first.brief_id) == [(first.id, "ANOTHER", "softer light")]
    told = [data for name, data in await stage.events() if name == "TakeAsked"]
    assert [(one["answers"], one["take"], one["note"]) for one in told] == [
        (first.id, 2, "softer light")
    ]


async def test_a_direction_changes_the_words_and_the_grant_is_for_them(stage: Any) -> None:
    brief = await stage.brief(shots=[FACE | {"seed": 3}])
    (first,) = await stage.started(brief)
    asked = {"pose": "hands on hips", "lighting": "evening sun", "seed": 77}
    async with stage.worker() as worker:
        assert await worker.once()
    second = await another(stage, first, "warmer", **asked)
    assert "hands on hips" in second.prompt
    assert "evening sun" in second.prompt
    shot = FACE | {"product": 0} | asked
    changed = {
        "twin_version_id": stage.twin,
        "products": [
            {"name": p.name, "garment": p.garment, "colour": p.colour, "pattern": p.pattern}
            for p in brief.products
        ],
        "shots": [shot],
    }
    wanted = hashlib.sha256(rfc8785.dumps(changed)).hexdigest()
    rows = (await stage.execute("SELECT number, brief_sha256 FROM takes ORDER BY number")).all()
    assert [tuple(row) for row in rows] == [(1, brief.sha256), (2, wanted)]
    third = await another(stage, second, "closer")
    assert third.made_from.pose == "hands on hips"  # it answers the take it was asked of


async def test_what_the_talent_prohibits_is_no_direction(stage: Any) -> None:
    first = await stage.drafted()
    for fields, named in (
        ({"note": " "}, "note"),
        ({"note": "x" * 1001}, "note"),
        ({"note": "x", "view": "above"}, "view"),
        ({"note": "x", "pose": "smoking, naked"}, "pose"),
        ({"note": "x", "lighting": "neon tobacco sign"}, "lighting"),
        ({"note": "x", "seed": -1}, "seed"),
    ):
        call = stage.ask(stage.director, "AskTake", render_id=first.id, **fields)
        assert (await stage.refused(call, "FIELD_INVALID")).metadata["field"] == named
    rows = await stage.execute("SELECT count(*) FROM renders")
    assert rows.scalar_one() == 1


async def test_only_the_director_directs_and_strangers_see_nothing(stage: Any) -> None:
    first = await stage.drafted()
    stranger = await stage.identity.party("brand")
    calls = {"AskTake": {"note": "x"}, "ChooseTake": {}, "PutBackTake": {}}
    for method, fields in calls.items():
        for person in (stage.brand, stage.identity.alba, stage.identity.staff):
            call = stage.ask(person, method, render_id=first.id, **fields)
            await stage.identity.refused(call, "NOT_ALLOWED", PermissionDenied)
        call = stage.ask(stranger, method, render_id=first.id, **fields)
        await stage.identity.refused(call, "RENDER_NOT_FOUND", NotFound)
    call = stage.ask(stranger, "ListTakeNotes", brief_id=first.brief_id)
    await stage.identity.refused(call, "BRIEF_NOT_FOUND", NotFound)
    assert await said(stage, first.brief_id) == []


async def test_one_take_of_a_shot_is_chosen_and_a_second_is_refused(stage: Any) -> None:
    first = await stage.drafted()
    second = await another(stage, first)
    for _ in range(2):
        call = stage.ask(
            stage.director, "ChooseTake", render_id=second.id, note="her", request_id="c"
        )
        assert (await call).render.chosen
    again = await stage.ask(stage.director, "ChooseTake", render_id=second.id)
    assert again.render.chosen
    for method, fields in (("ChooseTake", {}), ("ReviewRender", {"approve": True})):
        call = stage.ask(stage.director, method, render_id=first.id, **fields)
        error = await stage.identity.refused(call, "TAKE_CHOSEN", FailedPrecondition)
        assert error.metadata["renderId"] == second.id
    call = stage.ask(stage.director, "PutBackTake", render_id=first.id)
    await stage.identity.refused(call, "TAKE_NOT_CHOSEN", FailedPrecondition)
    await stage.ask(stage.director, "PutBackTake", render_id=second.id, note="too dark")
    call = stage.ask(stage.director, "ReviewRender", render_id=first.id, approve=True)
    assert (await call).render.state == APPROVED
    assert (await stage.get(first)).chosen
    assert await said(stage, first.brief_id) == [
        (first.id, "ANOTHER", "softer light"),
        (second.id, "CHOSEN", "her"),
        (second.id, "PUT_BACK", "too dark"),
        (first.id, "CHOSEN", ""),
        (first.id, "APPROVED", ""),
    ]
    for render in (first, second):
        call = stage.ask(stage.director, "AskTake", render_id=render.id, note="one more")
        await stage.identity.refused(call, "TAKE_APPROVED", FailedPrecondition)


async def test_of_choices_at_once_one_holds(stage: Any) -> None:
    first = await stage.drafted()
    second = await another(stage, first)
    calls = [
        stage.ask(stage.director, "ChooseTake", render_id=one.id) for one in (first, second) * 3
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    chosen = {one.render.id for one in results if not isinstance(one, BaseException)}
    assert len(chosen) == 1
    reasons = {one.reason for one in results if isinstance(one, FailedPrecondition)}
    assert reasons == {"TAKE_CHOSEN"}
    rows = (await stage.execute("SELECT count(*) FROM choices")).scalar_one()
    assert rows == 1


async def test_takes_asked_for_at_once_are_numbered_in_turn(stage: Any) -> None:
    first = await stage.drafted()
    calls = [
        stage.ask(stage.director, "AskTake", render_id=first.id, note=f"n{i}") for i in range(4)
    ]
    made = [answer.render for answer in await asyncio.gather(*calls)]
    assert sorted(one.take for one in made) == [2, 3, 4, 5]
    assert len({one.seed for one in made}) == 4
    notes = await said(stage, first.brief_id)
    assert sorted(note for _, _, note in notes) == ["n0", "n1", "n2", "n3"]


async def test_a_shot_has_so_many_takes_and_no_more(stage: Any) -> None:
    first = await stage.drafted()
    for number in range(2, domain.MOST_TAKES + 1):
        await stage.ask(stage.director, "AskTake", render_id=first.id, note=f"take {number}")
    call = stage.ask(stage.director, "AskTake", render_id=first.id, note="one more")
    assert (await stage.refused(call, "TAKES_SPENT")).metadata["takes"] == "20"


async def test_what_was_said_of_a_take_is_never_changed(stage: Any) -> None:
    first = await stage.drafted()
    await another(stage, first)
    for statement in (
        "UPDATE take_notes SET note = 'harder light'",
        "DELETE FROM take_notes",
        "UPDATE takes SET note = 'harder light' WHERE number = 2",
        "DELETE FROM takes",
    ):
        with pytest.raises(DBAPIError, match="only grows"):
            await stage.execute(statement)
    assert await said(stage, first.brief_id) == [(first.id, "ANOTHER", "softer light")]


@pytest.mark.parametrize("word", ["REFUSED", "LAPSED"])
async def test_the_talents_no_lets_another_take_be_chosen(stage: Any, word: str) -> None:
    from render import consumers  # noqa: PLC0415

    render = await stage.approved()
    asked = {"render_id": render.id, "talent_id": stage.identity.alba.id}
    async with stage.app.db.begin() as tx:
        yes = events_pb2.ApprovalDecided(approved=True, **asked)
        await consumers.hear_decision(tx, yes)
    assert (await stage.get(render)).chosen
    async with stage.app.db.begin() as tx:
        if word == "LAPSED":
            await consumers.hear_lapse(tx, events_pb2.ApprovalLapsed(**asked))
        else:
            no = events_pb2.ApprovalDecided(approved=False, **asked)
            await consumers.hear_decision(tx, no)
    assert not (await stage.get(render)).chosen
    assert (await said(stage, render.brief_id))[-1] == (render.id, word, "")
    second = await another(stage, render, "another smile")
    call = stage.ask(stage.director, "ReviewRender", render_id=second.id, approve=True)
    assert (await call).render.chosen
    told = [data["word"] for name, data in await stage.events() if name == "TakePutBack"]
    assert told == [word.lower()]
    unknown = events_pb2.ApprovalLapsed(render_id="ren_" + "0" * 26, talent_id="pty_x")
    async with stage.app.db.begin() as tx:
        await consumers.hear_lapse(tx, unknown)  # a picture that is not ours is no error


async def test_a_second_start_counts_on(stage: Any) -> None:
    brief = await stage.brief()
    first, second = [await stage.started(brief) for _ in range(2)]
    assert [(one.shot, one.take) for one in (*first, *second)] == [(0, 1), (1, 1), (0, 2), (1, 2)]


def test_a_drawn_seed_follows_from_what_it_is_for_and_fits_every_reader() -> None:
    seeds = {domain.draw_seed("brf_1", str(shot), key) for shot in range(20) for key in "abcde"}
    assert len(seeds) == 100
    assert all(json.loads(json.dumps(float(seed))) == seed for seed in seeds)
    assert domain.draw_seed("brf_1", "0", "a") == domain.draw_seed("brf_1", "0", "a")
