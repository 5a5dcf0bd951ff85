"""The calls about files that come in parts."""

from typing import Any

import grpc
from sosia.identity.v1 import identity_service_pb2 as pb
from sosia.identity.v1 import upload_pb2

from identity.domain.uploads import Kind, NewUpload, State, Upload
from identity.rpc import incoming, outgoing
from identity.service.receiver import Receiver

Context = grpc.aio.ServicerContext[Any, Any]
_KINDS = (None, Kind.PHOTO, Kind.CLIP)
_STATES = {
    State.OPEN: upload_pb2.UPLOAD_STATE_OPEN,
    State.DONE: upload_pb2.UPLOAD_STATE_DONE,
    State.FAILED: upload_pb2.UPLOAD_STATE_FAILED,
}


class UploadsServicer:
    """A part of IdentityService; errors are in the contract."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def CreateUpload(
        self, request: pb.CreateUploadRequest, context: Context
    ) -> pb.CreateUploadResponse:
        """Begin an upload, or go on with one."""
        new = NewUpload(
            request.capture_set_id,
            request.filename,
            dict(enumerate(_KINDS)).get(request.kind),
            incoming.to_facts(request.facts),
            request.length,
            request.sha256,
        )
        upload = await self._receiver.create(new)
        return pb.CreateUploadResponse(upload=from_upload(upload))

    async def AppendUpload(
        self, request: pb.AppendUploadRequest, context: Context
    ) -> pb.AppendUploadResponse:
        """Take the next part."""
        upload = await self._receiver.append(
            request.upload_id, request.offset, request.content, following=request.following
        )
        return pb.AppendUploadResponse(upload=from_upload(upload))

    async def GetUpload(
        self, request: pb.GetUploadRequest, context: Context
    ) -> pb.GetUploadResponse:
        """Return an upload."""
        return pb.GetUploadResponse(upload=from_upload(await self._receiver.get(request.upload_id)))

    async def ListUploads(
        self, request: pb.ListUploadsRequest, context: Context
    ) -> pb.ListUploadsResponse:
        """Return the open uploads of a set."""
        found = await self._receiver.find_open(request.capture_set_id)
        return pb.ListUploadsResponse(uploads=[from_upload(upload) for upload in found])

    async def RemoveUpload(
        self, request: pb.RemoveUploadRequest, context: Context
    ) -> pb.RemoveUploadResponse:
        """Give an upload up."""
        upload = await self._receiver.remove(request.upload_id)
        return pb.RemoveUploadResponse(upload=from_upload(upload))


def from_upload(upload: Upload) -> upload_pb2.Upload:
    """Write an upload."""
    fault = upload.fault
    return upload_pb2.Upload(
        id=upload.id,
        capture_set_id=upload.capture_set_id,
        filename=upload.filename,
        kind=upload_pb2.UPLOAD_KIND_PHOTO,
        facts=outgoing.from_facts(upload.facts),
        length=upload.length,
        sha256=upload.sha256,
        offset=upload.offset,
        state=_STATES[upload.state],
        photo_id=upload.photo_id,
        fault=upload_pb2.UploadFault(reason=fault.reason, rule=fault.rule) if fault else None,
        created_at=outgoing.from_time(upload.created_at),
        expires_at=outgoing.from_time(upload.expires_at),
    )
