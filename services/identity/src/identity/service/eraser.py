"""The way of an erasure: frozen, key destroyed, everything tried, deleted, certified.

The key goes before the objects, so that every one of them can be tried with what the key store
has left: what does not open here opens from no backup either.
"""

from collections.abc import Awaitable, Callable, Mapping

from kit.db import GONE
from kit.objects import ObjectBroken
from kit.ops import log
from vault import CAPTURES, FOLDERS, Vault

from identity.domain.erasures import Seen, State, StillReadable, Word
from identity.domain.keys import PersonKeyDestroyed, WrappedKeyInvalid
from identity.keystore import KeyStore
from identity.service.commands import Command
from identity.service.erasures import Erasures

_ROUNDS = 5


class Eraser:
    """Erases people. Every step may be repeated; what a kill interrupts, a repeat finishes."""

    def __init__(self, erasures: Erasures, keys: KeyStore, vault: Vault) -> None:
        self._erasures = erasures
        self._keys = keys
        self._vault = vault
        self._next: Mapping[State, Callable[[str], Awaitable[None]]] = {
            State.FROZEN: self._destroy_key,
            State.KEY_DESTROYED: self._try_all,
            State.TRIED: self._delete_all,
            State.DELETED: self._certify,
        }

    async def look(self, talent_id: str) -> Seen:
        """Return what there is of her, and her erasure if she asked for it.

        Errors: as `Erasures.look`.
        """
        await self._erasures.look(talent_id, {})  # before anything is listed: who asks?
        objects = {one: len(await self._vault.find(talent_id, one)) for one in FOLDERS}
        return await self._erasures.look(talent_id, objects)

    async def erase(self, command: Command, talent_id: str, signature: bytes) -> None:
        """Erase a person by her own signature. Errors: as `Erasures.freeze`."""
        await self._erasures.freeze(command, talent_id, signature)
        await self.finish(talent_id)

    async def finish(self, talent_id: str) -> None:
        """Take an erasure that was begun to its end, one step after another.

        Raises:
            StillReadable: something of her opens; nothing is certified then.
        """
        for _ in State:
            state = (await self._erasures.get(talent_id)).state
            if state is State.CERTIFIED:
                return
            log.info("erasing", talent_id=talent_id, state=str(state))
            await self._next[state](talent_id)

    async def resume(self) -> None:
        """Finish what an earlier process began; what cannot be finished is logged, for a person.

        A database restored from before an erasure knows nothing of it. The key store does, and
        her word lies there: it is heard again.
        """
        for talent_id, word in (await self._keys.find_destroyed()).items():
            if not await self._erasures.freeze_again(talent_id, Word.load(word)):
                log.warning("a key was destroyed on no word of hers", talent_id=talent_id)
        for talent_id in await self._erasures.find_unfinished():
            try:
                await self.finish(talent_id)
            except (StillReadable, OSError, *GONE):
                log.exception("an erasure is not finished", talent_id=talent_id)

    async def _destroy_key(self, talent_id: str) -> None:
        erasure = await self._erasures.get(talent_id)
        await self._keys.destroy(talent_id, Word(erasure.statement, erasure.signature).dump())
        await self._erasures.note_key_destroyed(talent_id)

    async def _try_all(self, talent_id: str) -> None:
        tried = {folder: await self._try(talent_id, folder) for folder in FOLDERS}
        await self._erasures.note_tried(talent_id, tried)

    async def _try(self, talent_id: str, folder: str) -> list[str]:
        """Try to open each object of a folder; return the keys of those that lay there.

        Raises:
            StillReadable: one opened, or is not sealed at all.
        """
        tried = []
        for object_key in await self._vault.find(talent_id, folder):
            try:
                sealed = await self._vault.take_apart(object_key)
                await self._keys.unwrap(sealed.talent_id, sealed.wrapped)
            except FileNotFoundError:
                continue  # its owner deleted it just now
            except ObjectBroken as error:
                raise StillReadable(f"{object_key} is not sealed") from error
            except (PersonKeyDestroyed, WrappedKeyInvalid):
                tried.append(object_key)
                continue
            raise StillReadable(f"the key of {object_key} can still be unwrapped")
        return tried

    async def _delete_all(self, talent_id: str) -> None:
        await self._delete(talent_id)
        await self._erasures.scrub(talent_id)

    async def _certify(self, talent_id: str) -> None:
        await self._delete(talent_id)  # once more: a photo on its way when the rows were held
        await self._erasures.certify(talent_id)

    async def _delete(self, talent_id: str) -> None:
        """Delete identity's own objects of a person until none lies there.

        Raises:
            OSError: they come faster than they go, or the store refuses.
        """
        for _ in range(_ROUNDS):
            found = await self._vault.find(talent_id, CAPTURES)
            await self._vault.clear(f"{CAPTURES}/{talent_id}")
            if not found:
                return
        raise OSError(f"objects of {talent_id} are still being written")
