"""What a license costs, in lines that can be followed by hand and sum to the total.

A line is day rate x media x territory x term, rounded half to even once, at its end. The
territory factor of a use is that of the cheapest set of the card's territories that covers every
country asked for, so an overlap is never paid twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kit.errors import FailedPrecondition, FieldInvalid

from licensing.domain.cards import Factor, RateCard
from licensing.domain.money import LARGEST_MINOR, WHOLE_BP, Money, round_half_even
from licensing.domain.terms import Terms, Use
from licensing.domain.vocabulary import Vocabulary


class UseNotPriced(FailedPrecondition):
    """The rate card has no price for something that was asked for."""

    reason = "USE_NOT_PRICED"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote."""

    text: str
    amount: int


@dataclass(frozen=True, slots=True)
class Price:
    """What a license costs."""

    lines: tuple[Line, ...]
    total: Money


def price(card: RateCard, terms: Terms, vocabulary: Vocabulary) -> Price:
    """Price a license by a rate card.

    Raises:
        UseNotPriced: a medium, territory or term is not on the card; the metadata names it.
        FieldInvalid: it costs more than can be written.
    """
    lines = [
        _price_use(card, use, f"terms.uses[{index}]", vocabulary)
        for index, use in enumerate(terms.uses)
    ]
    lines.extend(_extras(card, terms, sum(line.amount for line in lines)))
    total = sum(line.amount for line in lines)
    if total < card.floor.minor:
        lines.append(Line("raised to the floor of the rate card", card.floor.minor - total))
        total = card.floor.minor
    if total > LARGEST_MINOR:
        raise FieldInvalid("terms.uses", f"must cost at most {LARGEST_MINOR:,} minor units")
    return Price(tuple(lines), Money(card.day_rate.currency, total))


def _extras(card: RateCard, terms: Terms, uses_amount: int) -> Iterator[Line]:
    if terms.exclusive:
        amount = round_half_even(uses_amount * card.exclusivity_bp, WHOLE_BP)
        text = f"exclusivity in {terms.category}: {uses_amount} x {_percent(card.exclusivity_bp)}"
        yield Line(text, amount)


def _price_use(card: RateCard, use: Use, field: str, vocabulary: Vocabulary) -> Line:
    media_bp = _media_factor(card.media, use, field)
    codes, territory_bp = _territory_factor(card.territories, use, field, vocabulary)
    term = _term_factor(card.terms, use, field)
    factors = (media_bp, territory_bp, term.basis_points)
    exact = card.day_rate.minor * media_bp * territory_bp * term.basis_points
    sum_of = " + ".join(codes) if len(codes) < 12 else f"{len(codes)} territories"
    text = (
        f"{use.media} in {sum_of} for {use.days} days (up to {term.code}): "
        f"{card.day_rate.minor} x {' x '.join(map(_percent, factors))}"
    )
    return Line(text, round_half_even(exact, WHOLE_BP**3))


def _media_factor(media: Sequence[Factor], use: Use, field: str) -> int:
    for factor in media:
        if factor.code == use.media:
            return factor.basis_points
    raise UseNotPriced(
        f"the rate card has no price for {use.media}",
        field=f"{field}.media",
        rule="must be on the talent's rate card",
        media=use.media,
    )


def _term_factor(terms: Sequence[Factor], use: Use, field: str) -> Factor:
    """Return the cheapest factor that covers the term, of equals the shortest."""
    covering = [factor for factor in terms if int(factor.code) >= use.days]
    if not covering:
        longest = max(int(factor.code) for factor in terms)
        raise UseNotPriced(
            f"the rate card has no price for {use.days} days, at most for {longest}",
            field=f"{field}.ends_at",
            rule=f"must be at most {longest} days after the start",
            days=use.days,
        )
    return min(covering, key=lambda factor: (factor.basis_points, int(factor.code)))


def _territory_factor(
    territories: Sequence[Factor], use: Use, field: str, vocabulary: Vocabulary
) -> tuple[tuple[str, ...], int]:
    priced = frozenset[str]().union(*(vocabulary.expand(factor.code) for factor in territories))
    for index, code in enumerate(use.territories):
        missing = sorted((vocabulary.expand(code) & set(use.countries)) - priced)
        if missing:
            raise UseNotPriced(
                f"the rate card has no price for {', '.join(missing[:5])} in {code}",
                field=f"{field}.territories[{index}]",
                rule="must be on the talent's rate card",
                territory=code,
                countries=" ".join(missing),
            )
    return find_cheapest_cover(frozenset(use.countries), territories, vocabulary)


def find_cheapest_cover(
    countries: frozenset[str], territories: Sequence[Factor], vocabulary: Vocabulary
) -> tuple[tuple[str, ...], int]:
    """Return the territories of a card that cover some countries for least, and their factors' sum.

    Exact, not greedy: every set of the card's regions is looked at unless it costs more than a
    cover already found; what a set leaves open is covered by single countries. Of equally cheap
    covers the one with fewest codes counts, then the first in the alphabet. Every country must be
    on the card.
    """
    meant = {factor: vocabulary.expand(factor.code) & countries for factor in territories}
    singles = {
        country: factor.basis_points
        for factor, covered in meant.items()
        for country in covered
        if factor.code == country
    }
    regions = [
        (factor, covered)
        for factor, covered in meant.items()
        if covered and factor.code not in vocabulary.countries
    ]
    regions.sort(key=lambda region: (region[0].basis_points, region[0].code))
    return min(_covers(countries, regions, singles), key=_rank)


Cover = tuple[tuple[str, ...], int]


def _rank(cover: Cover) -> tuple[int, int, tuple[str, ...]]:
    codes, cost = cover
    return cost, len(codes), codes


def _covers(
    countries: frozenset[str],
    regions: Sequence[tuple[Factor, frozenset[str]]],
    singles: Mapping[str, int],
) -> Iterator[Cover]:
    """Yield covers, each cheaper than those before it or as cheap."""
    cheapest: int | None = None
    # Regions still to be looked at, countries still open, cost so far, codes so far.
    stack: list[tuple[int, frozenset[str], int, tuple[str, ...]]] = [(0, countries, 0, ())]
    while stack:
        index, left, cost, codes = stack.pop()
        if cheapest is not None and cost > cheapest:
            continue
        if left <= singles.keys():
            total = cost + sum(singles[country] for country in left)
            if cheapest is None or total <= cheapest:
                cheapest = total
                yield tuple(sorted((*codes, *left))), total
        if index < len(regions) and left:
            factor, covered = regions[index]
            stack.append((index + 1, left, cost, codes))
            if not covered.isdisjoint(left):
                taken = (index + 1, left - covered, cost + factor.basis_points)
                stack.append((*taken, (*codes, factor.code)))


def _percent(basis_points: int) -> str:
    """Write basis points as a percentage, exactly."""
    text = f"{basis_points // 100}.{basis_points % 100:02d}".rstrip("0").rstrip(".")
    return f"{text}%"
