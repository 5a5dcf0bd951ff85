"""The witness that goes to the log by itself, and the heads identity gets back from it."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import proofs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from identity import collector, offline
from identity.domain import merkle
from identity.service.heads import Heads
from identity.signing.checkpoints import LogSigner
from identity.signing.cosignatures import Cosigner
from identity.witness import metrics
from identity.witness.fetch import LogClient
from identity.witness.memory import Memory
from identity.witness.server import Witness
from identity.witness.watcher import Seen, Watcher
from kit.errors import FieldInvalid
from kit.ops import serve_asgi
from local.process import free_port
from proofs import VerifierKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LOG = LogSigner("a/log", Ed25519PrivateKey.generate())
KEY = VerifierKey.parse(LOG.verifier_key)
COSIGNER = Cosigner("a/witness", Ed25519PrivateKey.generate())


def head(leaves: list[bytes], since: int, *, signer: LogSigner = LOG) -> dict[str, Any]:
    """Return what GET /v1/log/checkpoint?from_size=SINCE answers for a log of these leaves."""
    nodes: dict[merkle.Node, bytes] = {}
    for index, leaf in enumerate(leaves):
        nodes |= merkle.append(index, merkle.leaf_hash(leaf), nodes)
    size = len(leaves)
    steps = [merkle.root(nodes, one) for one in merkle.consistency(since, size)]
    return {
        "checkpoint": signer.checkpoint(size, merkle.root(nodes, (0, size))),
        "consistency_proof": [base64.b64encode(one).decode() for one in steps],
    }


@asynccontextmanager
async def answering(answer: Callable[[int], Any]) -> AsyncIterator[str]:
    """Serve heads over HTTP; yields the URL."""

    async def checkpoint(request: Request) -> Response:
        try:
            found = answer(int(request.query_params["from_size"]))
            return JSONResponse(await found if asyncio.iscoroutine(found) else found)
        except FieldInvalid:
            return JSONResponse({}, status_code=400)

    address = f"127.0.0.1:{free_port()}"
    async with serve_asgi(Starlette(routes=[Route("/v1/log/checkpoint", checkpoint)]), address):
        yield f"http://{address}/v1/log/checkpoint"


def watcher(folder: Path, url: str, *, key: VerifierKey = KEY) -> tuple[Watcher, Witness]:
    kept = Memory(folder / "head", key, COSIGNER.verifier_key)
    witness = Witness(key, COSIGNER, kept)
    return Watcher(witness, LogClient(url, timeout_s=2), folder / "evidence"), witness


async def test_it_follows_a_log_that_grows(tmp_path: Path) -> None:
    leaves = [b"a", b"b", b"c"]
    async with answering(lambda since: head(leaves, since)) as url:
        watching, witness = watcher(tmp_path, url)
        for more in ([], [b"d"], [], [b"e", b"f", b"g", b"h"]):
            leaves += more
            assert await watching.look() is Seen.FOLLOWS
            assert witness.head.size == len(leaves)
    note = proofs.parse_note((tmp_path / "head").read_text())
    assert note.cosigned_at(COSIGNER.verifier_key)
    assert await watching.look() is Seen.UNREACHED


@pytest.mark.parametrize(
    "other",
    [
        [b"a", b"x", b"c"],
        [b"a", b"x", b"c", b"d"],
        [b"a", b"b"],
        [],
    ],
)
async def test_a_second_history_is_refused_loudly(
    other: list[bytes], tmp_path: Path, capsys: Any
) -> None:
    leaves = [b"a", b"b", b"c"]
    async with answering(lambda since: head(leaves, since)) as url:
        watching, witness = watcher(tmp_path, url)
        assert await watching.look() is Seen.FOLLOWS
        before, cosigned = metrics.SECOND_HISTORIES._value.get(), witness.head
        leaves[:] = other
        assert await watching.look() is Seen.SECOND_HISTORY
        assert metrics.SECOND_HISTORIES._value.get() == before + 1
        assert witness.head == cosigned
        evidence = proofs.parse_note((tmp_path / "evidence").read_text())
        assert evidence.is_signed(KEY)
        assert not evidence.cosigned_at(COSIGNER.verifier_key)
        leaves[:] = [b"a", b"b", b"c", b"d"]
        assert await watching.look() is Seen.FOLLOWS
    assert "SECOND HISTORY" in "".join(capsys.readouterr())


async def test_what_another_log_says_is_no_history(tmp_path: Path) -> None:
    false = LogSigner("a/log", Ed25519PrivateKey.generate())
    other = LogSigner("b/log", Ed25519PrivateKey.generate())
    for signer in (false, other):
        async with answering(lambda since, by=signer: head([b"a"], since, signer=by)) as url:
            watching, witness = watcher(tmp_path, url)
            assert await watching.look() is Seen.NOT_ITS_OWN
            assert witness.head.size == 0


@pytest.mark.parametrize(
    "answer", [{}, [], {"checkpoint": 1}, {"checkpoint": "x"}, {"checkpoint": "x\n\n", "c": []}]
)
async def test_an_answer_that_is_no_head_counts_as_none(answer: Any, tmp_path: Path) -> None:
    async with answering(lambda _: answer) as url:
        assert await watcher(tmp_path, url)[0].look() is Seen.UNREACHED


def pem(folder: Path) -> Path:
    key = Ed25519PrivateKey.generate()
    path = folder / "witness.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


async def test_once_ends_with_what_it_saw(tmp_path: Path) -> None:
    leaves = [b"a", b"b"]
    async with answering(lambda since: head(leaves, since)) as url:
        command = [sys.executable, "-m", "identity.witness", "--once", "--log-url", url]
        command += ["--log-key", str(KEY), "--key", str(pem(tmp_path))]
        command += ["--state", str(tmp_path / "state")]

        async def run() -> int:
            ended = await asyncio.to_thread(subprocess.run, command, capture_output=True)
            return ended.returncode

        assert await run() == Seen.FOLLOWS == 0
        leaves[:] = [b"a", b"y"]
        assert await run() == Seen.SECOND_HISTORY == 3
    assert await run() == Seen.UNREACHED == 1


async def collected(desk: Any, tmp_path: Path) -> Heads:
    """Let a witness look at the log of a desk once, and identity ask the witness."""

    async def answer(since: int) -> dict[str, Any]:
        found = await desk.ask(desk.staff, "GetCheckpoint", from_size=since)
        steps = [base64.b64encode(one).decode() for one in found.consistency_proof]
        return {"checkpoint": found.checkpoint, "consistency_proof": steps}

    said = (await desk.ask(desk.staff, "GetCheckpoint")).verifier_key
    log_key = VerifierKey.parse(said)
    heads = desk.app.heads
    heads.witnesses = (COSIGNER.verifier_key,)
    address = f"127.0.0.1:{free_port()}"
    async with answering(answer) as url:
        watching, witness = watcher(tmp_path, url, key=log_key)
        async with serve_asgi(witness.app(), address):
            assert await asyncio.to_thread(collector.fetch, f"http://{address}", "a") == ""
            assert await watching.look() is Seen.FOLLOWS
            origin = log_key.name
            text = await asyncio.to_thread(collector.fetch, f"http://{address}", origin)
    assert await heads.take(COSIGNER.verifier_key, text)
    return heads


async def test_receipts_are_proven_under_what_a_witness_cosigned(
    desk: Any, tmp_path: Path, capsys: Any
) -> None:
    asking = desk.ask(desk.staff, "GetCheckpoint", cosigned=True)
    await desk.refused(asking, "CHECKPOINT_NOT_COSIGNED")
    talent = await desk.party("talent")
    consent = await desk.consented(talent)
    await collected(desk, tmp_path)
    later = await desk.consented(talent)
    ids = [consent.id, later.id]
    key = (await desk.ask(desk.staff, "GetCheckpoint")).verifier_key
    found = (await desk.ask(talent, "ListReceipts", subject_ids=ids)).receipts
    assert not [proofs.check(receipt, key) for receipt in found if proofs.check(receipt, key)]
    witness = COSIGNER.verifier_key
    cosigned = [proofs.parse_note(one.checkpoint).cosigned_at(witness) for one in found]
    assert cosigned[0]
    assert not cosigned[1]  # the witness has not come by since
    for receipt, code in zip(found, (0, 1), strict=True):
        file = tmp_path / "receipt.json"
        fields = ("statement", "signature", "public_key", "salt")
        written = {name: base64.b64encode(getattr(receipt, name)).decode() for name in fields}
        path = [base64.b64encode(step).decode() for step in receipt.inclusion_proof]
        written |= {"leaf_index": str(receipt.leaf_index), "inclusion_proof": path}
        written |= {name: getattr(receipt, name) for name in ("id", "kind", "subject_id")}
        file.write_text(json.dumps(written | {"checkpoint": receipt.checkpoint}))
        asked = [str(file), "--key", key]
        assert offline.verify_receipt(asked) == 0
        assert offline.verify_receipt([*asked, "--witness-key", str(witness)]) == code
    assert "the witness did not cosign this head" in capsys.readouterr().out
    answer = await desk.ask(desk.staff, "GetCheckpoint", cosigned=True, from_size=1)
    assert list(answer.witness_keys) == [str(witness)]
    assert proofs.parse_note(answer.checkpoint).cosigned_at(witness)


async def test_a_head_the_log_does_not_have_is_never_served(desk: Any, tmp_path: Path) -> None:
    talent = await desk.party("talent")
    await desk.consented(talent)
    heads = await collected(desk, tmp_path)
    signer = LogSigner.load("sosia/identity", tmp_path / "log.pem")
    for leaves in ([b"x"], [b"x"] * 50):
        note = proofs.parse_note(head(leaves, 0, signer=signer)["checkpoint"])
        line = str(COSIGNER.sign(note.text, at=1_900_000_000))
        lines = "".join(str(one) for one in note.signatures)
        forked = f"{note.text}\n{lines}{line}"
        assert not await heads.take(COSIGNER.verifier_key, forked)
    for text in ("", "x", "a\n1\nx\n\n\u2014 a b\n"):
        assert not await heads.take(COSIGNER.verifier_key, text)
    answer = await desk.ask(desk.staff, "GetCheckpoint", cosigned=True)
    assert proofs.parse_head(proofs.parse_note(answer.checkpoint)).size == 1


@pytest.mark.parametrize(
    "said",
    [
        {"x": "http://a"},
        {str(KEY): "http://a"},
        {str(COSIGNER.verifier_key): "ftp://a"},
        {str(COSIGNER.verifier_key): "a"},
    ],
)
def test_a_witness_must_have_a_key_and_a_url(said: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        collector.read_witnesses(said)
