"""verify-receipt and verify-checkpoint, as somebody outside the house runs them."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.json_format import MessageToDict
from identity import offline
from identity.domain import merkle
from identity.signing.checkpoints import LogSigner

KEY_OF_ANOTHER = LogSigner("sosia/identity", Ed25519PrivateKey.generate()).verifier_key


def to_json(message: Any) -> dict[str, Any]:
    """Write an answer as the gateway does."""
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


@pytest.fixture
def signer() -> LogSigner:
    """A log of the test's own, which may sign what it likes."""
    return LogSigner("a/log", Ed25519PrivateKey.generate())


class Files:
    """Files of a test, checked as the command line would."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key

    def write(self, name: str, content: Any) -> str:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def verify(self, content: Any, key: str = "") -> int:
        """Return the code of verify-receipt."""
        file = self.write("receipt.json", content)
        return offline.verify_receipt([file, "--key", key or self.key])


async def receipts(desk: Any, tmp_path: Path) -> tuple[Files, list[dict[str, Any]]]:
    """Return what the API answers about three receipts, and where to check it."""
    talent = await desk.party("talent")
    consents = [await desk.consented(talent) for _ in range(3)]
    await desk.withdrawn(talent, consents[0])
    key = (await desk.ask("public", "GetCheckpoint")).verifier_key
    asked = [await desk.ask(talent, "GetReceipt", receipt_id=one.receipt_id) for one in consents]
    return Files(tmp_path, key), [to_json(one) for one in asked]


async def test_a_receipt_is_proven_whole_and_in_its_inner_form(
    desk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, answers = await receipts(desk, tmp_path)
    for answer in answers:
        assert files.verify(answer) == 0
        assert files.verify(answer["receipt"]) == 0
    said = capsys.readouterr().out
    assert "this receipt is proven" in said
    assert "leaf 0 of 4" in said
    assert answers[0]["receipt"]["id"] in said
    assert "FAILS" not in said


FIELDS = (
    "statement",
    "signature",
    "public_key",
    "salt",
    "leaf_index",
    "inclusion_proof",
    "checkpoint",
    "kind",
    "subject_id",
)


def changed(value: Any) -> list[Any]:
    """Return a field with one character after another changed, one bit of its bytes at a time."""
    if isinstance(value, list):
        return [
            [*value[:at], other, *value[at + 1 :]]
            for at, one in enumerate(value)
            for other in changed(one)
        ]
    kept = [value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :] for at in range(len(value))]
    try:
        content = base64.b64decode(value, validate=True)
    except ValueError:
        return kept
    places = range(len(content))
    flipped = [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in places]
    return kept + [base64.b64encode(one).decode() for one in flipped]


async def test_no_byte_of_a_receipt_can_be_another(
    desk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, answers = await receipts(desk, tmp_path)
    honest = answers[1]["receipt"]
    assert files.verify(honest) == 0
    for field in FIELDS:
        others = changed(honest[field])
        assert others, field
        for other in others:
            assert files.verify(honest | {field: other}) in (1, 2), (field, other)
    assert set(honest) - set(FIELDS) == {"id", "issued_at"}
    assert "no proof covers id and issued_at" in capsys.readouterr().out


async def test_what_fails_is_said(
    desk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, answers = await receipts(desk, tmp_path)
    honest = answers[1]["receipt"]
    said = {
        "log's signature": (honest, KEY_OF_ANOTHER),
        "place in the log": (honest | {"salt": base64.b64encode(bytes(32)).decode()}, ""),
        "signature on the statement": (
            honest | {"signature": base64.b64encode(bytes(64)).decode()},
            "",
        ),
        "what the receipt says": (honest | {"kind": "license_signed"}, ""),
    }
    for what, (content, key) in said.items():
        assert files.verify(content, key) == 1
        lines = capsys.readouterr().out.splitlines()
        assert any(line.startswith("FAILS") and what in line for line in lines), what
        assert any("proves nothing" in line for line in lines)


async def test_a_malformed_file_or_key_is_named(
    desk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, answers = await receipts(desk, tmp_path)
    honest = answers[1]["receipt"]
    cases: list[tuple[Any, str, str]] = [
        (honest | {"salt": "AAAA"}, "", "salt: "),
        (honest | {"leaf_index": "x"}, "", "leaf_index: "),
        (honest | {"inclusion_proof": ["AAAA"]}, "", "inclusion_proof[0]: "),
        (honest | {"checkpoint": "x"}, "", "checkpoint: "),
        (honest | {"checkpoint": "\ud800"}, "", "checkpoint: "),
        ("{", "", "receipt: "),
        (honest, "x", "key: "),
    ]
    for content, key, message in cases:
        assert files.verify(content, key) == 2
        assert capsys.readouterr().err.startswith(message), message
    missing = [str(tmp_path / "none"), "--key", files.key]
    assert offline.verify_receipt(missing) == 2
    assert "cannot be read" in capsys.readouterr().err
    (tmp_path / "receipt.json").write_bytes(b"\xff")
    assert offline.verify_receipt([str(tmp_path / "receipt.json"), "--key", files.key]) == 2


async def test_a_file_cannot_steer_the_terminal(
    desk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, answers = await receipts(desk, tmp_path)
    files.verify(answers[1]["receipt"] | {"id": "\x1b[2J\u202eproven"})
    assert not {"\x1b", "\u202e"} & set(capsys.readouterr().out)


async def test_the_command_needs_no_settings_and_no_network(desk: Any, tmp_path: Path) -> None:
    files, answers = await receipts(desk, tmp_path)
    file = files.write("receipt.json", answers[0])
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "identity", "verify-receipt", *arguments]
        return subprocess.run(
            command, check=False, capture_output=True, text=True, env=bare, timeout=60
        )

    done = run(file, "--key", files.key)
    assert (done.returncode, done.stderr) == (0, "")
    assert "this receipt is proven" in done.stdout
    assert run(file, "--key", KEY_OF_ANOTHER).returncode == 1
    assert run(file, "--key", "x").returncode == 2
    missing = run(file)
    assert missing.returncode == 2
    assert "--key" in missing.stderr
    assert "Traceback" not in missing.stderr


async def test_an_honest_log_only_grows(
    desk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talent = await desk.party("talent")
    older = to_json(await desk.ask("public", "GetCheckpoint"))
    files = Files(tmp_path, older["verifier_key"])
    for size in range(4):
        newer = to_json(await desk.ask("public", "GetCheckpoint", from_size=max(0, size - 1)))
        paths = [files.write("new.json", newer), "--older", files.write("old.json", older)]
        assert offline.verify_checkpoint([*paths, "--key", files.key]) == 0
        older = newer
        await desk.consented(talent)
    assert "this head is proven" in capsys.readouterr().out
    note = files.write("note", older["checkpoint"])
    assert offline.verify_checkpoint([note, "--key", files.key]) == 0
    assert offline.verify_checkpoint([note, "--key", KEY_OF_ANOTHER]) == 1


def heads(signer: LogSigner, leaves: list[bytes], *, since: int = 0) -> dict[str, Any]:
    """Return what a log with these leaves would answer to from_size `since`."""
    nodes: dict[merkle.Node, bytes] = {}
    for index, leaf in enumerate(leaves):
        nodes |= merkle.append(index, merkle.leaf_hash(leaf), nodes)
    size = len(leaves)
    proof = [merkle.root(nodes, one) for one in merkle.consistency(since, size)]
    return {
        "checkpoint": signer.checkpoint(size, merkle.root(nodes, (0, size))),
        "consistency_proof": [base64.b64encode(one).decode() for one in proof],
    }


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        ([b"a", b"b", b"fork"], "two heads of 3 leaves"),
        ([b"a", b"fork", b"c", b"d"], "does not lead from 3 leaves to 4"),
        ([b"a", b"b"], "had 3 leaves and has 2"),
        ([b"a", b"b", b"c", b"d"], ""),
        ([b"a", b"b", b"c"], ""),
    ],
)
def test_a_forked_log_is_found(
    new: list[bytes],
    fault: str,
    signer: LogSigner,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = Files(tmp_path, signer.verifier_key)
    old = files.write("old.json", heads(signer, [b"a", b"b", b"c"]))
    file = files.write("new.json", heads(signer, new, since=min(3, len(new))))
    code = offline.verify_checkpoint([file, "--older", old, "--key", files.key])
    assert code == (1 if fault else 0)
    assert fault in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("{", "checkpoint"),
        ("{}", "checkpoint"),
        ("nothing", "checkpoint"),
        ({"checkpoint": "x\n"}, "checkpoint"),
        ({"checkpoint": "x", "consistency_proof": "AA"}, "consistency_proof"),
        ({"checkpoint": "x", "consistency_proof": ["AA=="] * 64}, "consistency_proof"),
    ],
)
def test_a_malformed_head_is_named(
    content: Any,
    field: str,
    signer: LogSigner,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = Files(tmp_path, signer.verifier_key)
    file = files.write("new.json", content)
    assert offline.verify_checkpoint([file, "--key", files.key]) == 2
    assert capsys.readouterr().err.startswith(f"{field}: ")
    good = files.write("good.json", heads(signer, [b"a"]) | {"consistency_proof": [5]})
    assert offline.verify_checkpoint([good, "--key", files.key]) == 2
    assert capsys.readouterr().err.startswith("consistency_proof[0]: ")
