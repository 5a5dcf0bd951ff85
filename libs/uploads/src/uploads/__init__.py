"""Capture folders brought to the platform: in parallel, in parts, and on from where it stopped.

A client of the gateway's tus 1.0.0. It keeps nothing on this machine: the same content in the
same capture set is the same upload, so that running it again goes on.
"""

from uploads.files import File, FolderMalformed, read_folder
from uploads.sending import Outcome, Progress, Sender, open_client

__all__ = [
    "File",
    "FolderMalformed",
    "Outcome",
    "Progress",
    "Sender",
    "open_client",
    "read_folder",
]
