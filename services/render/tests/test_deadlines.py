"""The director's word has a deadline: reminded once, and silence sets the draft aside."""

from datetime import timedelta
from typing import Any

from render import consumers
from render.service import deadlines
from sosia.licensing.v1 import events_pb2
from sosia.render.v1 import render_pb2

DRAFT, RETAKE = render_pb2.RENDER_STATE_DRAFT, render_pb2.RENDER_STATE_RETAKE
DAY = timedelta(days=1)
EARLIER = """
    UPDATE reviews_due SET began_at = began_at - interval '{0}', due_at = due_at - interval '{0}'
"""


async def told(stage: Any, name: str) -> list[dict[str, Any]]:
    """Return the data of every event of a kind."""
    return [data for kind, data in await stage.events() if kind == name]


async def test_a_draft_waits_three_days_and_the_director_is_reminded_once(stage: Any) -> None:
    render = await stage.drafted()
    waits = render.review_by.ToDatetime() - render.created_at.ToDatetime()
    assert timedelta(days=3) <= waits < timedelta(days=3, minutes=5)
    assert await deadlines.remind(stage.app.db, DAY) == 0
    await stage.execute(EARLIER.format("50 hours"))
    assert await deadlines.remind(stage.app.db, DAY) == 1
    assert await deadlines.remind(stage.app.db, DAY) == 0
    (event,) = await told(stage, "ReviewReminded")
    assert event["directorId"] == stage.director.id
    assert await deadlines.lapse(stage.app.db) == 0
    assert (await stage.get(render)).state == DRAFT


async def test_silence_is_a_no_and_another_take_may_be_asked_for(stage: Any) -> None:
    render = await stage.drafted()
    await stage.ask(stage.director, "ChooseTake", render_id=render.id)
    await stage.execute(EARLIER.format("3 days"))
    yes = stage.ask(stage.director, "ReviewRender", render_id=render.id, approve=True)
    await stage.refused(yes, "REVIEW_OVERDUE")  # whether or not anybody looked yet
    assert await deadlines.lapse(stage.app.db) == 1
    assert await deadlines.lapse(stage.app.db) == 0
    over = await stage.get(render)
    assert (over.state, over.chosen, over.HasField("review_by")) == (RETAKE, False, False)
    found = await stage.ask(stage.brand, "ListTakeNotes", brief_id=render.brief_id)
    last = found.notes[-1]
    assert (last.word, last.party_id) == (render_pb2.TAKE_WORD_OVERDUE, "")
    assert len(await told(stage, "ReviewLapsed")) == 1
    assert [one["word"] for one in await told(stage, "TakePutBack")] == ["overdue"]
    yes = stage.ask(stage.director, "ReviewRender", render_id=render.id, approve=True)
    await stage.refused(yes, "RENDER_NOT_DRAFT")
    new = await stage.ask(stage.director, "AskTake", render_id=render.id, note="again")
    assert new.render.take == 2


async def test_kept_takes_wait_for_nobody_until_the_talent_says_no(stage: Any) -> None:
    kept = await stage.drafted()
    second = (await stage.ask(stage.director, "AskTake", render_id=kept.id, note="softer")).render
    async with stage.worker() as worker:
        assert await worker.once()
    await stage.ask(stage.director, "ReviewRender", render_id=second.id, approve=True)
    await stage.execute(EARLIER.format("4 days"))
    assert await deadlines.remind(stage.app.db, DAY) == 0
    assert await deadlines.lapse(stage.app.db) == 0
    no = events_pb2.ApprovalDecided(render_id=second.id, talent_id=stage.identity.alba.id)
    async with stage.app.db.begin() as tx:
        await consumers.hear_decision(tx, no)
    assert await deadlines.lapse(stage.app.db) == 0  # the time begins anew
    again = await stage.get(kept)
    waits = again.review_by.ToDatetime() - again.created_at.ToDatetime()
    assert again.state == DRAFT
    assert waits >= timedelta(days=3)
    call = stage.ask(stage.director, "ReviewRender", render_id=kept.id, approve=True)
    assert (await call).render.state == render_pb2.RENDER_STATE_APPROVED
