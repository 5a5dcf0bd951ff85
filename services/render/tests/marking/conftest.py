"""Pictures, facts and keys for the marking tests; keys are made once per run."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image
from render.domain.verdicts import Candidate, Layers, Verdict, find_cropped, verdict
from render.pipeline.marking.authority import SigningCredentials, make_credentials
from render.pipeline.marking.credentials import Claim
from render.pipeline.marking.examine import Reader, decode, examine
from render.pipeline.marking.fingerprint import KeyedFingerprint
from render.pipeline.marking.mark import Keys, Marked, Marker
from render.pipeline.marking.outline import is_part
from render.pipeline.marking.request import Credit, MarkRequest, Party, Pixels, Source, System
from render.pipeline.marking.watermark import SpreadSpectrum

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
Draw = Callable[[int, int], Pixels]


def _scene(seed: int, side: int) -> Pixels:
    """Draw a soft backdrop, some shapes and grain at 256 px, then enlarge: like our renders."""
    random = np.random.default_rng(seed)
    corners = random.uniform(40, 230, (2, 2, 3)).astype(np.float32)
    scene = cv2.resize(corners, (256, 256), interpolation=cv2.INTER_LINEAR)
    for _ in range(14):
        x, y, across, up = (int(n) for n in random.integers(20, 236, 4))
        colour = tuple(float(c) for c in random.uniform(0, 255, 3))
        cv2.ellipse(scene, ((x, y), (across // 2, up // 2), float(x)), colour, -1, cv2.LINE_AA)
    grainy = scene + random.normal(0, 5, scene.shape)
    small = np.clip(cv2.GaussianBlur(grainy, (0, 0), 0.8), 0, 255).astype(np.uint8)
    large = Image.fromarray(small).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(large)


@pytest.fixture(scope="session")
def scene() -> Draw:
    return _scene


@pytest.fixture(scope="session")
def resave() -> Callable[..., bytes]:
    """Save pixels or a file again as a JPEG, as a phone or a network would."""

    def save(picture: Pixels | bytes, quality: int = 70, scale: float = 1.0) -> bytes:
        pixels = picture if isinstance(picture, np.ndarray) else _decode(picture)
        image = Image.fromarray(pixels)
        size = (round(image.width * scale), round(image.height * scale))
        out = BytesIO()
        image.resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=quality)
        return out.getvalue()

    return save


@pytest.fixture(scope="session")
def pixels_of() -> Callable[[bytes], Pixels]:
    return _decode


def _decode(data: bytes) -> Pixels:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


@pytest.fixture(scope="session")
def signing(tmp_path_factory: pytest.TempPathFactory) -> SigningCredentials:
    folder = tmp_path_factory.mktemp("keys") / "credentials"
    return make_credentials(folder, organization="Sosia", now=datetime.now(UTC))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> SigningCredentials:
    folder = tmp_path_factory.mktemp("keys") / "stranger"
    return make_credentials(folder, organization="Someone else", now=datetime.now(UTC))


@pytest.fixture(scope="session")
def system() -> System:
    return System(name="Sosia mini", version="1.2")


@pytest.fixture(scope="session")
def codec() -> SpreadSpectrum:
    return SpreadSpectrum(b"a key that only tests know")


@pytest.fixture(scope="session")
def keyed() -> KeyedFingerprint:
    return KeyedFingerprint(b"a key that only tests know")


@pytest.fixture(scope="session")
def reader(codec: SpreadSpectrum, keyed: KeyedFingerprint, signing: SigningCredentials) -> Reader:
    return Reader((codec,), keyed, signing.anchors)


@pytest.fixture(scope="session")
def look(reader: Reader) -> Callable[[bytes], Layers]:
    """Examine a file with our keys."""
    return lambda data: examine(data, reader).layers


@pytest.fixture(scope="session")
def request_of() -> Callable[..., MarkRequest]:
    """Make a request; two numbers make two different pictures."""

    def make(number: int = 71_234_567, **changes: object) -> MarkRequest:
        facts: dict[str, object] = {
            "asset_number": number,
            "render_id": f"ren_{number}",
            "license_id": "lic_spring",
            "twin_version_id": "twv_alba_3",
            "consent_receipt_id": "rcp_alba_1",
            "title": "Spring coat, frontal <1>",
            "credits": (Credit("Åsa Öberg", "photographer"), Credit("Émile & Co", "stylist")),
            "licensor": Party("tal_alba", "Alba"),
            "licensee": Party("brd_north", "North & Söhne"),
            "supplier": Party("sosia", "Sosia"),
            "created_at": NOW,
            "license_starts_at": NOW,
            "license_ends_at": NOW + timedelta(days=365),
            "sources": (Source("Capture set", "inputTo", "5e" * 32),),
        }
        return MarkRequest(**{**facts, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def claim() -> Claim:
    return Claim(
        asset_number=7,
        render_id="ren_1",
        license_id="lic_1",
        twin_version_id="twv_1",
        consent_receipt_id="rcp_1",
        credits=(Credit("Åsa", "photographer"),),
        title="A coat",
        created_at=datetime(2026, 11, 24, tzinfo=UTC),
        system=System("sosia", "1"),
        watermark="sosia.spread.3",
        watermark_value=bytes(12),
        fingerprint_name="pdq.1",
        fingerprint=bytes(32),
        person="Alba",
    )


@pytest.fixture(scope="session")
def marker(
    codec: SpreadSpectrum, keyed: KeyedFingerprint, signing: SigningCredentials, system: System
) -> Marker:
    return Marker(Keys(codec, keyed, signing), system)


@pytest.fixture(scope="session")
def marked(marker: Marker, request_of: Callable[..., MarkRequest]) -> Marked:
    """One finished picture, for all tests that only read it."""
    return marker.mark(_scene(1, 1024), request_of())


@pytest.fixture(scope="session")
def other(marker: Marker, request_of: Callable[..., MarkRequest]) -> Marked:
    """A second finished picture."""
    return marker.mark(_scene(2, 1024), request_of(99))


@pytest.fixture(scope="session")
def registry(marked: Marked, other: Marked) -> list[Candidate]:
    """Both finished pictures, as if released."""
    return [candidate(one) for one in (marked, other)]


def candidate(one: Marked) -> Candidate:
    looks = (one.fingerprint, one.keyed_fingerprint, one.sha256, one.outline)
    return Candidate(one.rights, *looks, watermark_by=SpreadSpectrum.name)


@pytest.fixture(scope="session")
def judge(look: Callable[[bytes], Layers], registry: list[Candidate]) -> Callable[[bytes], Verdict]:
    """Say what a file is, as the service does."""

    def judged(data: bytes) -> Verdict:
        layers = look(data)
        cropped = find_cropped(layers, registry)
        if cropped is not None and not is_part(decode(data), cropped.outline):
            cropped = None
        return verdict(layers, registry, cropped)

    return judged
