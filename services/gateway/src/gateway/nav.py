"""Which pages are whose: the links of the header, and of the first page of whoever is signed in.

What they are called stands in texts/ under `nav`.
"""

from collections.abc import Mapping, Sequence

PAGES: Mapping[str, Sequence[tuple[str, str]]] = {
    "talent": (
        ("approvals", "/approvals"),
        ("campaigns", "/campaigns"),
        ("licenses", "/licenses"),
        ("consents", "/consents"),
        ("representation", "/representation"),
        ("delegations", "/delegations"),
        ("succession", "/succession"),
        ("claims", "/claims"),
        ("keys", "/keys"),
    ),
    "agency": (
        ("talents", "/talents"),
        ("licenses", "/licenses"),
        ("delegations", "/delegations"),
        ("claims", "/claims"),
        ("recoveries", "/recoveries"),
        ("keys", "/keys"),
    ),
    "brand": (
        ("campaigns", "/campaigns"),
        ("licenses", "/licenses"),
        ("ask", "/licenses/ask"),
        ("claims", "/claims"),
        ("recoveries", "/recoveries"),
    ),
    "crew": (("campaigns", "/campaigns"),),
    "staff": (
        ("talents", "/talents"),
        ("campaigns", "/campaigns"),
        ("claims", "/claims"),
        ("estates", "/estates"),
        ("recoveries", "/recoveries"),
        ("events", "/events"),
    ),
    "successor": (("estates", "/estates"), ("keys", "/keys")),
}
"""Kind of actor -> name and path of each page; whoever is none of these has the public ones."""
