"""Lint the Helm chart, render it, and hold every manifest against Kubernetes' own schemas."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import helm
import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "deploy" / "helm" / "sosia"
VERSIONS = ("1.28.0", "1.37.0")
"""The oldest Kubernetes the chart says it runs on, and the newest whose schemas are at hand."""

Manifest = dict[str, Any]


class Refused(ValueError):
    """Helm refused: the message is what it said."""


def render(*options: str) -> list[Manifest]:
    """Return what `helm template` makes of the chart as release "sosia".

    Raises:
        Refused: the values break the chart's schema.
    """
    made = _helm("template", "sosia", str(CHART), *options)
    return [manifest for manifest in yaml.safe_load_all(made) if manifest]


def validate(manifests: list[Manifest]) -> list[str]:
    """Return what is wrong with the manifests; a field no schema knows is wrong too."""
    found = []
    for version in VERSIONS:
        for manifest in manifests:
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                name = f"{manifest['kind']} {manifest['metadata']['name']}"
                found.append(f"{name}, Kubernetes {version}: {error.message}")
    return found


def main() -> int:
    """Lint, render and validate; print what is wrong."""
    try:
        _helm("lint", "--strict", "--quiet", str(CHART))
        found = validate(render())
    except Refused as error:
        found = [str(error)]
    print("".join(f"{line}\n" for line in found), end="")
    return 1 if found else 0


def _helm(*arguments: str) -> str:
    command = [str(helm.program()), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Refused(done.stdout + done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
