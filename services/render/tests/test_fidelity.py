"""Whose twin is below the bar is not rendered; pictures that come off her likeness are told."""

import asyncio
from typing import Any

import numpy as np
import pytest
from house import reports
from render.domain.drift import LEAST, Score, find_drift, stand
from sosia.render.v1 import render_pb2


def score(distance: float | None, framing: str = "face") -> Score:
    return Score("twn_1", framing, distance, 0.4, 0.05)


def test_a_mean_in_its_band_says_nothing_and_one_that_left_it_is_told_once() -> None:
    fine, far = score(0.38), score(0.8)
    assert stand([fine] * (LEAST - 1)) is None
    inside = stand([fine] * LEAST)
    assert inside is not None
    assert not inside.is_out
    assert find_drift([fine] * 10) is None
    moved = find_drift([far, far, *[fine] * 6])
    assert moved is not None
    assert moved.mean > moved.high
    assert find_drift([far, far, far, *[fine] * 6]) is None  # it was out before


def test_pictures_too_near_are_told_too() -> None:
    found = find_drift([score(0.1), *[score(0.34)] * 3])
    assert found is not None
    assert found.mean < found.low


def test_only_close_ups_with_a_face_count() -> None:
    strangers = [score(None), score(0.9, "full")] * 5
    assert stand([*strangers, *[score(0.4)] * (LEAST - 1)]) is None
    standing = stand([*strangers, *[score(0.4)] * LEAST])
    assert standing is not None
    assert standing.pictures == LEAST
    assert standing.mean == pytest.approx(0.4)


async def test_a_twin_below_the_bar_is_not_rendered(stage: Any, adapter_of: Any) -> None:
    weights = await asyncio.to_thread(adapter_of, 1)
    alba = stage.identity.alba
    for name, figures in (
        ("measurement", {}),
        ("identity", reports.figures(share=0.5)),
        ("separation", reports.figures(nearer=1)),
    ):
        twin = await stage.trained(alba, weights, figures=figures)
        brief = await stage.brief(twin_version_id=twin)
        error = await stage.refused(stage.started(brief), "TWIN_BELOW_BAR")
        assert error.metadata["gate"] == name
        assert twin in str(error)
        if name == "identity":
            assert (error.metadata["figure"], error.metadata["bar"]) == ("0.500", "0.950")


async def test_the_worker_looks_at_the_bar_again(stage: Any) -> None:
    renders = await stage.started()
    async with stage.training_db.begin() as tx:
        from sqlalchemy import text  # noqa: PLC0415

        worse = "UPDATE fidelity SET figures = jsonb_set(figures, '{identity,share}', '0.5')"
        await tx.execute(text(worse))
    async with stage.worker() as worker:
        assert await worker.once()
        assert worker.loaded == ""
    for render in renders:
        ended = await stage.get(render)
        assert ended.state == render_pb2.RENDER_STATE_CANCELLED
        assert ended.note == "TWIN_BELOW_BAR"


async def test_a_picture_is_scored_and_a_drift_is_told(stage: Any, adapter_of: Any) -> None:
    weights = await asyncio.to_thread(adapter_of, 1)
    template = np.full(128, 0.1, "<f4").tobytes()
    stage.twin = await stage.trained(stage.identity.alba, weights, template=template)
    earlier = [await stage.released() for _ in range(LEAST - 1)]
    rows = (await stage.execute("SELECT * FROM likeness")).all()
    assert {row.render_id for row in rows} == {render.id for render in earlier}
    assert {(row.framing, row.mean, row.deviation) for row in rows} == {("face", 0.3, 0.05)}
    assert {row.distance for row in rows} == {None}  # random weights draw no face
    await stage.execute("UPDATE likeness SET distance = 0.3")
    last = await stage.approved()
    await stage.execute("UPDATE likeness SET distance = 0.9 WHERE distance IS NULL")
    await stage.ask(stage.brand, "ReleaseRender", render_id=last.id)
    (told,) = [data for name, data in await stage.events() if name == "LikenessDrifted"]
    assert (told["renderId"], told["pictures"]) == (last.id, LEAST)
    assert told["mean"] == pytest.approx(0.45)
    assert told["high"] == pytest.approx(0.375)
