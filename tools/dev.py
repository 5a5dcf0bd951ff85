"""Start the whole platform on this machine and keep it up until Ctrl-C; --check only tries."""

import argparse
import signal
import sys
import time
from pathlib import Path

from local.house import House, HouseBroken, running_house

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / ".data"


def main(argv: list[str]) -> int:
    """Start, say where everything is, wait; return 0 after Ctrl-C or a passed check."""
    parser = argparse.ArgumentParser(prog="dev", description=__doc__)
    parser.add_argument("--check", action="store_true", help="start, wait for ready, stop")
    parser.add_argument("--data", type=Path, default=DATA, help="where everything is kept")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        with running_house(options.data, bases=ROOT / "models", echo=not options.check) as house:
            print(ready_line(house, time.monotonic() - began), flush=True)
            return 0 if options.check else stay(house)
    except KeyboardInterrupt:
        return 0
    except HouseBroken as error:
        print(error, file=sys.stderr)
        return 1


def ready_line(house: House, seconds: float) -> str:
    """Return what a person needs to know of a house that is up."""
    return "\n".join(
        [
            f"ready in {seconds:.1f} s",
            f"  pages    {house.pages_url}/",
            f"  events   {house.pages_url}/events",
            f"  verify   {house.pages_url}/verify",
            f"  API      {house.url}/v1/  ({house.url}/openapi.json)",
            f"  staff's API key is in {house.keys.folder / 'staff.key'}",
        ]
    )


def stay(house: House) -> int:
    """Wait for Ctrl-C; return 1 if a process ended by itself."""
    try:
        while (ended := house.find_ended()) is None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
        return 0
    print(f"{ended} ended; its log is {house.log(ended)}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
