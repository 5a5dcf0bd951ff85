"""Receipts and the transparency log."""

import secrets
from collections.abc import Sequence

from kit import db, outbox, trace
from kit.db import Database, Tx
from kit.errors import FieldInvalid
from sosia.identity.v1 import events_pb2

from identity.domain import merkle, tiles
from identity.domain.receipts import Agreed, Proven, Receipt, ReceiptNotFound, commitment
from identity.service import access
from identity.service.heads import Heads
from identity.signing.checkpoints import LogSigner
from identity.store import log as store

_MOST_SUBJECTS = 100


async def issue(tx: Tx, receipt_id: str, agreed: Agreed) -> Receipt:
    """Make a receipt and its leaf of the log; both are there if `tx` commits.

    Appends take turns from here to the end of the transaction, so do this last.
    """
    size = await store.lock_head(tx)
    receipt = Receipt(receipt_id, agreed, secrets.token_bytes(32), size, await db.now(tx))
    leaf = merkle.leaf_hash(commitment(agreed, receipt.salt))
    nodes = await store.read_nodes(tx, merkle.edge(size))
    await store.grow(tx, size + 1, merkle.append(size, leaf, nodes))
    await store.add(tx, receipt)
    event = events_pb2.ReceiptIssued(
        receipt_id=receipt_id,
        kind=str(agreed.kind),
        subject_id=agreed.subject_id,
        leaf_index=size,
    )
    await outbox.publish(tx, event)
    return receipt


class Receipts:
    """What was agreed, and the proof of it."""

    def __init__(self, database: Database, signer: LogSigner, heads: Heads) -> None:
        self._db = database
        self._signer = signer
        self._heads = heads

    async def get(self, receipt_id: str) -> Proven:
        """Return a receipt with a fresh proof.

        Raises:
            ReceiptNotFound: none, or none the caller may know of.
        """
        async with self._db.begin() as tx:
            seen = await self._seen(tx, [await store.get(tx, receipt_id)])
            if not seen:
                raise ReceiptNotFound("there is no such receipt")
            return (await self._prove(tx, seen))[0]

    async def find(self, subject_ids: Sequence[str]) -> list[Proven]:
        """Return the receipts about any of some ids that the caller may know of, oldest first."""
        if len(subject_ids) > _MOST_SUBJECTS:
            raise FieldInvalid("subject_ids", f"must be at most {_MOST_SUBJECTS}")
        for index, subject_id in enumerate(subject_ids):
            if not subject_id.isalnum() and not subject_id.replace("_", "").isalnum():
                raise FieldInvalid(f"subject_ids[{index}]", "must be an id")
        async with self._db.begin() as tx:
            seen = await self._seen(tx, await store.find(tx, subject_ids))
            return await self._prove(tx, seen)

    async def checkpoint(
        self, from_size: int, *, cosigned: bool = False
    ) -> tuple[str, list[bytes]]:
        """Return the signed head of the log, and the proof that it grew from an older head.

        Raises:
            CheckpointNotCosigned: `cosigned` is asked for, and no witness has cosigned one.
        """
        async with self._db.begin() as tx:
            size, head = await store.read_size(tx), ""
            if cosigned:
                size, head = await self._heads.require(tx)
            proof = merkle.consistency(from_size, size)
            nodes = await store.read_nodes(tx, merkle.needed([*proof, (0, size)]))
            hashes = [merkle.root(nodes, leaves) for leaves in proof]
            head = head or self._signer.checkpoint(size, merkle.root(nodes, (0, size)))
            return head, hashes

    async def tile(self, path: str) -> bytes:
        """Return a piece of the log for whoever reads all of it; it never changes.

        Raises:
            FieldInvalid: the path is not one of a tile.
            TileNotFound: the log does not reach so far.
        """
        tile = tiles.parse(path)
        async with self._db.begin() as tx:
            tiles.check_there(tile, await store.read_size(tx))
            if tile.level is None:
                return tiles.bundle(await store.read_commitments(tx, tile.start, tile.width))
            return b"".join(await store.read_hashes(tx, tile.height, tile.start, tile.width))

    @property
    def verifier_key(self) -> str:
        """The key checkpoints verify with, as C2SP writes it."""
        return self._signer.verifier_key

    async def _seen(self, tx: Tx, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Leave out what the caller may not know of."""
        actor, now = trace.actor(), await db.now(tx)
        licenses = {one.agreed.license_id for one in receipts if one.agreed.license_id}
        mine = await store.find_licenses_of(tx, licenses, actor.party_id)
        near = {
            talent_id: await access.is_near(tx, talent_id, now=now)
            for talent_id in {one.agreed.talent_id for one in receipts}
        }
        return [
            one
            for one in receipts
            if near[one.agreed.talent_id]
            or actor.party_id in one.agreed.party_ids
            or one.agreed.license_id in mine
        ]

    @property
    def witness_keys(self) -> list[str]:
        """The keys of the witnesses whose cosignatures are collected, as C2SP writes them."""
        return [str(one) for one in self._heads.witnesses]

    async def _prove(self, tx: Tx, receipts: Sequence[Receipt]) -> list[Proven]:
        """Prove receipts, each under a head that a witness cosigned where one covers it."""
        size = await store.read_size(tx)
        found = await self._heads.find(tx)
        seen, cosigned = (0, "") if found is None else found
        proven = {
            one.receipt.id: one
            for covered, at, head in ((True, seen, cosigned), (False, size, ""))
            for one in await self._prove_under(
                tx, [one for one in receipts if (one.leaf_index < seen) is covered], at, head
            )
        }
        return [proven[one.id] for one in receipts]

    async def _prove_under(
        self, tx: Tx, receipts: Sequence[Receipt], size: int, head: str
    ) -> list[Proven]:
        """Prove receipts under the head of that size, signed afresh where it is not given."""
        if not receipts:
            return []
        paths = [merkle.inclusion(one.leaf_index, size) for one in receipts]
        ranges = [leaves for path in paths for leaves in path]
        nodes = await store.read_nodes(tx, merkle.needed([*ranges, (0, size)]))
        head = head or self._signer.checkpoint(size, merkle.root(nodes, (0, size)))
        return [
            Proven(one, tuple(merkle.root(nodes, leaves) for leaves in path), head)
            for one, path in zip(receipts, paths, strict=True)
        ]
