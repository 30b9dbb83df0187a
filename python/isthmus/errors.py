# SPDX-License-Identifier: MIT
"""The exceptions of Isthmus: each is an `IsthmusError` and the builtin one would expect."""


class IsthmusError(Exception):
    """Base of all errors that Isthmus raises on purpose."""


class ModelFileError(IsthmusError, OSError):
    """A model file is absent, unreadable or of another format."""


class ContractError(IsthmusError, ValueError):
    """A model file breaks its own contract: checksum, instruction set or format."""


class BindingError(IsthmusError, ValueError):
    """An array, name or order of calls does not fit the network."""


class DeviceError(IsthmusError, RuntimeError):
    """A device is unknown or not present on this machine."""


class InferenceError(IsthmusError, RuntimeError):
    """The engine failed while evaluating the network."""


class ExportError(IsthmusError, ValueError):
    """A module cannot be exported, or what was exported does not match the module."""


class DataError(IsthmusError, ValueError):
    """A data file or array is not what its reader needs."""


class ConfigurationError(IsthmusError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""


class ModelRunError(IsthmusError, RuntimeError):
    """A Fortran program or model stopped with an error."""


class TrainingError(IsthmusError, ArithmeticError):
    """A training cannot go on: loss not finite, or a checkpoint of another run."""


class AssimilationError(IsthmusError, ArithmeticError):
    """An analysis did not converge, or the model or ensemble blew up."""
