"""Signed notes: those of the specification, and what is none."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from proofs import Malformed, VerifierKey, open_head, parse_head, parse_note
from proofs.notes import COSIGNATURE, ED25519, Signature, cosigned_message, pack_cosignature

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
"""The example of C2SP signed-note."""
ROOT = base64.b64encode(bytes(range(32))).decode()


def a_key(name: str = "log", kind: int = ED25519) -> tuple[Ed25519PrivateKey, VerifierKey]:
    private = Ed25519PrivateKey.generate()
    return private, VerifierKey(name, kind, private.public_key().public_bytes_raw())


def line(private: Ed25519PrivateKey, key: VerifierKey, text: str) -> str:
    return str(Signature(key.name, key.key_id, private.sign(text.encode())))


def test_the_example_of_the_specification_verifies() -> None:
    key = VerifierKey.parse(EXAMPLE_KEY)
    assert str(key) == EXAMPLE_KEY
    assert parse_note(EXAMPLE).is_signed(key)
    assert not parse_note(EXAMPLE.replace("example message", "other message")).is_signed(key)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(EXAMPLE) - 1), st.characters())
def test_no_character_of_a_note_can_be_another(at: int, other: str) -> None:
    if EXAMPLE[at] == other:
        return
    text = EXAMPLE[:at] + other + EXAMPLE[at + 1 :]
    try:
        assert not parse_note(text).is_signed(VerifierKey.parse(EXAMPLE_KEY))
    except Malformed as error:
        assert error.field == "checkpoint"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(EXAMPLE_KEY) - 1), st.characters())
def test_no_character_of_a_key_can_be_another(at: int, other: str) -> None:
    if EXAMPLE_KEY[at] == other:
        return
    with pytest.raises(Malformed, match="key: "):
        VerifierKey.parse(EXAMPLE_KEY[:at] + other + EXAMPLE_KEY[at + 1 :])


@pytest.mark.parametrize("text", ["", "a", "a+b", "a+b+c", "a+00000000+AQ==", EXAMPLE_KEY + "A"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        VerifierKey.parse(text)


def test_a_head_is_believed_when_its_own_log_signed_it() -> None:
    private, key = a_key()
    text = f"log\n7\n{ROOT}\n"
    signed = f"{text}\n{line(private, key, text)}"
    head = open_head(signed, key)
    assert head is not None
    assert (head.origin, head.size, head.root) == ("log", 7, bytes(range(32)))
    assert open_head(signed, a_key()[1]) is None
    assert open_head(signed.replace("\n7\n", "\n8\n"), key) is None
    foreign = text.replace("log\n", "another\n")
    assert open_head(f"{foreign}\n{line(private, key, foreign)}", key) is None


def test_signatures_of_others_are_passed_by_and_a_false_one_of_ours_is_not() -> None:
    private, key = a_key()
    stranger, strange = a_key("stranger")
    text = f"log\n7\n{ROOT}\n"
    good, bad = line(private, key, text), str(Signature("log", key.key_id, bytes(64)))
    also = line(stranger, strange, "something else\n")
    assert open_head(f"{text}\n{also}{good}", key)
    assert open_head(f"{text}\n{good}{bad}", key) is None
    assert open_head(f"{text}\n{also}", key) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n\n",
        "\n\n\u2014 a AAAAAAA=\n",
        f"log\n1\n{ROOT}\n",
        f"log\n1\n{ROOT}\n\n\u2014 log !!!\n",
        f"log\n1\n{ROOT}\n\n\u2014 log AAAAAAA=",
        f"log\n1\n{ROOT}\n\n- log AAAAAAA=\n",
        f"log\n1\n{ROOT}\n\n\u2014 log AAAA\n",
        f"log\n1\n{ROOT}\n\n\u2014 log AAAAAAB=\n",
        f"log\n01\n{ROOT}\n\n\u2014 log AAAAAAA=\n",
        f"log\n-1\n{ROOT}\n\n\u2014 log AAAAAAA=\n",
        f"log\n{2**63}\n{ROOT}\n\n\u2014 log AAAAAAA=\n",
        "log\n1\nAAAA\n\n\u2014 log AAAAAAA=\n",
        f"log\n1\n\n{ROOT}\n\n\u2014 log AAAAAAA=\n",
        f"log\n1\n{ROOT}\r\n\n\u2014 log AAAAAAA=\n",
        f"log\n1\n{ROOT}\n\n" + "\u2014 log AAAAAAA=\n" * 65,
        f"l\ud800g\n1\n{ROOT}\n\n\u2014 log AAAAAAA=\n",
    ],
)
def test_what_is_no_checkpoint_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="checkpoint: "):
        open_head(text, VerifierKey.parse(EXAMPLE_KEY))


def test_a_cosignature_says_when_and_only_of_this_text() -> None:
    private, key = a_key("witness", COSIGNATURE)
    text = f"log\n7\n{ROOT}\n"
    made = [
        Signature("witness", key.key_id, pack_cosignature(at, private.sign(message)))
        for at, message in (
            (5, cosigned_message(text, 5)),
            (9, cosigned_message(text, 9)),
            (99, cosigned_message(text, 98)),
            (100, cosigned_message(text.replace("7", "8"), 100)),
            (101, text.encode()),
        )
    ]
    note = parse_note(f"{text}\n{''.join(map(str, made))}")
    assert note.cosigned_at(key) == 9
    assert parse_head(note).size == 7
    assert not note.is_signed(key)
    assert note.cosigned_at(VerifierKey("witness", ED25519, key.public)) is None
    assert VerifierKey.parse(str(key)) == key
    assert cosigned_message("a\n", 5) == b"cosignature/v1\ntime 5\na\n"
