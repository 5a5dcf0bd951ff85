"""The best checkpoint, not the last: decisions on what looks along a run have said."""

import pytest
from training.pipeline.best import Ended, Mark, best_of, looks, why_end


def marks(*seen: tuple[float | None, float]) -> list[Mark]:
    return [Mark(10 * place, own, obeyed) for place, (own, obeyed) in enumerate(seen, start=1)]


def test_the_nearest_that_follows_prompts_is_the_twin() -> None:
    found = best_of(marks((0.62, 1.0), (0.55, 1.0), (0.50, 0.5), (0.56, 0.83)))
    assert found is not None
    assert found.step == 20


def test_one_missed_prompt_of_six_is_forgiven() -> None:
    found = best_of(marks((0.62, 1.0), (0.55, 5 / 6)))
    assert found is not None
    assert found.step == 20


def test_of_equals_and_of_the_unseen_the_latest_is_the_twin() -> None:
    for own in (0.6, None):
        found = best_of(marks((own, 1.0), (own, 1.0)))
        assert found is not None
        assert found.step == 20
    found = best_of(marks((0.9, 1.0), (None, 1.0)))
    assert found is not None
    assert found.step == 10
    assert best_of([]) is None


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([(0.6, 1.0), (0.59, 1.0), (0.58, 1.0), (0.57, 1.0), (0.56, 1.0)], None),
        ([(0.56, 1.0), (0.57, 1.0)], None),
        ([(0.56, 1.0), (0.57, 1.0), (0.558, 1.0)], Ended.LIKENESS),
        ([(0.56, 1.0), (0.57, 1.0), (0.558, 1.0), (0.554, 1.0)], None),
        ([(0.60, 1.0), (0.57, 0.5), (0.55, 1.0)], None),
        ([(0.60, 1.0), (0.57, 0.5), (0.55, 0.5)], Ended.PROMPTS),
        ([(None, 1.0)] * 7, None),
        ([], None),
    ],
)
def test_training_ends_when_it_gives_no_more(
    seen: list[tuple[float | None, float]], expected: Ended | None
) -> None:
    assert why_end(marks(*seen)) is expected


@pytest.mark.parametrize("steps", [1, 2, 7, 25, 600, 20_000])
def test_a_run_is_looked_at_late_and_at_its_end(steps: int) -> None:
    found = looks(steps, apart=25)
    assert max(found) == steps
    assert min(found) >= max(1, int(steps * 0.4))
    assert len(found) == (5 if steps >= 600 else 1)
    assert len(looks(10, apart=1)) == 5
