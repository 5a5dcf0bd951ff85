"""The servicer: reads the request, calls the service, writes the response."""

from typing import Any

import grpc
from sosia.training.v1 import training_service_pb2 as pb
from sosia.training.v1 import training_service_pb2_grpc

from training.rpc import incoming, outgoing, reports
from training.service.fidelity import Fidelity
from training.service.runs import Runs
from training.service.twins import Twins

Context = grpc.aio.ServicerContext[Any, Any]


class TrainingServicer(training_service_pb2_grpc.TrainingServiceServicer):
    """TrainingService; errors are in the contract."""

    def __init__(self, runs: Runs, twins: Twins, fidelity: Fidelity) -> None:
        self._runs = runs
        self._twins = twins
        self._fidelity = fidelity

    async def StartRun(self, request: pb.StartRunRequest, context: Context) -> pb.StartRunResponse:
        """Queue a run."""
        run = await self._runs.start(incoming.to_command(request), incoming.to_order(request))
        return pb.StartRunResponse(run=outgoing.from_run(run))

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        """Return a run."""
        run = await self._runs.get(request.run_id)
        return pb.GetRunResponse(run=outgoing.from_run(run))

    async def CancelRun(
        self, request: pb.CancelRunRequest, context: Context
    ) -> pb.CancelRunResponse:
        """End a run."""
        run = await self._runs.cancel(incoming.to_command(request), request.run_id)
        return pb.CancelRunResponse(run=outgoing.from_run(run))

    async def GetTwin(self, request: pb.GetTwinRequest, context: Context) -> pb.GetTwinResponse:
        """Return a twin version."""
        (twin,) = await self._fidelity.judge([await self._twins.get(request.twin_version_id)])
        return pb.GetTwinResponse(twin=outgoing.from_twin(twin))

    async def ListTwins(
        self, request: pb.ListTwinsRequest, context: Context
    ) -> pb.ListTwinsResponse:
        """Return a talent's twin versions."""
        twins = await self._fidelity.judge(await self._twins.find(request.talent_id))
        return pb.ListTwinsResponse(twins=[outgoing.from_twin(twin) for twin in twins])

    async def GetSampleSheet(
        self, request: pb.GetSampleSheetRequest, context: Context
    ) -> pb.GetSampleSheetResponse:
        """Return the sample sheet of a twin version."""
        content = await self._twins.open_sheet(request.twin_version_id)
        return pb.GetSampleSheetResponse(content=content)

    async def GetFidelity(
        self, request: pb.GetFidelityRequest, context: Context
    ) -> pb.GetFidelityResponse:
        """Return what was measured of a twin version."""
        judged = await self._fidelity.get(request.twin_version_id)
        return pb.GetFidelityResponse(report=reports.from_judged(judged))

    async def AcceptFidelity(
        self, request: pb.AcceptFidelityRequest, context: Context
    ) -> pb.AcceptFidelityResponse:
        """Keep the talent's word on a version below the bar."""
        judged = await self._fidelity.accept(
            incoming.to_command(request), request.twin_version_id, request.signature
        )
        return pb.AcceptFidelityResponse(report=reports.from_judged(judged))

    async def GetTwinsErasure(
        self, request: pb.GetTwinsErasureRequest, context: Context
    ) -> pb.GetTwinsErasureResponse:
        """Count what is still there of a talent."""
        return outgoing.from_remains(await self._twins.find_remains(request.talent_id))
