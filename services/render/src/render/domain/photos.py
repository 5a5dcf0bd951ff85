"""Files that strangers bring."""

from kit.errors import InvalidArgument

MOST_BYTES = 12 * 2**20
MOST_PIXELS = 50_000_000


class PhotoUnreadable(InvalidArgument):
    """Not a whole JPEG, PNG or WebP."""

    reason = "PHOTO_UNREADABLE"
    field = "content"


class PhotoTooLarge(InvalidArgument):
    """Too many bytes or pixels."""

    reason = "PHOTO_TOO_LARGE"
    field = "content"


def check_size(size_bytes: int) -> None:
    """Check what a file weighs before it is decoded.

    Raises:
        PhotoTooLarge: more than 12 MiB.
    """
    if size_bytes > MOST_BYTES:
        raise PhotoTooLarge(f"file has {size_bytes} bytes, at most {MOST_BYTES}", bytes=size_bytes)
