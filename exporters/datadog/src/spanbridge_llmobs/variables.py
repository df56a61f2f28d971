"""Values that are given by argument or by one of Datadog's environment variables: an argument wins, a blank variable is absent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


class Values:
    """Reads the values of one class."""

    def __init__(self, owner: str, environ: Mapping[str, str] = os.environ) -> None:
        """`owner`: the class, as errors name it."""
        self._owner = owner
        self._environ = environ

    def variable(self, name: str) -> str | None:
        """A variable that is not blank."""
        return (self._environ.get(name) or "").strip() or None

    def text(self, name: str, argument: Any, variable: str | None = None) -> str | None:
        """Text; None where nobody gave any."""
        if argument is None:
            return None if variable is None else self.variable(variable)
        if not isinstance(argument, str) or not argument.strip():
            raise self.wrong(name, argument, "text that is not blank")
        return argument.strip()

    def switch(self, name: str, argument: Any, variable: str) -> bool | None:
        """True or False; None where nobody said."""
        if argument is not None:
            if not isinstance(argument, bool):
                raise self.wrong(name, argument, "True or False")
            return argument
        word = self.variable(variable)
        if word is None:
            return None
        if word.lower() not in _TRUE | _FALSE:
            raise ConfigurationError(
                f"The environment variable {variable} cannot be {word!r}: expected true, 1, false or 0. Correct or unset it."
            )
        return word.lower() in _TRUE

    def names(self, name: str, argument: Any) -> tuple[str, ...] | None:
        """A list of names; None where nobody gave one."""
        if argument is None:
            return None
        given: Any = argument
        if not isinstance(given, (list, tuple)) or not all(isinstance(key, str) and key for key in given):  # pyright: ignore[reportUnknownVariableType]
            raise self.wrong(name, argument, "a list of names")
        return tuple(given)  # pyright: ignore[reportUnknownArgumentType]

    def wrong(self, name: str, value: Any, expected: str) -> ConfigurationError:
        """The error for an argument."""
        shown = "'***'" if name == "api_key" else repr(value)
        return ConfigurationError(f"{self._owner}({name}={shown}): expected {expected}. Correct it, or leave it out.")
