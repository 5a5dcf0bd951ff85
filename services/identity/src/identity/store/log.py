"""Receipts, and the Merkle tree over them."""

from collections.abc import Iterable, Sequence
from typing import Any

from kit.db import Tx
from kit.fields import is_id
from sqlalchemy import Row, func, insert, select, tuple_, update

from identity.domain.merkle import Node
from identity.domain.receipts import Agreed, Kind, Receipt, ReceiptNotFound
from identity.store.tables import log_head, log_nodes, receipts


async def lock_head(tx: Tx) -> int:
    """Return how many leaves the log has; nobody else appends until the transaction ends."""
    return int((await tx.execute(select(log_head.c.size).with_for_update())).scalar_one())


async def read_size(tx: Tx) -> int:
    """Return how many leaves the log has."""
    return int((await tx.execute(select(log_head.c.size))).scalar_one())


async def grow(tx: Tx, size: int, nodes: dict[Node, bytes]) -> None:
    """Store the nodes a leaf completed, and the log's new size."""
    rows = [{"level": n[0], "position": n[1], "hash": nodes[n]} for n in nodes]
    await tx.execute(insert(log_nodes), rows)
    await tx.execute(update(log_head).values(size=size))


async def read_nodes(tx: Tx, wanted: Iterable[Node]) -> dict[Node, bytes]:
    """Return the hashes of some nodes."""
    keys = list(wanted)
    if not keys:
        return {}
    here = tuple_(log_nodes.c.level, log_nodes.c.position)
    rows = (await tx.execute(select(log_nodes).where(here.in_(keys)))).all()
    return {(row.level, row.position): row.hash for row in rows}


async def read_hashes(tx: Tx, level: int, start: int, count: int) -> list[bytes]:
    """Return the hashes of some neighbouring nodes of a level, left to right."""
    here = log_nodes.c.position.between(start, start + count - 1)
    query = select(log_nodes.c.hash).where(log_nodes.c.level == level, here)
    return list((await tx.execute(query.order_by(log_nodes.c.position))).scalars())


async def read_commitments(tx: Tx, start: int, count: int) -> list[bytes]:
    """Return what some neighbouring leaves hold, as `domain.receipts.commitment` says."""
    said = receipts.c.statement.concat(receipts.c.signature).concat(receipts.c.public_key)
    here = receipts.c.leaf_index.between(start, start + count - 1)
    query = (
        select(func.sha256(receipts.c.salt.concat(said)))
        .where(here)
        .order_by(receipts.c.leaf_index)
    )
    return list((await tx.execute(query)).scalars())


async def add(tx: Tx, receipt: Receipt) -> None:
    """Store a receipt."""
    agreed = receipt.agreed
    row = {
        "id": receipt.id,
        "kind": str(agreed.kind),
        "subject_id": agreed.subject_id,
        "talent_id": agreed.talent_id,
        "license_id": agreed.license_id,
        "party_ids": list(agreed.party_ids),
        "statement": agreed.statement,
        "signature": agreed.signature,
        "public_key": agreed.public_key,
        "salt": receipt.salt,
        "leaf_index": receipt.leaf_index,
        "issued_at": receipt.issued_at,
    }
    await tx.execute(insert(receipts).values(row))


async def has(tx: Tx, agreed: Agreed) -> bool:
    """Tell whether there is a receipt of just that already."""
    query = select(func.count()).where(
        receipts.c.kind == str(agreed.kind),
        receipts.c.subject_id == agreed.subject_id,
        receipts.c.statement == agreed.statement,
    )
    return bool((await tx.execute(query)).scalar_one())


async def get(tx: Tx, receipt_id: str) -> Receipt:
    """Return a receipt.

    Raises:
        ReceiptNotFound: there is none with that id.
    """
    row = None
    if is_id("rcp", receipt_id):
        query = select(receipts).where(receipts.c.id == receipt_id)
        row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise ReceiptNotFound("there is no such receipt")
    return _receipt(row)


async def find(tx: Tx, subject_ids: Sequence[str]) -> list[Receipt]:
    """Return the receipts about any of some ids, oldest first."""
    query = select(receipts).where(receipts.c.subject_id.in_(subject_ids))
    rows = (await tx.execute(query.order_by(receipts.c.leaf_index))).all()
    return [_receipt(row) for row in rows]


async def find_licenses_of(tx: Tx, license_ids: Iterable[str], party_id: str) -> set[str]:
    """Return those of some licenses of which a receipt names the party."""
    query = select(receipts.c.subject_id).where(
        receipts.c.subject_id.in_(list(license_ids)), receipts.c.party_ids.contains([party_id])
    )
    return set((await tx.execute(query)).scalars())


def _receipt(row: Row[Any]) -> Receipt:
    agreed = Agreed(
        Kind(row.kind),
        row.subject_id,
        row.talent_id,
        row.statement,
        row.signature,
        row.public_key,
        tuple(row.party_ids),
        row.license_id,
    )
    return Receipt(row.id, agreed, row.salt, row.leaf_index, row.issued_at)
