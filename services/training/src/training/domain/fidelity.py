"""Whether a twin version is good enough: its figures, the house's bars, the talent's own word."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from kit.errors import FailedPrecondition, NotFound

DEFAULT_IDENTITY = 0.95
DEFAULT_SEPARATION = 0.0


class FidelityNotFound(NotFound):
    """The version was never measured."""

    reason = "FIDELITY_NOT_FOUND"


class FidelityPassed(FailedPrecondition):
    """The version passes by itself; there is nothing to accept."""

    reason = "FIDELITY_PASSED"


class FidelityAccepted(FailedPrecondition):
    """She accepted the version before."""

    reason = "FIDELITY_ACCEPTED"


class State(StrEnum):
    """Whether a version may be rendered for a license."""

    UNMEASURED = "unmeasured"
    PASSED = "passed"
    FAILED = "failed"
    ACCEPTED = "accepted"
    """It is below a bar, and the talent signed that she knows the figures and accepts it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a version must reach.

    Attributes:
        family: of bases, by the first part of their name; "" for every other.
        identity: least share of renders within the 1 % false-accept threshold, 0 to 1.
        separation: largest share of renders nearer to somebody else, 0 to 1.
        reason: why it is not the house's own bar; "" for that.
    """

    family: str = ""
    identity: float = DEFAULT_IDENTITY
    separation: float = DEFAULT_SEPARATION
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """The house's bars: one for all families but those named."""

    default: Bar = field(default_factory=Bar)
    families: Mapping[str, Bar] = field(default_factory=dict)

    def of(self, base: str) -> Bar:
        """Return the bar of a base, by the part of its name before the first dash."""
        return self.families.get(base.partition("-")[0], self.default)


@dataclass(frozen=True, slots=True)
class Gate:
    """One figure against its bar; `at_least` says which side is right."""

    name: str
    figure: float
    bar: float
    at_least: bool

    @property
    def holds(self) -> bool:
        """Tell whether the figure is on the right side; on the bar is enough."""
        return self.figure >= self.bar if self.at_least else self.figure <= self.bar


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The talent's signed word that she accepts a version below the bar."""

    statement: bytes
    signature: bytes
    public_key: bytes
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured of a version.

    Attributes:
        figures: as the pipeline told them, JSON.
        template_object_key, template_sha256: the sealed mean of her held-out photos.
    """

    twin_version_id: str
    talent_id: str
    figures: Mapping[str, Any]
    template_object_key: str
    template_sha256: str
    measured_at: datetime
    acceptance: Acceptance | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a version may be rendered, and by which gates."""

    state: State
    gates: tuple[Gate, ...] = ()
    bar: Bar = field(default_factory=Bar)

    @property
    def failed(self) -> Gate | None:
        """Return the first gate that does not hold."""
        return next((gate for gate in self.gates if not gate.holds), None)


def gates(figures: Mapping[str, Any], bar: Bar) -> tuple[Gate, ...]:
    """Return the figures that gate a version, against a bar.

    Nobody seen is nobody separated: without a face in any render the second gate fails too.
    """
    apart = figures["separation"]
    renders = int(apart["renders"])
    nearer = int(apart["nearer"]) / renders if renders else 1.0
    return (
        Gate("identity", float(figures["identity"]["share"]), bar.identity, at_least=True),
        Gate("separation", nearer, bar.separation, at_least=False),
    )


def judge(report: Report | None, bar: Bar) -> Verdict:
    """Say whether a version may be rendered: by its figures, or by the talent's own word."""
    if report is None:
        return Verdict(State.UNMEASURED, bar=bar)
    found = gates(report.figures, bar)
    if all(gate.holds for gate in found):
        return Verdict(State.PASSED, found, bar)
    state = State.FAILED if report.acceptance is None else State.ACCEPTED
    return Verdict(state, found, bar)


def say_acceptance(report: Report, verdict: Verdict) -> dict[str, Any]:
    """Return what she signs: the version, every gate's figure and bar, and that she knows."""
    return {
        "type": "sosia.fidelity-acceptance/1",
        "twin_version_id": report.twin_version_id,
        "talent_id": report.talent_id,
        "measured_at": report.measured_at.isoformat().replace("+00:00", "Z"),
        "figures": {
            gate.name: {"figure": f"{gate.figure:.4f}", "bar": f"{gate.bar:.4f}"}
            for gate in verdict.gates
        },
        "mean_distance": f"{float(report.figures['identity']['mean']):.4f}",
        "marks_recall": f"{float(report.figures['marks']['recall']):.4f}",
        "decision": "accept below the bar",
    }


def check_acceptable(verdict: Verdict) -> None:
    """Check that there is something to accept.

    Raises:
        FidelityNotFound, FidelityPassed, FidelityAccepted: in this order.
    """
    if verdict.state is State.UNMEASURED:
        raise FidelityNotFound("the version was never measured")
    if verdict.state is State.PASSED:
        raise FidelityPassed("the version passes every gate")
    if verdict.state is State.ACCEPTED:
        raise FidelityAccepted("the version was accepted before")


def read_bars(told: Mapping[str, Any]) -> Bars:
    """Read the house's table.

    Raises:
        ValueError: a bar that is no share, or a family's without a reason.
    """
    families = {name: _bar(name, row) for name, row in told.get("families", {}).items()}
    for bar in families.values():
        if not bar.reason:
            raise ValueError(f"the bar of {bar.family} needs a reason")
    return Bars(_bar("", told.get("default", {})), families)


def _bar(family: str, row: Mapping[str, Any]) -> Bar:
    bar = Bar(
        family,
        float(row.get("identity", DEFAULT_IDENTITY)),
        float(row.get("separation", DEFAULT_SEPARATION)),
        str(row.get("reason", "")),
    )
    if not (0 <= bar.identity <= 1 and 0 <= bar.separation <= 1):
        raise ValueError(f"the bars of {family or 'the house'} must be shares from 0 to 1")
    return bar
