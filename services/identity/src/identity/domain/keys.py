"""What can go wrong with a person's encryption key."""

from kit.errors import FailedPrecondition, InvalidArgument


class PersonKeyDestroyed(FailedPrecondition):
    """The person's key is gone for good, and with it everything it wrapped."""

    reason = "PERSON_KEY_DESTROYED"


class WrappedKeyInvalid(InvalidArgument):
    """The wrapped key was not made for this person, or was changed."""

    reason = "WRAPPED_KEY_INVALID"
