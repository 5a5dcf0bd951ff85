"""The report on a capture set: what it shows and lacks, and whether it is good enough."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from identity.domain import coverage, quality
from identity.domain.captures import CaptureSetInsufficient, Mark, Photo
from identity.domain.coverage import Cell, Shot
from identity.domain.quality import Candidate, Opinion, Vector

MARK_SEEN = 3
"""Photos a mark must be seen in: a network takes what it sees once for dirt on a lens. On eight
sets of forty photos, marks of the face are seen in 20 to 35, those of arms in 0 to 10."""
MOST_NEXT = 5
MOST_NAMED = 10
"""Photos an error names; gRPC carries some 8 KiB of it."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Something lacking, in words."""

    text: str
    required: bool


@dataclass(frozen=True, slots=True)
class Next:
    """What to shoot next, and why."""

    text: str
    reason: str
    required: bool


Gap = tuple[Lack, Next]
"""Something lacking and what to do about it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One photo as it was measured and judged; None: never measured, or no face to compare."""

    photo_id: str
    filename: str
    sharpness: float
    luminance: float | None
    shadows: float | None
    highlights: float | None
    distance: float | None
    faults: tuple[str, ...]
    repeats: str


@dataclass(frozen=True, slots=True)
class Seen:
    """How often a mark is seen, and whether that is too seldom."""

    name: str
    site: str
    seen: int
    wanting: bool


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """What a set shows and lacks.

    Attributes:
        marks_noted: somebody noted on a photo which marks it shows; else nobody knows.
    """

    sufficient: bool
    cells: tuple[Cell, ...]
    lacks: tuple[Lack, ...]
    next: tuple[Next, ...]
    photos: tuple[Judged, ...]
    marks: tuple[Seen, ...]
    marks_noted: bool

    @property
    def usable(self) -> int:
        """Return how many photos count."""
        return sum(not photo.faults for photo in self.photos)

    @property
    def compared(self) -> int:
        """Return of how many photos the face was compared with the others'."""
        return sum(photo.distance is not None for photo in self.photos)

    @property
    def odd(self) -> tuple[Judged, ...]:
        """Return the photos of somebody else."""
        return tuple(photo for photo in self.photos if "another person" in photo.faults)


def judge(
    marks: Sequence[Mark], photos: Sequence[Photo], vectors: Mapping[str, Vector]
) -> CaptureReport:
    """Judge photos, in the order they came; `vectors` by photo id, where a face was found.

    A photo with a fault counts for nothing: what only it shows is lacking.
    """
    opinions = quality.judge([_candidate(photo, vectors.get(photo.id)) for photo in photos])
    judged = tuple(_judged(photo, opinions[photo.id]) for photo in photos)
    good = [photo for photo in photos if not opinions[photo.id].faults]
    facts = [photo.facts for photo in good]
    shots = [Shot(one.framing, one.yaw, one.pitch, one.lighting) for one in facts]
    noted = any(photo.facts.marks for photo in photos)
    seen = _count_marks(marks, good)
    gaps = _find_gaps(judged, shots, sum(one.frontal for one in facts), seen if noted else ())
    return CaptureReport(
        not any(lack.required for lack, _ in gaps),
        coverage.map_cells(shots),
        tuple(lack for lack, _ in gaps),
        tuple(shot for _, shot in gaps[:MOST_NEXT]),
        judged,
        seen,
        noted,
    )


def require_sufficient(report: CaptureReport) -> None:
    """Let a set pass that is good enough.

    Raises:
        CaptureSetInsufficient: it is not; the metadata says what to shoot next, most useful
            first, and which photos show somebody else.
    """
    if report.sufficient:
        return
    required = [lack.text for lack in report.lacks if lack.required]
    told = {"next": "; ".join(one.text for one in report.next)}
    if report.odd:
        names = [f"{one.photo_id} {one.filename}" for one in report.odd[:MOST_NAMED]]
        told["oddOnes"] = "; ".join(names)
    raise CaptureSetInsufficient(
        "; ".join(required), photos=len(report.photos), usable=report.usable, **told
    )


def _candidate(photo: Photo, vector: Vector | None) -> Candidate:
    measures = photo.measures
    return Candidate(
        photo.id,
        coverage.light_of(photo.facts.lighting),
        measures.sharpness,
        measures.luminance,
        measures.highlights,
        photo.perceptual_hash,
        vector,
    )


def _judged(photo: Photo, opinion: Opinion) -> Judged:
    measures = photo.measures
    return Judged(
        photo.id,
        photo.filename,
        measures.sharpness,
        measures.luminance,
        measures.shadows,
        measures.highlights,
        opinion.distance,
        opinion.faults,
        opinion.repeats,
    )


def _count_marks(marks: Sequence[Mark], photos: Sequence[Photo]) -> tuple[Seen, ...]:
    counts = Counter(name for photo in photos for name in {one.name for one in photo.facts.marks})
    return tuple(
        Seen(mark.name, mark.site, counts[mark.name], counts[mark.name] < MARK_SEEN)
        for mark in marks
    )


def _find_gaps(
    judged: Sequence[Judged], shots: Sequence[Shot], frontal: int, marks: Sequence[Seen]
) -> list[Gap]:
    """Return what is lacking and what to do about it, most useful first."""
    holes = [
        (Lack(hole.text, hole.required), Next(hole.shot, hole.reason, hole.required))
        for hole in coverage.find_holes(shots)
    ]
    found = [*_gaps_of_person(judged), *holes, *_gaps_of_number(len(shots), frontal)]
    for mark in marks:
        if mark.wanting:
            where = f"the {mark.name} on her {mark.site}"
            text = f"{where} is seen in {mark.seen} photos, {MARK_SEEN} are wanted"
            shot = Next(f"{where}, uncovered and near", "by it she is known", False)
            found.append((Lack(text, False), shot))
    return sorted(found, key=lambda gap: not gap[0].required)


def _gaps_of_person(judged: Sequence[Judged]) -> Iterator[Gap]:
    odd = [photo for photo in judged if "another person" in photo.faults]
    if odd:
        names = ", ".join(photo.filename for photo in odd[:MOST_NAMED])
        names += f" and {len(odd) - MOST_NAMED} more" if len(odd) > MOST_NAMED else ""
        show = "1 photo shows" if len(odd) == 1 else f"{len(odd)} photos show"
        yield (
            Lack(f"{show} another person: {names}", True),
            Next(f"the set without {names}", "another's face would enter her twin", True),
        )
    if judged and all(photo.distance is None for photo in judged):
        yield (
            Lack("too few faces to tell whether all photos show one person", True),
            Next("close-ups of the face from the front", "they tell one person best", True),
        )


def _gaps_of_number(photos: int, frontal: int) -> Iterator[Gap]:
    counts = (
        (photos, coverage.LEAST_PHOTOS, "photos that count", "photos of any view"),
        (frontal, coverage.LEAST_FRONTAL, "close-ups from the front", "close-ups from the front"),
    )
    for there, least, what, more in counts:
        if there < least:
            yield (
                Lack(f"{there} {what}, at least {least}", True),
                Next(f"{least - there} more {more}", "fewer teach no likeness", True),
            )
