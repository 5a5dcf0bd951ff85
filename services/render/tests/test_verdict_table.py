"""docs/verification.md gives the verdict of every combination of states, and the code obeys it."""

from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from render.domain.judging import (
    Credentials,
    Fingerprint,
    Metadata,
    Outcome,
    States,
    Watermark,
    judge,
)

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "verification.md"
HEAD = "credentials | watermark | fingerprint | metadata | file | verdict | reason | the rule"
FILE = {"exact": True, "changed": False}
LAYERS = (tuple(Credentials), tuple(Watermark), tuple(Fingerprint), tuple(Metadata), tuple(FILE))
Row = tuple[tuple[str, ...], str, str]


def cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def table(head: str) -> list[tuple[str, ...]]:
    """Return the rows of the table in the document whose first line is `head`."""
    lines = DOCUMENT.read_text().splitlines()
    first = lines.index(f"| {head} |") + 2
    last = next(n for n in range(first, len(lines) + 1) if not "".join(lines[n : n + 1]).strip())
    return [cells(line) for line in lines[first:last]]


def expand(row: tuple[str, ...]) -> list[Row]:
    """Return every combination a row speaks of, with its verdict and reason."""
    choices = []
    for cell, states in zip(row, LAYERS, strict=False):
        named = states if cell == "any" else tuple(one.strip() for one in cell.split(","))
        assert set(named) <= set(states), cell
        choices.append(tuple(str(one) for one in named))
    return [(combination, row[5], row[6]) for combination in product(*choices)]


ROWS = [one for row in table(HEAD) for one in expand(row)]
ALL = [tuple(str(one) for one in combination) for combination in product(*LAYERS)]


def states_of(combination: tuple[str, ...]) -> States:
    credentials, watermark, fingerprint, metadata, file = combination
    return States(
        Credentials(credentials),
        Watermark(watermark),
        Fingerprint(fingerprint),
        Metadata(metadata),
        FILE[file],
    )


def test_every_combination_stands_in_exactly_one_row() -> None:
    counts = Counter(combination for combination, _, _ in ROWS)
    assert [one for one in ALL if counts[one] == 0] == []
    assert [one for one, times in counts.items() if times > 1] == []
    assert len(ROWS) == len(ALL) == 7 * 4 * 3 * 4 * 2


@pytest.mark.parametrize("row", table(HEAD), ids=lambda row: "-".join(row[:5]))
def test_the_code_obeys_the_row(row: tuple[str, ...]) -> None:
    assert row[7].endswith(".")
    for combination, verdict, reason in expand(row):
        outcome, reasons = judge(states_of(combination))
        assert (combination, str(outcome), reasons[0]) == (combination, verdict, reason)


def test_every_state_is_explained() -> None:
    said, layer = [], ""
    for name, state, meaning in table("layer | state | meaning"):
        layer = name or layer
        said.append((layer, state))
        assert meaning
    names = ("credentials", "watermark", "fingerprint", "metadata", "file")
    assert said == [
        (name, str(one)) for name, all_ in zip(names, LAYERS, strict=True) for one in all_
    ]


def judged(outcome: Outcome) -> list[States]:
    return [s for s in map(states_of, ALL) if judge(s)[0] is outcome]


def test_only_the_released_file_under_our_signature_is_verified() -> None:
    assert {(s.credentials, s.exact) for s in judged(Outcome.VERIFIED)} == {
        (Credentials.OURS, True)
    }


@pytest.mark.parametrize("outcome", [Outcome.VERIFIED, Outcome.RECOVERED])
def test_nothing_that_contradicts_is_named(outcome: Outcome) -> None:
    for states in judged(outcome):
        assert states.fingerprint is Fingerprint.SAME
        assert states.watermark in (Watermark.NONE, Watermark.SAME)
        assert states.metadata in (Metadata.ABSENT, Metadata.SAME)


def test_unknown_is_what_nothing_leads_to() -> None:
    for states in judged(Outcome.UNKNOWN):
        assert states.credentials in (Credentials.ABSENT, Credentials.FOREIGN)
        assert states.watermark in (Watermark.NONE, Watermark.UNKNOWN)
        assert (states.fingerprint, states.exact) == (Fingerprint.NONE, False)
