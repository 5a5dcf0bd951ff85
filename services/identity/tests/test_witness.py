"""The witness: it cosigns what only grew, and no second history."""

import asyncio
import base64
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import proofs
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from identity import offline
from identity.domain import merkle
from identity.signing.checkpoints import LogSigner
from identity.signing.cosignatures import Cosigner
from identity.witness import memory, protocol
from identity.witness.memory import Memory, StateBroken
from identity.witness.server import Witness
from local.process import free_port
from proofs import VerifierKey

LOG = LogSigner("a/log", Ed25519PrivateKey.generate())
KEY = VerifierKey.parse(LOG.verifier_key)
COSIGNER = Cosigner("a/witness", Ed25519PrivateKey.generate())
LEAVES = [b"%d" % number for number in range(40)]
AT = 1_900_000_000


def body(
    leaves: list[bytes], since: int, *, signer: LogSigner = LOG, proof: list[bytes] | None = None
) -> bytes:
    """Return what a log with these leaves submits to a witness that saw `since` of them."""
    nodes: dict[merkle.Node, bytes] = {}
    for index, leaf in enumerate(leaves):
        nodes |= merkle.append(index, merkle.leaf_hash(leaf), nodes)
    size = len(leaves)
    if proof is None:
        proof = [merkle.root(nodes, one) for one in merkle.consistency(since, size)]
    lines = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
    return (
        f"old {since}\n{lines}\n{signer.checkpoint(size, merkle.root(nodes, (0, size)))}".encode()
    )


def a_witness(state: Path) -> Witness:
    """Return a witness that begins from what is in a file."""
    kept = Memory(state, KEY, COSIGNER.verifier_key)
    return Witness(KEY, COSIGNER, kept, clock=lambda: AT)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where a witness remembers."""
    return tmp_path / "head"


@pytest_asyncio.fixture
async def client(state: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of a witness."""
    transport = httpx.ASGITransport(a_witness(state).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://witness") as opened:
        yield opened


async def add(client: httpx.AsyncClient, content: bytes) -> httpx.Response:
    return await client.post("/add-checkpoint", content=content)


async def test_a_log_that_grows_is_cosigned(client: httpx.AsyncClient, state: Path) -> None:
    seen = 0
    for size in (0, 0, 1, 2, 5, 5, 8, 13, 40):
        asked = body(LEAVES[:size], seen)
        answer = await add(client, asked)
        assert answer.status_code == HTTPStatus.OK, answer.text
        note = proofs.parse_note(asked.decode().partition("\n\n")[2] + answer.text)
        assert note.cosigned_at(COSIGNER.verifier_key) == AT
        assert note.is_signed(KEY)
        assert state.read_text() == f"{note.text}\n{''.join(map(str, note.signatures))}"
        seen = size


async def test_a_caller_with_another_old_size_is_told_the_right_one(
    client: httpx.AsyncClient,
) -> None:
    await add(client, body(LEAVES[:5], 0))
    for since in (0, 3, 6):
        answer = await add(client, body(LEAVES[:7], since))
        assert (answer.status_code, answer.text) == (HTTPStatus.CONFLICT, "5\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"
    assert (await add(client, body(LEAVES[:7], 5))).status_code == HTTPStatus.OK


FORK = [*LEAVES[:4], b"fork"]
REWRITTEN = [b"rewritten", *LEAVES[1:8]]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(body(FORK, 5), id="two heads of one size"),
        pytest.param(body([*FORK, *LEAVES[5:8]], 5), id="the last leaf rewritten"),
        pytest.param(body(REWRITTEN, 5), id="the first leaf rewritten"),
        pytest.param(body(LEAVES[:8], 5, proof=[]), id="no proof"),
        pytest.param(body(LEAVES[:8], 5, proof=[bytes(32)] * 3), id="a false proof"),
        pytest.param(body(LEAVES[:5], 5, proof=[bytes(32)]), id="a proof of nothing"),
    ],
)
async def test_a_second_history_is_refused(
    second: bytes, client: httpx.AsyncClient, state: Path
) -> None:
    await add(client, body(LEAVES[:5], 0))
    kept = state.read_bytes()
    answer = await add(client, second)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "\u2014" not in answer.text
    assert state.read_bytes() == kept
    assert (await add(client, body(LEAVES[:8], 5))).status_code == HTTPStatus.OK


async def test_a_rewritten_older_head_is_refused_too(client: httpx.AsyncClient) -> None:
    await add(client, body(LEAVES[:8], 0))
    for since in (0, 3):
        answer = await add(client, body(FORK, since))
        assert (answer.status_code, answer.text) == (HTTPStatus.CONFLICT, "8\n")
    assert (await add(client, body(FORK, 8, proof=[]))).status_code == HTTPStatus.BAD_REQUEST


async def test_a_first_head_takes_no_proof_and_an_empty_log_has_one_root(
    client: httpx.AsyncClient,
) -> None:
    answer = await add(client, body(LEAVES[:5], 0, proof=[bytes(32)]))
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    wrong = f"old 0\n\n{LOG.checkpoint(0, bytes(32))}".encode()
    assert (await add(client, wrong)).status_code == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_another_log_and_another_key_are_refused(client: httpx.AsyncClient) -> None:
    stranger = LogSigner("another/log", Ed25519PrivateKey.generate())
    answer = await add(client, body(LEAVES[:5], 0, signer=stranger))
    assert answer.status_code == HTTPStatus.NOT_FOUND
    impostor = LogSigner("a/log", Ed25519PrivateKey.generate())
    answer = await add(client, body(LEAVES[:5], 0, signer=impostor))
    assert answer.status_code == HTTPStatus.FORBIDDEN
    spoiled = body(LEAVES[:5], 0).decode()
    line = spoiled.rpartition("\n\n")[2]
    false = str(proofs.notes.Signature(KEY.name, KEY.key_id, bytes(64)))
    answer = await add(client, (spoiled.removesuffix(line) + line + false).encode())
    assert answer.status_code == HTTPStatus.FORBIDDEN


GOOD = body(LEAVES[:5], 0).decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        GOOD.replace("old 0", "old").encode(),
        GOOD.replace("old 0", "old 00").encode(),
        GOOD.replace("old 0", "old -1").encode(),
        GOOD.replace("old 0", f"old {2**63}").encode(),
        GOOD.replace("old 0\n", "old 0\nAAAA\n").encode(),
        GOOD.replace("old 0\n", "old 0\n" + f"{'A' * 43}=\n" * 64).encode(),
        GOOD.replace("\n\u2014", "\n-").encode(),
        GOOD.removesuffix("\n").encode(),
        GOOD.replace("\n", "\r\n").encode(),
    ],
    ids=len,  # what is signed differs from worker to worker
)
async def test_what_is_no_submission_is_refused(content: bytes, client: httpx.AsyncClient) -> None:
    assert (await add(client, content)).status_code == HTTPStatus.BAD_REQUEST


async def test_a_body_has_a_largest_size(client: httpx.AsyncClient) -> None:
    answer = await add(client, bytes(2**16 + 1))
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


async def test_the_last_head_is_there_for_monitors(client: httpx.AsyncClient, state: Path) -> None:
    path = f"/{hashlib.sha256(b'a/log').hexdigest()}/checkpoint"
    assert (await client.get(path)).status_code == HTTPStatus.NOT_FOUND
    await add(client, body(LEAVES[:5], 0))
    assert (await client.get(path)).text == state.read_text()
    other = f"/{hashlib.sha256(b'another/log').hexdigest()}/checkpoint"
    assert (await client.get(other)).status_code == HTTPStatus.NOT_FOUND


async def test_a_witness_remembers_over_a_restart(state: Path) -> None:
    a_witness(state).cosign(body(LEAVES[:5], 0))
    again = a_witness(state)
    with pytest.raises(protocol.Behind) as behind:
        again.cosign(body(FORK, 0))
    assert behind.value.size == 5
    with pytest.raises(protocol.Refused, match="two histories"):
        again.cosign(body(FORK, 5))
    again.cosign(body(LEAVES[:6], 5))


def test_a_head_that_could_not_be_kept_is_not_cosigned(state: Path, tmp_path: Path) -> None:
    witness = a_witness(state)
    witness.cosign(body(LEAVES[:5], 0))
    kept = state.read_bytes()
    state.unlink()
    state.mkdir()  # nothing can take the place of a folder
    with pytest.raises(OSError, match=r"."):
        witness.cosign(body(LEAVES[:8], 5))
    state.rmdir()
    state.write_bytes(kept)
    assert [path.name for path in tmp_path.iterdir()] == ["head"], "nothing half written is left"
    with pytest.raises(protocol.Refused):
        witness.cosign(body([*LEAVES[:7], b"fork", b"more"], 8))
    witness.cosign(body(LEAVES[:9], 5))


@pytest.mark.parametrize("change", ["text", "unsigned", "foreign", "uncosigned", "empty", "binary"])
def test_a_file_somebody_changed_stops_the_witness(change: str, state: Path) -> None:
    a_witness(state).cosign(body(LEAVES[:5], 0))
    kept = state.read_text()
    lines = kept.splitlines(keepends=True)
    other = Cosigner("a/witness", Ed25519PrivateKey.generate())
    state.write_bytes(
        {
            "text": kept.replace("\n5\n", "\n4\n").encode(),
            "unsigned": "".join([*lines[:4], lines[5]]).encode(),
            "foreign": ("".join(lines[:5]) + str(other.sign("".join(lines[:3]), at=AT))).encode(),
            "uncosigned": "".join(lines[:5]).encode(),
            "empty": b"",
            "binary": b"\xff",
        }[change]
    )
    with pytest.raises(StateBroken):
        a_witness(state)


def test_one_file_has_one_witness(state: Path) -> None:
    another = pytest.raises(StateBroken, match="another witness")
    with memory.only_one(state), another, memory.only_one(state):
        pass
    with memory.only_one(state):
        pass


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans()), max_size=12))
def test_whatever_is_asked_all_that_is_cosigned_is_one_history(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[int, int, bool]]
) -> None:
    """Two logs with one key, the same for 6 leaves, ask in any order with any old size."""
    histories = {False: LEAVES, True: [*LEAVES[:6], *(b"x%d" % n for n in range(34))]}
    witness = a_witness(tmp_path_factory.mktemp("witness") / "head")
    cosigned: list[tuple[int, bool]] = []
    for size, since, forked in asked:
        with contextlib.suppress(protocol.Refused):
            witness.cosign(body(histories[forked][:size], min(size, since)))
            cosigned.append((size, forked))
    assert [size for size, _ in cosigned] == sorted(size for size, _ in cosigned)
    assert len({forked for size, forked in cosigned if size > 6}) <= 1


class Process:
    """A witness as somebody else would run it."""

    def __init__(self, folder: Path, log_key: str) -> None:
        pem = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        (folder / "key.pem").write_bytes(pem)
        self.url = f"http://127.0.0.1:{free_port()}"
        self.command = [sys.executable, "-m", "identity", "witness", "--log-key", log_key]
        self.command += ["--key", str(folder / "key.pem"), "--state", str(folder / "head")]
        self.command += ["--address", self.url.removeprefix("http://")]

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Run it; yield its public key, which it says when it listens."""
        bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        pipe = subprocess.PIPE
        with subprocess.Popen(
            self.command, env=bare, stdout=pipe, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().decode().strip()
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=30) == 0


async def test_a_real_log_is_witnessed_by_a_process_of_its_own(desk: Any, tmp_path: Path) -> None:
    talent = await desk.party("talent")
    log_key = (await desk.ask("public", "GetCheckpoint")).verifier_key
    process = Process(tmp_path, log_key)
    seen, first = 0, ""
    for _ in range(2):  # the second time it remembers
        with process.running() as witness_key:
            first = first or witness_key
            assert witness_key == first
            async with httpx.AsyncClient(base_url=process.url, timeout=30) as client:
                for _ in range(2):
                    await desk.consented(talent)
                    seen = await submit(desk, client, seen)
                last = (
                    await client.get(f"/{hashlib.sha256(b'sosia/identity').hexdigest()}/checkpoint")
                ).text
    assert seen == 4
    (tmp_path / "note").write_text(last)
    arguments = [str(tmp_path / "note"), "--key", log_key, "--witness-key", first]
    assert await asyncio.to_thread(offline.verify_checkpoint, arguments) == 0
    stranger = str(COSIGNER.verifier_key)
    assert offline.verify_checkpoint([*arguments[:-1], stranger]) == 1


async def submit(desk: Any, client: httpx.AsyncClient, seen: int) -> int:
    """Ask for a cosignature of the log's head; return its size."""
    head = await desk.ask("public", "GetCheckpoint", from_size=seen)
    steps = "".join(f"{base64.b64encode(one).decode()}\n" for one in head.consistency_proof)
    answer = await add(client, f"old {seen}\n{steps}\n{head.checkpoint}".encode())
    assert answer.status_code == HTTPStatus.OK, answer.text
    return proofs.parse_head(proofs.parse_note(head.checkpoint + answer.text)).size


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--log-key", "x", "log-key: "),
        ("--log-key", str(COSIGNER.verifier_key), "of type 1"),
        ("--key", "/none", "No such file"),
        ("--name", "a b", "name: "),
    ],
    ids=["no key", "a witness's key", "no file", "no name"],  # keys are made anew in each process
)
def test_a_witness_says_why_it_cannot_begin(
    option: str, value: str, said: str, tmp_path: Path
) -> None:
    command = Process(tmp_path, LOG.verifier_key).command
    done = subprocess.run(
        [*command, option, value], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_address_is_said_too(tmp_path: Path) -> None:
    process = Process(tmp_path, LOG.verifier_key)
    host, _, port = process.url.removeprefix("http://").partition(":")
    with socket.create_server((host, int(port))):
        done = subprocess.run(process.command, check=False, capture_output=True, timeout=60)
    assert done.returncode == 2
    assert b"in use" in done.stderr
