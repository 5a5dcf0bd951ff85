"""From messages to the domain."""

from google.protobuf.message import Message
from kit import once
from sosia.training.v1 import training_service_pb2 as pb

from training.domain.runs import Order, Recipe
from training.service.commands import Command


def to_command(request: Message) -> Command:
    """Read the id of a request and what its content is."""
    request_id: str = getattr(request, "request_id")  # noqa: B009 -- every command has one
    return Command(request_id, once.digest(request))


def to_order(request: pb.StartRunRequest) -> Order:
    """Read what is asked for; zeroes stand for defaults."""
    asked = request.settings
    recipe = Recipe(asked.steps, asked.rank, asked.seed)
    return Order(request.talent_id, request.capture_set_id, request.base, recipe)
