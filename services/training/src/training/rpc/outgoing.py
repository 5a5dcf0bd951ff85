"""From the domain to messages."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from sosia.training.v1 import training_service_pb2, twin_pb2

from training.domain.runs import Run
from training.domain.twins import Remains
from training.rpc.reports import from_verdict
from training.service.fidelity import Judged


def from_time(value: datetime) -> Timestamp:
    """Write a time."""
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp


def from_run(run: Run) -> twin_pb2.TrainingRun:
    """Write a run."""
    recipe = run.order.recipe
    return twin_pb2.TrainingRun(
        id=run.id,
        talent_id=run.order.talent_id,
        capture_set_id=run.order.capture_set_id,
        base=run.order.base,
        settings=twin_pb2.RunSettings(steps=recipe.steps, rank=recipe.rank, seed=recipe.seed),
        state=twin_pb2.RunState.Value(f"RUN_STATE_{run.state.name}"),
        step=run.step,
        loss=run.loss,
        seconds_left=run.seconds_left,
        attempt=run.attempt,
        reason=run.reason,
        twin_version_id=run.twin_version_id,
        created_at=from_time(run.created_at),
    )


def from_twin(judged: Judged) -> twin_pb2.TwinVersion:
    """Write a twin version."""
    twin = judged.twin
    likeness = twin.likeness
    return twin_pb2.TwinVersion(
        id=twin.id,
        talent_id=twin.talent_id,
        run_id=twin.run_id,
        capture_set_id=twin.capture_set_id,
        consent_id=twin.consent.id,
        consent_receipt_id=twin.consent.receipt_id,
        base=twin.base,
        base_sha256=twin.facts.base_sha256,
        dataset_sha256=twin.facts.dataset_sha256,
        adapter_object_key=twin.adapter.object_key,
        adapter_sha256=twin.adapter.sha256,
        sheet_object_key=twin.sheet.object_key,
        steps=twin.facts.steps,
        final_loss=twin.facts.final_loss,
        seconds=twin.facts.seconds,
        likeness=twin_pb2.Likeness(
            own=likeness.own,
            nearest_other=likeness.nearest_other,
            faces=likeness.faces,
            renders=likeness.renders,
        ),
        created_at=from_time(twin.created_at),
        best_step=twin.facts.best_step,
        ended=twin.facts.ended,
        fidelity=from_verdict(judged),
    )


def from_remains(left: Remains) -> training_service_pb2.GetTwinsErasureResponse:
    """Write what is still there of a talent."""
    return training_service_pb2.GetTwinsErasureResponse(
        erased_at=None if left.erased_at is None else from_time(left.erased_at),
        objects_deleted=left.objects_deleted,
        objects_left=left.objects,
        twins_left=left.twins,
        runs_left=left.runs,
    )
