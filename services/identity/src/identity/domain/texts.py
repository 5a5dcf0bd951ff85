"""Consents in plain words: the text a talent reads before she signs."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from kit.errors import FieldInvalid

from identity.domain.consents import Advice, Policy, Step, Terms

_PLACE = re.compile(r"\{(\w+)\}")
_BLOCKS = {
    "talent_name",
    "scope",
    "purpose",
    "rate_basis",
    "uses",
    "prohibited_contexts",
    "superseding",
}
_INLINE = {
    "language",
    "text_version",
    "talent_id",
    "rate_of_pay",
    "starts_at",
    "ends_at",
    "advice",
    "withdrawal_policy",
}
_MARKS = (">", "•")


@dataclass(frozen=True, slots=True)
class Template:
    """The words of one edition in one language. An edition that was used never changes."""

    version: int
    language: str
    lines: tuple[str, ...]
    """A line is text with places such as "{ends_at}", or one place that becomes many lines."""
    superseding: tuple[str, ...]
    """What stands at "{superseding}" where the consent takes the place of another."""
    no_contexts: str
    steps: Mapping[str, str]
    advice: Mapping[str, str]
    withdrawal_policy: Mapping[str, str]
    months: tuple[str, ...]
    first_day: str
    """The first of a month, which French writes "1er"."""
    date: str
    """Of {day}, {month}, {year} and {time}."""
    money: str
    """Of {amount} and {currency}."""
    decimal: str
    group: str
    minor_units: Mapping[str, int]
    """Digits behind the decimal mark for currencies that don't have 2. Source: ISO 4217."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text, and the edition its words are of."""

    content: str
    version: int

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the text in UTF-8, as 64 hexadecimal digits."""
        return hashlib.sha256(self.content.encode()).hexdigest()


class Texts:
    """The words of one edition, by language."""

    def __init__(self, templates: Collection[Template]) -> None:
        """Take the templates of one edition.

        Raises:
            ValueError: a template leaves a term out, or has a place for something else.
        """
        for template in templates:
            _check(template)
        self._templates = {template.language: template for template in templates}

    @property
    def languages(self) -> list[str]:
        """Return the languages there are, by their tags in order."""
        return sorted(self._templates)

    def find(self, language: str) -> Template:
        """Return the template for a BCP 47 tag, or for the nearest tag that is shorter.

        Source: RFC 4647, section 3.4, Lookup: "sv-Latn-SE", "sv-Latn", "sv".

        Raises:
            FieldInvalid: there is none.
        """
        tag = language.lower()
        while tag not in self._templates:
            tag, _, _ = tag.rpartition("-")
            if not tag:
                there_are = ", ".join(self.languages)
                raise FieldInvalid("terms.language", f"must be a language of: {there_are}")
        return self._templates[tag]

    def write(self, terms: Terms, *, talent_name: str, supersedes: str = "") -> Written:
        """Write terms in plain words in the language they name.

        What others wrote stands in lines that begin with "> ", so it can't pass for our words,
        and two terms that differ never give one text.

        Raises:
            FieldInvalid: there is no text in that language.
        """
        template = self.find(terms.language)
        blocks = _blocks(template, terms, talent_name, supersedes)
        inline = _inline(template, terms)
        lines: list[str] = []
        for line in template.lines:
            name = line[1:-1]
            lines += blocks[name] if name in blocks else [_fill(line, inline)]
        return Written("\n".join(lines) + "\n", template.version)


def _check(template: Template) -> None:
    places = [name for line in template.lines for name in _PLACE.findall(line)]
    alone = {line[1:-1] for line in template.lines if _PLACE.fullmatch(line)}
    inside = {name for line in template.superseding for name in _PLACE.findall(line)}
    wrong = {
        "places": set(places) != _BLOCKS | _INLINE,
        "places that fill lines": not alone >= _BLOCKS,
        "superseding": inside != {"supersedes"},
        "steps": set(template.steps) != set(Step),
        "advice": set(template.advice) != set(Advice),
        "withdrawal_policy": set(template.withdrawal_policy) != set(Policy),
        "months": len(template.months) != 12,
        "marks": any(line.startswith(_MARKS) for line in template.lines + template.superseding),
        "date": set(_PLACE.findall(template.date)) != {"day", "month", "year", "time"},
        "money": set(_PLACE.findall(template.money)) != {"amount", "currency"},
    }
    if found := [name for name, is_wrong in wrong.items() if is_wrong]:
        raise ValueError(f"consent text {template.version} {template.language}: {found}")


def _blocks(
    template: Template, terms: Terms, talent_name: str, supersedes: str
) -> dict[str, list[str]]:
    contexts = [
        line
        for context in terms.prohibited_contexts
        for line in _quote("• " + context.replace("\n", "\n  "))
    ]
    superseding = [_fill(line, {"supersedes": supersedes}) for line in template.superseding]
    return {
        "talent_name": _quote(talent_name),
        "scope": [f"• {template.steps[step]}" for step in terms.scope],
        "purpose": _quote(terms.purpose),
        "rate_basis": _quote(terms.rate_basis),
        "uses": _quote(terms.uses),
        "prohibited_contexts": contexts or [template.no_contexts],
        "superseding": superseding if supersedes else [],
    }


def _inline(template: Template, terms: Terms) -> dict[str, str]:
    return {
        "language": terms.language,
        "text_version": str(template.version),
        "talent_id": terms.talent_id,
        "rate_of_pay": format_money(template, terms.amount_minor, terms.currency_code),
        "starts_at": format_time(template, terms.starts_at),
        "ends_at": format_time(template, terms.ends_at),
        "advice": template.advice[terms.advice],
        "withdrawal_policy": template.withdrawal_policy[terms.withdrawal_policy],
    }


def _fill(line: str, values: Mapping[str, str]) -> str:
    """Fill every place once: what a value says is never taken for a place."""
    return _PLACE.sub(lambda place: values[place[1]], line)


def _quote(content: str) -> list[str]:
    return [f"> {line}" if line else ">" for line in content.split("\n")]


def format_money(template: Template, amount_minor: int, currency_code: str) -> str:
    """Write an amount as the language does, with the currency's code: "$" is many currencies."""
    digits = template.minor_units.get(currency_code, 2)
    whole, part = divmod(amount_minor, 10**digits)
    amount = f"{whole:,}".replace(",", template.group)
    if digits:
        amount += f"{template.decimal}{part:0{digits}}"
    return _fill(template.money, {"amount": amount, "currency": currency_code})


def format_time(template: Template, value: datetime) -> str:
    """Write a time in UTC as the language does, as exactly as it is given."""
    utc = value.astimezone(UTC)
    time = f"{utc:%H:%M}"
    if utc.second or utc.microsecond:
        time += f":{utc:%S}"
    if utc.microsecond:
        time += f"{template.decimal}{utc:%f}"
    day = template.first_day if utc.day == 1 else str(utc.day)
    month = template.months[utc.month - 1]
    values = {"day": day, "month": month, "year": str(utc.year), "time": time}
    return _fill(template.date, values)
