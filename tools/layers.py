"""Check who imports whom: every service has the same layers, and none imports another.

The contracts are written here and not in a configuration file because they follow from what is
there: a service that appears is held to them without anyone adding it to a list.
"""

import configparser
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sysconfig.get_path("scripts"))
LAYERS = """
    (__main__)
    (app)
    (rpc) : (consumers) : (worker) : (http) : (pages)
    (service)
    (store)
    (domain)
"""
NETWORKS = ("torch", "diffusers", "transformers", "peft", "accelerate")
WITHOUT_NETWORKS = ("kit", "proofs", "vault", "local", "identity", "licensing", "gateway")
FRAMEWORKS = ("sqlalchemy", "asyncpg", "grpc", "nats", "fastapi", "starlette", "obstore")

Contract = Mapping[str, str]


def packages(kind: str, root: Path = ROOT) -> list[str]:
    """Return the importable packages of `libs` or `services`, by name."""
    found = root.glob(f"{kind}/*/src/*/__init__.py")
    return sorted(path.parent.name for path in found)


def contracts(libs: list[str], services: list[str], root: Path = ROOT) -> Iterator[Contract]:
    """Yield what must hold of these packages."""
    for service in services:
        yield {
            "name": f"{service}: one way down",
            "type": "layers",
            "containers": service,
            "layers": LAYERS,
        }
    yield {"name": "services never import each other", "type": "independence"} | {
        "modules": _lines(services)
    }
    above = [name for name in libs if name == "local"]
    below = [name for name in libs if name != "local"]
    yield _forbidden("libraries import no service", below, [*services, *above])
    if above:
        yield _forbidden("local knows services by name only", above, services)
    slim = [name for name in WITHOUT_NETWORKS if name in {*libs, *services}]
    yield _forbidden("no networks where nothing is drawn", slim, NETWORKS)
    answering = [f"{name}.app" for name in services if (_source(root, name) / "app.py").exists()]
    yield _forbidden("answering needs no networks", answering, NETWORKS)
    pipelines = [
        f"{name}.pipeline"
        for kind in ("libs", "services")
        for name in packages(kind, root)
        if (root / kind / name / "src" / name / "pipeline").is_dir()
    ]
    yield _forbidden("pipelines are files in, files out", pipelines, FRAMEWORKS)


def write(path: Path, root: Path = ROOT) -> None:
    """Write the contracts as import-linter reads them."""
    libs, services = packages("libs", root), packages("services", root)
    parser = configparser.ConfigParser()
    parser["importlinter"] = {
        "root_packages": _lines([*libs, *services]),
        "include_external_packages": "True",
    }
    for number, contract in enumerate(contracts(libs, services, root)):
        parser[f"importlinter:contract:{number}"] = dict(contract)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        parser.write(file)


def main() -> int:
    """Check the contracts; what is broken is printed with the way it is imported."""
    path = ROOT / ".cache" / "importlinter.ini"
    write(path)
    cache = ROOT / ".cache" / "importlinter"
    return lint_imports(config_filename=str(path), cache_dir=str(cache), no_logo=True)


def _source(root: Path, service: str) -> Path:
    return root / "services" / service / "src" / service


def _forbidden(name: str, sources: list[str], targets: list[str] | tuple[str, ...]) -> Contract:
    return {
        "name": name,
        "type": "forbidden",
        "source_modules": _lines(sources),
        "forbidden_modules": _lines(targets),
    }


def _lines(names: list[str] | tuple[str, ...]) -> str:
    return "".join(f"\n{name}" for name in names)


if __name__ == "__main__":
    sys.exit(main())
