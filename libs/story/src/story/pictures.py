"""From a brief to released pictures, what they pay, and what anyone can find out about them."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from story.api import to_bytes
from story.cast import Cast, Party, Stuck

_OPEN = ("RENDER_STATE_QUEUED", "RENDER_STATE_RUNNING")


@dataclass(frozen=True, slots=True)
class Statement:
    """What one party is owed, or owes, by the ledger; in minor units."""

    party: Party
    role: str
    amount: int
    entries: int


def brief(cast: Cast, license: Any, twin: Any, campaign: dict[str, Any]) -> Any:
    """Have the licensed brand open a campaign and write its brief."""
    brand = cast.brands[0]
    director = cast.crew["creative_director"]
    body = {
        "license_id": license["id"],
        "name": campaign["name"],
        "credits": [
            {"party_id": director.id, "role": "creative_director"},
            {"party_id": cast.crew["stylist"].id, "role": "stylist"},
        ],
    }
    opened = brand.api.post("/v1/campaigns", body)["campaign"]
    body = {
        "campaign_id": opened["id"],
        "twin_version_id": twin["id"],
        "products": campaign["products"],
        "shots": campaign["shots"],
    }
    return brand.api.post("/v1/briefs", body)["brief"]


def shoot(cast: Cast, brief_id: str, progress: Callable[[int, int], None]) -> list[Any]:
    """Queue the brief's renders and wait until all are drafts.

    Raises:
        Stuck: one failed or was cancelled.
    """
    cast.brands[0].api.post(f"/v1/briefs/{brief_id}/renders")
    return wait_for_drafts(cast, brief_id, progress)


def wait_for_drafts(cast: Cast, brief_id: str, progress: Callable[[int, int], None]) -> list[Any]:
    """Wait until every render of a brief is a draft; in the order of the brief's shots.

    Raises:
        Stuck: one failed or was cancelled.
    """
    brand, path = cast.brands[0].api, f"/v1/briefs/{brief_id}/renders"
    renders = brand.get(path)["renders"]
    while any(render["state"] in _OPEN for render in renders):
        time.sleep(0.2)
        renders = brand.get(path)["renders"]
        progress(sum(render["state"] not in _OPEN for render in renders), len(renders))
    for render in renders:
        if render["state"] != "RENDER_STATE_DRAFT":
            raise Stuck(f"a render ended as {render['state']}: {render['note']}")
    return sorted(renders, key=lambda render: int(render["shot"]))


def review(cast: Cast, renders: list[Any]) -> None:
    """Have the creative director approve every draft."""
    for render in renders:
        path = f"/v1/renders/{render['id']}/review"
        cast.crew["creative_director"].api.post(path, {"approve": True, "note": "Lovely."})


def decide(cast: Cast, renders: list[Any], *, refuse: frozenset[int]) -> None:
    """Have the talent say yes to the pictures, and no to the shots in `refuse`.

    Raises:
        Stuck: she was not asked within a minute.
    """
    wanted = {render["id"]: int(render["shot"]) for render in renders}
    for approval in _asked(cast, set(wanted)):
        no = wanted[approval["render_id"]] in refuse
        word = "refuse_statement" if no else "approve_statement"
        body = {
            "approve": not no,
            "reason": "Not how I want to be seen." if no else "",
            "signature": cast.talent.sign(to_bytes(approval[word])),
        }
        cast.talent.api.post(f"/v1/approvals/{approval['id']}/decide", body)


def release(cast: Cast, render: Any) -> Any:
    """Have the brand release a picture."""
    path = f"/v1/renders/{render['id']}/release"
    return cast.brands[0].api.post(path)["render"]


def statements(cast: Cast) -> list[Statement]:
    """Return every party's statement; each total is checked against its own entries.

    Raises:
        Stuck: a total is not the sum of its entries.
    """
    found = []
    for party in cast.everyone:
        told = party.api.get(f"/v1/parties/{party.id}/statement")["statement"]
        summed = sum(int(entry["amount"]["amount_minor"]) for entry in told["entries"])
        total = sum(int(money["amount_minor"]) for money in told["totals"])
        if summed != total:
            raise Stuck(f"the statement of {party.name} says {total}, its entries {summed}")
        roles = sorted({entry["role"] for entry in told["entries"]})
        found.append(Statement(party, ", ".join(roles), total, len(told["entries"])))
    return found


def verify(cast: Cast, content: bytes) -> Any:
    """Ask, as anyone may, what a picture is."""
    public = cast.staff.as_("")
    return public.upload("/v1/verify", "picture.jpg", content, None)["verification"]


def resave(content: bytes, *, quality: int = 80) -> bytes:
    """Return a picture as anyone would save it again: other bytes, no metadata."""
    out = io.BytesIO()
    Image.open(io.BytesIO(content)).convert("RGB").save(out, "JPEG", quality=quality)
    return out.getvalue()


def _asked(cast: Cast, render_ids: set[str], *, deadline_s: float = 60.0) -> list[Any]:
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        query = {"talent_id": cast.talent.id}
        asked = cast.talent.api.get("/v1/approvals", **query)["approvals"]
        mine = [approval for approval in asked if approval["render_id"] in render_ids]
        if len(mine) == len(render_ids):
            return mine
        time.sleep(0.1)
    raise Stuck("the talent was not asked for her word on every picture")
