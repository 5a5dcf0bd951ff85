"""Capture folders: what is read of them, and what is said of one that is malformed."""

import json
from pathlib import Path

import pytest
from uploads import FolderMalformed, read_folder

SAMPLES = Path(__file__).parents[3] / "samples" / "talents"
ROW = {"framing": "face", "yaw": 0, "pitch": 0, "lighting": "", "pose": "", "caption": ""}


def test_a_sample_folder_is_read_without_opening_a_photo(tmp_path: Path) -> None:
    folder = read_folder(SAMPLES / "alba")
    assert (len(folder.photos), folder.clips) == (40, 3)
    assert {mark["name"] for mark in folder.marks} == {"birthmark", "birthmark2"}
    assert folder.photos[0].facts["framing"] == "face"
    assert folder.photos[0].read().startswith(b"\xff\xd8")
    (tmp_path / "photos.jsonl").write_text(json.dumps(ROW | {"file": "missing.jpg"}) + "\n\n")
    (missing,) = read_folder(tmp_path).photos
    with pytest.raises(OSError, match=r"missing\.jpg"):
        missing.read()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (None, "photos.jsonl: cannot be read"),
        ("", "names no photo"),
        ("{", "line 1: must be JSON"),
        ("[]", "line 1: must be an object"),
        (json.dumps(ROW | {"file": "../a.jpg"}), "line 1: file must be a name without folders"),
        (json.dumps(ROW), "line 1: file must be"),
        (json.dumps({"file": "a.jpg", "yaw": 1}), "line 1: framing, pitch, lighting, pose"),
    ],
)
def test_a_malformed_folder_is_named_by_file_and_line(
    tmp_path: Path, lines: str | None, said: str
) -> None:
    if lines is not None:
        (tmp_path / "photos.jsonl").write_text(lines)
    with pytest.raises(FolderMalformed, match=said):
        read_folder(tmp_path)
