"""deploy/docker/slim.txt and gpu.txt: which of the pinned packages each image needs.

They follow from the imports: what a service's `__main__` and `app` reach, however far, goes into
the slim image; what a worker reaches beyond that goes into the gpu image. Whatever else is pinned
(linters, test tools, embedded servers) goes into neither.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import grimp
from layers import NETWORKS, packages
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = {"sqlalchemy": ["asyncio"]}
GENERATED = {"protobuf", "googleapis-common-protos", "grpcio"}
"""What the Python in gen/ imports."""
UNSEEN = {"python-multipart", "tzdata"}
"""What no import shows: Starlette reads forms with the one, zoneinfo zones from the other."""
SEPARATE = {"torch", "setuptools"}
"""torch is pinned in requirements-torch.txt; what it needs of CUDA in requirements-cuda.txt."""
_BY_NAME = re.compile(r"(?:find_spec|resources\.files)\(\"(\w+)\"\)")


def generate(out: Path) -> None:
    """Write both lists under `out`, which stands for the root of the repository."""
    houses = [*packages("libs"), *packages("services")]
    graph = grimp.build_graph(*houses, include_external_packages=True, cache_dir=None)
    services = packages("services")
    slim = needed(graph, [f"{name}.{part}" for name in services for part in ("__main__", "app")])
    workers = [f"{name}.worker" for name in services if f"{name}.worker" in graph.modules]
    gpu = needed(graph, [*workers, *(name for name in graph.modules if ".pipeline." in name)])
    if dragged := slim & set(NETWORKS):
        raise ValueError(f"the slim image would need {', '.join(sorted(dragged))}")
    folder = out / "deploy/docker"
    folder.mkdir(parents=True, exist_ok=True)
    for name, chosen in (("slim.txt", slim), ("gpu.txt", gpu - slim - SEPARATE)):
        (folder / name).write_text("".join(f"{package}\n" for package in sorted(chosen)))


def needed(graph: grimp.ImportGraph, modules: Iterable[str]) -> set[str]:
    """Return every package that these modules reach, by its canonical name."""
    reached = set(modules)
    for module in list(reached):
        reached |= graph.find_upstream_modules(module)
    outside = {name for name in reached if graph.is_module_squashed(name)}
    own = reached - outside
    outside |= {name for module in own for name in _named(module)}
    wanted = {package for name in outside for package in _packages_of(name)}
    return closure(wanted | GENERATED | UNSEEN)


def closure(wanted: Iterable[str]) -> set[str]:
    """Return the packages and all that they require here."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = str(canonicalize_name(waiting.pop()))
        if name in found:
            continue
        found.add(name)
        extras = EXTRAS.get(name, [""])
        for line in metadata.requires(name) or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(requirement.name)
    return found


def _named(module: str) -> Iterator[str]:
    """Yield the packages a module opens files of, which it names but does not import."""
    path = module.replace(".", "/")
    for base in ROOT.glob("*/*/src"):
        for file in (base / f"{path}.py", base / path / "__init__.py"):
            if file.is_file():
                yield from _BY_NAME.findall(file.read_text())


def _packages_of(module: str) -> set[str]:
    """Return the packages a top-level module comes from; none for the standard library's."""
    return set() if module in {"google", "sosia"} else _owners().get(module, set())


@cache
def _owners() -> dict[str, set[str]]:
    """Return the packages by the names at the top of what they install."""
    owners: dict[str, set[str]] = {}
    for found in metadata.distributions():
        name = str(found.metadata["Name"])
        for top in {file.parts[0].partition(".")[0] for file in found.files or ()}:
            owners.setdefault(top, set()).add(name)
    return owners


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
