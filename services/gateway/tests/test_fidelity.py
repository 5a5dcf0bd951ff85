"""How a fidelity report is shown."""

import pytest
from gateway.fidelity import SIDE, draw, percent
from sosia.training.v1 import fidelity_pb2 as pb


def report(**changed: object) -> pb.FidelityReport:
    """Return a report of three close-ups, one without a face."""
    gate = pb.FidelityGate(name="identity", figure=0.5, bar=0.95, at_least=True, holds=False)
    told = pb.FidelityReport(
        verdict=pb.FidelityVerdict(state=pb.FIDELITY_STATE_FAILED, gates=[gate]),
        threshold=0.5,
        close_ups=[
            pb.FidelityRender(view="front", light="overcast", own=0.3, other=0.5),
            pb.FidelityRender(view="front", light="overcast", own=0.6, other=0.55),
            pb.FidelityRender(view="front", light="overcast"),
        ],
        roc=[pb.FidelityPoint(), pb.FidelityPoint(false_accepts=1, true_accepts=0.5)],
    )
    told.MergeFrom(pb.FidelityReport(**changed))  # type: ignore[arg-type]
    return told


def test_a_share_is_never_rounded_up_to_its_bar() -> None:
    assert [percent(one) for one in (0.9499, 0.95, 1.0, 0.0, 2 / 24)] == [
        "94.9 %", "95 %", "100 %", "0 %", "8.3 %",
    ]  # fmt: skip


def test_every_close_up_with_a_face_is_a_dot_and_the_wrong_ones_are_marked() -> None:
    drawn = draw(report())
    assert [dot.wrong for dot in drawn.dots] == [False, True]
    assert drawn.unseen == 1
    assert drawn.threshold == SIDE / 2
    first, second = drawn.dots
    assert first.x < drawn.threshold < second.x
    assert first.y > second.y  # 0.5 to the nearest other is below 0.55


def test_a_curve_starts_below_on_the_left_and_ends_where_it_says() -> None:
    assert draw(report()).roc == f"0.0,{SIDE:.1f} {SIDE:.1f},{SIDE / 2:.1f}"


def test_a_lower_bar_does_not_make_a_twin_her() -> None:
    told = report()
    told.verdict.state = pb.FIDELITY_STATE_PASSED
    assert draw(told).is_good
    told.verdict.family = "mini"
    drawn = draw(told)
    assert not drawn.is_good
    assert "house’s own" in drawn.sense


@pytest.mark.parametrize("state", range(5))
def test_every_state_has_words(state: int) -> None:
    told = report()
    told.verdict.state = state  # type: ignore[assignment]
    drawn = draw(told)
    assert bool(drawn.word) == bool(state)
    assert not drawn.gates[0].holds
    assert drawn.gates[0].bar == "at least 95 %"
