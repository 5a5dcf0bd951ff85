"""No page that a talent, an agency or a brand reads has words of its own: they lie in texts/."""

import re
from html.parser import HTMLParser
from importlib import resources

import pytest
from jinja2 import Environment

STAFF = {"events", "estate_new"}
"""Only staff sees these, and the house works in English."""
OWED = {
    "api",
    "ask",
    "brief",
    "brief_new",
    "campaign",
    "campaign_new",
    "campaigns",
    "capture_set",
    "directors",
    "picture",
    "reactions",
    "twin",
    "upload",
}
"""English still: it names countries, terms and findings that have words in English only."""
NAMES = {"Sosia", "API", "SHA", "Ed25519", "https", "SE", "PLUS", "ODRL"}
"""What is called the same in every language."""
SPOKEN = {"alt", "aria-label", "placeholder", "title"}
"""Attributes that somebody hears or reads."""
WORD = re.compile(r"[^\W\d_]\w*")
LITERAL = re.compile(r"[A-Z][a-z]|[^\W\d_][,.]? [^\W\d_]")
"""What a string in an expression looks like that is to be read; names and codes do not."""
MARKUP = re.compile(r"(?<!\S)/\S*|[\w-]+=\"[^\"]*\"")
"""A path, or attributes, in the text of a macro."""
GAP = "\x00"


class Said(HTMLParser):
    """Collects what a template says between its expressions."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes that are read out."""
        self.texts += [value or "" for name, value in attrs if name in SPOKEN]


def own_words(source: str) -> list[str]:
    """Return the words of its own that a template says, in its text and in its expressions."""
    markup, literals = "", []
    for _, kind, value in Environment().lex(source):
        if kind == "data":
            markup += value
        elif kind == "variable_begin":
            markup += GAP
        elif kind == "string":
            literals.append(value[1:-1])
    said = Said()
    said.feed(markup)
    texts = [one for text in said.texts for one in WORD.findall(MARKUP.sub("", text))]
    spoken = [one for one in literals if LITERAL.search(one)]
    return [one for one in texts if one not in NAMES] + spoken


def read_templates() -> dict[str, str]:
    """Return the source of every template by its name without ".html"."""
    folder = resources.files("gateway") / "templates"
    return {one.name.removesuffix(".html"): one.read_text("utf-8") for one in folder.iterdir()}


TEMPLATES = read_templates()


@pytest.mark.parametrize("name", sorted(TEMPLATES.keys() - STAFF - OWED))
def test_a_page_has_no_words_of_its_own(name: str) -> None:
    assert own_words(TEMPLATES[name]) == []


@pytest.mark.parametrize("name", sorted(STAFF | OWED))
def test_a_page_that_speaks_by_now_is_owed_no_more(name: str) -> None:
    assert own_words(TEMPLATES[name])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>{{ t.ui.skip }}</p>{# a remark #}{% if one %}, {% endif %}", []),
        ('<a class="button second" href="/keys" data-x="y">{{ name or "" }}</a>', []),
        ("{{ x if state == 'IN_FORCE' else d.states[state] }}{% set at = 'place_' %}", []),
        ("<h1>Your keys</h1>", ["Your", "keys"]),
        ("<h1>{{ t.keys.title }}, sedan</h1>", ["sedan"]),
        ('<input placeholder="phone">', ["phone"]),
        ('<img alt="{{ one }} på bild">', ["på", "bild"]),
        ('{{ "Your answer" if brand else c.why }}', ["Your answer"]),
        ('{{ names.get(one, "Nobody") }}', ["Nobody"]),
        ('{% set told = {"added": "it signs now"} %}', ["it signs now"]),
    ],
)
def test_own_words_are_found_wherever_they_hide(source: str, words: list[str]) -> None:
    assert own_words(source) == words
