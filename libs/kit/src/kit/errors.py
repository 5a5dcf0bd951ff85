"""Errors a caller can act on: named once here, mapped once in `kit.rpc` and in the gateway."""


class DomainError(Exception):
    """Something a caller can act on.

    `reason` is a constant that is never renamed; every variable of the message is in `metadata`.
    An error that one field of a request is always to blame for names it as `field`; its message
    is then the rule that was broken.
    """

    reason = "UNKNOWN"
    field = ""

    def __init__(self, message: str, *, reason: str | None = None, **metadata: object) -> None:
        super().__init__(message)
        self.reason = reason or type(self).reason
        if type(self).field:
            metadata = {"field": type(self).field, "rule": message, **metadata}
        self.metadata = {key: str(value) for key, value in metadata.items()}


class InvalidArgument(DomainError):
    """Never retry: the request itself is wrong."""


class Unauthenticated(DomainError):
    """The caller is not known."""


class PermissionDenied(DomainError):
    """The caller is known and may not."""


class NotFound(DomainError):
    """There is no such thing, or none the caller may know of."""


class AlreadyExists(DomainError):
    """It is there already."""


class FailedPrecondition(DomainError):
    """Change something first."""


class ResourceExhausted(DomainError):
    """Wait, or buy more."""


class Unavailable(DomainError):
    """Just retry."""


class FieldInvalid(InvalidArgument):
    """A field is missing or malformed; the metadata names it and the rule it breaks."""

    reason = "FIELD_INVALID"

    def __init__(self, field: str, rule: str, *, reason: str | None = None) -> None:
        super().__init__(f"{field}: {rule}", reason=reason, field=field, rule=rule)


class NotAllowed(PermissionDenied):
    """The caller may not do this."""

    reason = "NOT_ALLOWED"


class RequestReused(AlreadyExists):
    """A request id was sent again with other content."""

    reason = "REQUEST_REUSED"
