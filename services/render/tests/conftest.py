"""render as a whole beside real identity, training and licensing, and twins of random weights."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from house import databases, reports
from kit import rpc
from kit.errors import DomainError
from kit.ids import new_id
from kit.objects import Objects
from local.process import free_port
from sosia.identity.v1 import consent_pb2
from sosia.licensing.v1 import licensing_service_pb2, licensing_service_pb2_grpc
from sosia.render.v1 import render_service_pb2, render_service_pb2_grpc
from vault import RemoteKeys, Vault

Adapter = Callable[..., bytes]
_numbers = count(1)
RED_DRESS = {"name": "Ruby", "garment": "dress", "colour": "red"}
JACKET = {"name": "Harbour", "garment": "jacket", "colour": "navy", "pattern": "plaid"}
FACE = {"framing": "face", "pose": "standing", "view": "front", "lighting": "studio soft"}


@pytest.fixture(scope="session")
def adapter_of(tiny_bases: Path) -> Adapter:
    """Make a twin's weights on the base "tiny" from a seed: random, but strong enough to show.

    Its pictures shall look like a packed `face`, if there is one.
    """
    import torch  # noqa: PLC0415 -- only where a test asks for weights
    from imaging.pipeline import adapters, base  # noqa: PLC0415

    @cache
    def make(seed: int, face: str = "") -> bytes:
        folder = tiny_bases / "tiny"
        denoiser = base.load(folder).unet
        adapters.attach(denoiser, "twin", rank=4, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in adapters.weights(denoiser).values():
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.2)
        about = adapters.About(base.digest(folder), 4, "woman", face, 0.4)
        return adapters.dump(denoiser, "twin", about)

    return make


@dataclass
class Stage:
    """render and the services it asks, and what most tests begin with."""

    identity: Any
    app: Any
    settings: Any
    stub: Any
    licensing: Any
    licensing_stub: Any
    training_db: Any
    grant_key: Ed25519PrivateKey
    brand: Any = None
    director: Any = None
    twin: str = ""
    license: Any = None

    async def ask(self, person: Any, method: str, **fields: Any) -> Any:
        """Call render; a command gets a request id of its own unless one is given."""
        kind = getattr(render_service_pb2, f"{method}Request")
        if "request_id" in kind.DESCRIPTOR.fields_by_name:
            fields.setdefault("request_id", f"r{next(_numbers)}")
        with self.identity.as_(person):
            return await rpc.call(getattr(self.stub, method), kind(**fields))

    async def license_ask(self, person: Any, method: str, **fields: Any) -> Any:
        """Call licensing."""
        kind = getattr(licensing_service_pb2, f"{method}Request")
        if "request_id" in kind.DESCRIPTOR.fields_by_name:
            fields.setdefault("request_id", f"l{next(_numbers)}")
        with self.identity.as_(person):
            return await rpc.call(getattr(self.licensing_stub, method), kind(**fields))

    async def refused(self, call: Awaitable[Any], reason: str) -> DomainError:
        """See that a call is refused with a reason; return the error."""
        error: DomainError = await self.identity.refused(call, reason)
        return error

    async def licensed(self, talent: Any, brand: Any, **changed: Any) -> Any:
        """Return a license the talent signed."""
        now = datetime.now(UTC).replace(microsecond=0)
        card = {
            "talent_id": talent.id,
            "day_rate": {"currency_code": "EUR", "amount_minor": 100_000},
            "media": [{"code": "ecommerce", "basis_points": 10_000}],
            "territories": [{"code": "SE", "basis_points": 10_000}],
            "terms": [{"code": "365", "basis_points": 20_000}],
            "exclusivity_bp": 5_000,
            "per_image": {"currency_code": "EUR", "amount_minor": 5_000},
            "crew_pool_bp": 1_000,
            "floor": {"currency_code": "EUR", "amount_minor": 10_000},
        }
        await self.license_ask(talent, "SetRateCard", rate_card=card)
        use = {
            "media": "ecommerce",
            "territories": ["SE"],
            "starts_at": now - timedelta(hours=1),
            "ends_at": now + timedelta(days=30),
            "zone": "Europe/Stockholm",
        }
        terms = {
            "brand_id": brand.id,
            "talent_id": talent.id,
            "purpose": "Autumn in the shop.",
            "uses": [use],
            "category": "outerwear",
            "image_cap": 8,
        }
        quote = (await self.license_ask(brand, "CreateQuote", terms=terms | changed)).quote
        proposed = (await self.license_ask(brand, "ProposeLicense", quote_id=quote.id)).license
        signed = await self.license_ask(
            talent,
            "SignLicense",
            license_id=proposed.id,
            signature=talent.sign(proposed.statement),
        )
        return signed.license

    async def trained(
        self,
        talent: Any,
        adapter: bytes,
        *,
        base: str = "tiny",
        figures: dict[str, Any] | None = None,
        template: bytes = b"",
    ) -> str:
        """Register a twin of a talent as training's worker does; return its id.

        It passes the house's gates unless `figures` say otherwise; an empty dict: unmeasured.
        """
        from training.domain import runs, twins  # noqa: PLC0415
        from training.service import jobs  # noqa: PLC0415
        from training.store import runs as store  # noqa: PLC0415

        order = runs.Order(talent.id, talent.capture_set_id, base, runs.Recipe(10, 4, 0))
        consent = runs.Consent(talent.consent.id, talent.consent.receipt_id)
        async with self.training_db.begin() as tx:
            await store.add(tx, new_id("run"), order, consent, started_by=talent.id)
        queue = jobs.Jobs(self.training_db)
        run = await queue.claim()
        assert run is not None
        twin_id, vault = new_id("twn"), self.vault
        sealed = []
        files = [("adapter.safetensors", adapter), ("sheet.png", b"no sheet")]
        for name, data in [*files, *([("face.f32", template)] if template else [])]:
            key = f"twins/{talent.id}/{twin_id}/{name}"
            sha = await vault.put(key, data, talent_id=talent.id, step=consent_pb2.STEP_TRAINING)
            sealed.append(twins.Sealed(key, sha))
        facts = twins.Facts("0" * 64, "0" * 64, 10, 0.1, 1.0, 10, "all steps were taken")
        told = reports.figures() if figures is None else figures
        measured = jobs.Measured(told, sealed[2] if template else None) if told else None
        near = twins.Likeness(0.4, 0.6, 12, 12)
        result = jobs.Result(twin_id, *sealed[:2], facts, near, measured)
        assert await queue.finish(run, result)
        return twin_id

    @property
    def vault(self) -> Vault:
        """Sealed files, as render's own."""
        return Vault(Objects(self.identity.objects_url), RemoteKeys(self.identity.stub))

    async def campaign(self, **changed: Any) -> Any:
        """Return a campaign of the brand's, with its director and a stylist."""
        fields = {
            "license_id": self.license.id,
            "name": "Autumn",
            "credits": [{"party_id": self.director.id, "role": "creative_director"}],
        }
        return (await self.ask(self.brand, "CreateCampaign", **(fields | changed))).campaign

    async def brief(self, campaign: Any = None, **changed: Any) -> Any:
        """Return a brief of two shots."""
        campaign = campaign or await self.campaign()
        fields = {
            "campaign_id": campaign.id,
            "twin_version_id": self.twin,
            "products": [RED_DRESS, JACKET],
            "shots": [FACE | {"seed": 3}, FACE | {"product": 1, "framing": "full", "seed": 4}],
        }
        return (await self.ask(self.brand, "CreateBrief", **(fields | changed))).brief

    async def started(self, brief: Any = None, **fields: Any) -> list[Any]:
        """Return the queued renders of a brief."""
        brief = brief or await self.brief()
        answer = await self.ask(self.brand, "StartRenders", brief_id=brief.id, **fields)
        return list(answer.renders)

    async def get(self, render: Any) -> Any:
        """Return a render as it is now."""
        return (await self.ask(self.brand, "GetRender", render_id=render.id)).render

    async def drafted(self, **changed: Any) -> Any:
        """Return a render that waits for its review."""
        shots = [FACE | {"seed": 3}]
        (render,) = await self.started(await self.brief(**({"shots": shots} | changed)))
        async with self.worker() as worker:
            assert await worker.once()
        return await self.get(render)

    async def approved(self, **changed: Any) -> Any:
        """Return a render the director approved."""
        render = await self.drafted(**changed)
        call = self.ask(self.director, "ReviewRender", render_id=render.id, approve=True)
        return (await call).render

    async def released(self, **changed: Any) -> Any:
        """Return a render that is out."""
        render = await self.approved(**changed)
        return (await self.ask(self.brand, "ReleaseRender", render_id=render.id)).render

    async def picture(self, person: Any, render: Any, kind: int) -> bytes:
        """Return a file."""
        answer = await self.ask(person, "GetPicture", render_id=render.id, kind=kind)
        content: bytes = answer.content
        return content

    @asynccontextmanager
    async def worker(self, **changed: Any) -> AsyncIterator[Any]:
        """Open a worker; `changed` settings are its own."""
        from render import worker  # noqa: PLC0415 -- brings torch

        own = {"worker_ops_address": f"127.0.0.1:{free_port()}"} | changed
        async with worker.build(self.settings.model_copy(update=own)) as opened:
            yield opened

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what render told, in order."""
        from sqlalchemy import text  # noqa: PLC0415

        async with self.app.db.begin() as tx:
            rows = await tx.execute(text("SELECT type, data FROM outbox ORDER BY number"))
            return [(row.type.rsplit(".", 1)[1], row.data) for row in rows]

    async def execute(self, statement: str, **values: Any) -> Any:
        """Run a statement in render's database."""
        from sqlalchemy import text  # noqa: PLC0415

        async with self.app.db.begin() as tx:
            return await tx.execute(text(statement), values)


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys of grants and watermarks, and the chain of the authority."""
    from render.pipeline.marking.authority import make_credentials  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("secrets")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "grant.pem").write_bytes(private)
    (folder / "grant.pub.pem").write_bytes(public)
    (folder / "watermark.key").write_bytes(bytes(range(32)))
    make_credentials(folder / "authority", organization="Sosia", now=datetime.now(UTC))
    return folder


@pytest.fixture
def revoked(tmp_path: Path) -> Path:
    """A list of revoked certificates with nothing on it."""
    path = tmp_path / "revoked"
    path.write_text("# none\n")
    return path


@pytest_asyncio.fixture
async def open_stage(
    identity: Any,
    postgres: Any,
    nats_url: str,
    database_url: str,
    tiny_bases: Path,
    secrets: Path,
    revoked: Path,
) -> AsyncIterator[Stage]:
    """Every service, open, without a license yet."""
    async with AsyncExitStack() as stack:
        common = {"nats_url": nats_url, "identity_address": identity.address}
        training = await _training(stack, postgres, common, identity, tiny_bases)
        licensing = await _licensing(stack, postgres, common, secrets)
        others = {
            "training_address": f"127.0.0.1:{training.port}",
            "licensing_address": f"127.0.0.1:{licensing.port}",
            "revoked_certificates": str(revoked),
        }
        settings = _settings(database_url, identity, tiny_bases, secrets, common | others)
        from render import app  # noqa: PLC0415

        opened = await stack.enter_async_context(app.build(settings))
        channels = [
            await stack.enter_async_context(rpc.open_channel(f"127.0.0.1:{one.port}"))
            for one in (opened, licensing)
        ]
        key = load_pem_private_key((secrets / "grant.pem").read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        yield Stage(
            identity=identity,
            app=opened,
            settings=settings,
            stub=render_service_pb2_grpc.RenderServiceStub(channels[0]),
            licensing=licensing,
            licensing_stub=licensing_service_pb2_grpc.LicensingServiceStub(channels[1]),
            training_db=training.db,
            grant_key=key,
        )


@pytest_asyncio.fixture
async def stage(open_stage: Stage, adapter_of: Adapter) -> Stage:
    """Every service, a brand licensed by Alba, her twin, and a director."""
    open_stage.brand = await open_stage.identity.party("brand", public_name="North")
    open_stage.director = await open_stage.identity.party("crew", public_name="Dora")
    alba = open_stage.identity.alba
    open_stage.license = await open_stage.licensed(alba, open_stage.brand)
    open_stage.twin = await open_stage.trained(alba, await asyncio.to_thread(adapter_of, 1))
    return open_stage


async def _training(
    stack: AsyncExitStack, postgres: Any, common: dict[str, str], identity: Any, bases: Path
) -> Any:
    from training import app  # noqa: PLC0415
    from training.settings import Settings  # noqa: PLC0415

    settings = Settings(
        database_url=postgres.url(await databases.create_database(postgres, "training")),
        rpc_address="127.0.0.1:0",
        ops_address=f"127.0.0.1:{free_port()}",
        worker_ops_address="127.0.0.1:0",
        objects_url=identity.objects_url,
        bases=bases,
        work=bases / "work",
        **common,
    )
    return await stack.enter_async_context(app.build(settings))


async def _licensing(
    stack: AsyncExitStack, postgres: Any, common: dict[str, str], secrets: Path
) -> Any:
    from licensing import app  # noqa: PLC0415
    from licensing.settings import Settings  # noqa: PLC0415

    settings = Settings(
        database_url=postgres.url(await databases.create_database(postgres, "licensing")),
        rpc_address="127.0.0.1:0",
        ops_address=f"127.0.0.1:{free_port()}",
        grant_key=secrets / "grant.pem",
        **common,
    )
    return await stack.enter_async_context(app.build(settings))


def _settings(
    database_url: str, identity: Any, bases: Path, secrets: Path, addresses: dict[str, str]
) -> Any:
    from render.settings import Settings  # noqa: PLC0415

    return Settings(
        database_url=database_url,
        rpc_address="127.0.0.1:0",
        ops_address=f"127.0.0.1:{free_port()}",
        worker_ops_address="127.0.0.1:0",
        objects_url=identity.objects_url,
        bases=bases,
        grant_public_key=secrets / "grant.pub.pem",
        watermark_key=secrets / "watermark.key",
        authority=secrets / "authority",
        steps=2,
        **addresses,
    )
