"""What can go wrong between weights and pictures; whoever only handles it loads no torch."""


class BaseUnusable(ValueError):
    """The folder is no pipeline we load: the message says which file or entry is wrong."""


class AdapterUnusable(ValueError):
    """The bytes are no adapter of ours, or one for another base."""


class Diverged(ValueError):
    """Weights are worth nothing: the loss is not a number any more."""


class OutOfMemory(RuntimeError):
    """The device has no room even for half of the batch."""


class Stopped(Exception):
    """Somebody asked for the work to end; nothing was made."""
