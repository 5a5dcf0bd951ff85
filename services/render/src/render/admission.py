"""The door to the weights: grant, license, fidelity, consent, before anything is loaded."""

from dataclasses import dataclass, field

from kit.objects import ObjectBroken
from sosia.identity.v1 import consent_pb2
from vault import Vault

from render.clients import Licensing, Training, as_render
from render.domain import licenses
from render.domain.grants import Claims, GrantExpired, GrantInvalid, Wanted
from render.domain.licenses import License, Twin
from render.domain.renders import Task
from render.grants import GrantReader
from render.service.jobs import Jobs


class TwinBroken(ValueError):
    """The twin's weights are not there, or not what was stored."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A render that may be made: its license, its twin, and the twin's weights in the clear."""

    task: Task
    license: License
    twin: Twin
    adapter: bytes = field(repr=False)
    template: bytes = field(repr=False)
    """Who she is, 128 little-endian float32; empty where nobody knows."""


class Gate:
    """Lets renders in whose grant, license, fidelity and consent all hold now."""

    def __init__(
        self,
        reader: GrantReader,
        jobs: Jobs,
        training: Training,
        licensing: Licensing,
        vault: Vault,
    ) -> None:
        self._reader = reader
        self._jobs = jobs
        self._training = training
        self._licensing = licensing
        self._vault = vault

    async def admit(self, task: Task, opened: dict[str, bytes]) -> Admitted:
        """Check a render and open its twin's weights.

        Args:
            task: the render.
            opened: weights that others of the batch opened, by twin, and templates, by key;
                added to.

        Raises:
            GrantInvalid: before anybody was asked or anything was read.
            LicenseNotActive, LicenseExpired, TwinBelowBar: and what the other services say.
            TwinBroken: the weights are not what training stored.
        """
        await self._check_grant(task)
        license = await self._licensing.get_license(task.render.license_id)
        licenses.check_live(license, now=await self._jobs.now())
        twin = await self._training.get_twin(task.render.twin_version_id)
        if twin.talent_id != license.talent_id:
            raise GrantInvalid("the twin is not of the license's talent")
        licenses.check_fidelity(twin)
        if twin.id not in opened:
            told = twin.fidelity
            opened[twin.id] = await self._open(twin, twin.adapter_object_key, twin.adapter_sha256)
            opened[told.template_object_key] = await self._open(
                twin, told.template_object_key, told.template_sha256
            )
        template = opened[twin.fidelity.template_object_key]
        return Admitted(task, license, twin, opened[twin.id], template)

    async def _check_grant(self, task: Task) -> None:
        try:
            await self._jobs.admit(task, self._reader.read(task.grant))
        except GrantExpired:
            await self._jobs.admit(task, await self._ask_anew(task))

    async def _ask_anew(self, task: Task) -> Claims:
        """Ask for a grant for this one render; licensing looks at license and consent again."""
        render = task.render
        wanted = Wanted(render.license_id, render.twin_version_id, task.brief_sha256)
        request_id = f"render:{render.id}:{render.attempt}"
        with as_render():
            return self._reader.read(await self._licensing.issue_grant(request_id, wanted, 1))

    async def _open(self, twin: Twin, object_key: str, sha256: str) -> bytes:
        if not object_key:
            return b""
        try:
            return await self._vault.get(
                object_key,
                sha256=sha256,
                step=consent_pb2.STEP_RENDERING,
            )
        except (ObjectBroken, FileNotFoundError) as error:
            raise TwinBroken(f"twin {twin.id} is not what was stored") from error
