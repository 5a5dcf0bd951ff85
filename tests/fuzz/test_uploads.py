"""Whatever a stranger sends to be verified, nothing escapes but a domain error."""

import random
from pathlib import Path

import pytest

from fuzz.uploads import Uploads, mutate

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns of much that it then reads
FOUND = sorted((Path(__file__).parent / "found").glob("*"))
TRIES = 150


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Uploads:
    return Uploads(tmp_path_factory.mktemp("fuzz"))


def test_whole_files_of_every_kind_are_read(uploads: Uploads) -> None:
    """Or the fuzzer would never get behind the first bytes. None of them is in a registry."""
    assert [uploads.check(seed) for seed in uploads.seeds] == ["suspect"] + ["unknown"] * 13


def test_mutated_files_are_read_or_refused(uploads: Uploads) -> None:
    chance = random.Random(20261125)
    ends = set()
    for _ in range(TRIES):
        ends.add(uploads.check(mutate(chance.choice(uploads.seeds), chance, uploads.seeds)))
    assert {"unknown", "PHOTO_UNREADABLE"} <= ends


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_the_fuzzer_found_is_read_or_refused(uploads: Uploads, path: Path) -> None:
    uploads.check(path.read_bytes())
