"""The main job on real input: start everything, tell the story through the API, stay up."""

import argparse
import signal
import sys
import time
from pathlib import Path

from dev import DATA, ROOT, ready_line, stay
from local.house import House, HouseBroken, running_house
from story.api import Api, Refused
from story.cast import Stuck
from story.chain import REFUSED_SHOT, Script, Told, tell
from story.samples import load_campaign
from story.sheet import Frame, contact_sheet
from story.telling import Teller

CAMPAIGN = ROOT / "samples/campaigns/autumn.json"


def main(argv: list[str]) -> int:
    """Tell the story once; return 0 when every link of the chain held."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop at the end")
    parser.add_argument("--talent", default="alba", help="a folder of samples/talents")
    parser.add_argument("--data", type=Path, default=DATA, help="where everything is kept")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    script = Script(
        talent=ROOT / "samples/talents" / options.talent,
        stranger=ROOT / "samples/talents/cleo/photos/001.jpg",
        campaign=CAMPAIGN,
    )
    try:
        return _run(options.data, script, once=options.once)
    except KeyboardInterrupt:
        return 130 if options.once else 0
    except (HouseBroken, Refused, Stuck) as error:
        print(f"the chain broke: {error}", file=sys.stderr)
        return 1


def _run(data: Path, script: Script, *, once: bool) -> int:
    teller = Teller()
    teller.title("Sosia — one picture, all the way")
    began = time.monotonic()
    with running_house(data, bases=ROOT / "models") as house:
        teller.seconds["platform"] = time.monotonic() - began
        print(f"  {ready_line(house, teller.seconds['platform'])}\n", flush=True)
        staff = Api(house.url, house.keys.staff_key)
        told = tell(staff, script, teller)
        files = _write(told, data / "demo")
        _sum_up(house, told, teller, files)
        return 0 if once else _linger(house)


def _write(told: Told, folder: Path) -> list[Path]:
    """Keep the pictures, the contact sheet and the twin's sample sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "contact-sheet.png", folder / "twin-samples.png"]
    files[0].write_bytes(_contact_sheet(told))
    files[1].write_bytes(told.sheet)
    for number, picture in enumerate(told.released.values(), start=1):
        (folder / f"picture-{number}.jpg").write_bytes(picture)
    return files


def _contact_sheet(told: Told) -> bytes:
    campaign = load_campaign(CAMPAIGN)
    frames = []
    for render in told.renders:
        shot = campaign["shots"][int(render["shot"])]
        product = campaign["products"][shot["product"]]
        released = told.released.get(render["id"])
        refused = int(render["shot"]) == REFUSED_SHOT
        note = "released" if released else "refused by the talent" if refused else "draft"
        picture = released or told.drafts[render["id"]]
        line = f"{product['name']}, {product['colour']}"
        frames.append(Frame(picture, line, f"{shot['lighting']} light · {note}"))
    who = told.cast.talent.party.name
    crew = ", ".join(party.name for party in told.cast.crew.values())
    subtitle = f"{told.cast.brands[0].name} · {who}, a digital twin of a synthetic person · {crew}"
    return contact_sheet(campaign["name"], subtitle, frames)


def _sum_up(house: House, told: Told, teller: Teller, files: list[Path]) -> None:
    teller.title("Who is paid, to the cent")
    teller.money(told.statements, "EUR")
    teller.title("How long it took")
    teller.times()
    teller.title("Look")
    for file in files:
        teller.console.print(f"  {file}", soft_wrap=True)
    teller.console.print(f"  {house.pages_url}/twins/{told.twin['id']}", soft_wrap=True)
    for render_id in told.released:
        teller.console.print(f"  {house.pages_url}/pictures/{render_id}", soft_wrap=True)
    teller.console.print(f"  {house.pages_url}/events   {house.pages_url}/verify\n", soft_wrap=True)


def _linger(house: House) -> int:
    print("The platform stays up until Ctrl-C.", flush=True)
    return stay(house)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
