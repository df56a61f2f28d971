"""Values that are given by argument or by one of Datadog's environment variables: an argument wins, a blank variable is absent."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SITE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
_KEY = re.compile(r"[ -~]+")
"""What a header may hold."""
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

    def site(self, argument: Any) -> str | None:
        """Datadog's site, a host's name; None where nobody gave any."""
        site = self.text("site", argument, "DD_SITE")
        if site is not None and not _SITE.fullmatch(site):
            raise self.wrong("site", argument, "a site such as datadoghq.eu", "DD_SITE", site)
        return site

    def key(self, argument: Any) -> str | None:
        """The key; None where nobody gave any."""
        key = self.text("api_key", argument, "DD_API_KEY")
        if key is not None and not _KEY.fullmatch(key):
            raise self.wrong("api_key", argument, "printable characters of ASCII", "DD_API_KEY", key)
        return key

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
            raise self.wrong(name, None, "true, 1, false or 0", variable, word)
        return word.lower() in _TRUE

    def names(self, name: str, argument: Any) -> tuple[str, ...] | None:
        """A list of names; None where nobody gave one."""
        if argument is None:
            return None
        given: Any = argument
        if not isinstance(given, (list, tuple)) or not all(isinstance(key, str) and key for key in given):  # pyright: ignore[reportUnknownVariableType]
            raise self.wrong(name, argument, "a list of names")
        return tuple(given)  # pyright: ignore[reportUnknownArgumentType]

    def wrong(self, name: str, argument: Any, expected: str, variable: str = "", word: str = "") -> ConfigurationError:
        """The error for an argument; where nobody gave it, for the `word` in its environment variable."""
        is_variable = argument is None and variable != ""
        shown = "'***'" if name == "api_key" else repr(word if is_variable else argument)
        if is_variable:
            return ConfigurationError(
                f"The environment variable {variable} cannot be {shown}: expected {expected}. Correct or unset it."
            )
        return ConfigurationError(f"{self._owner}({name}={shown}): expected {expected}. Correct it, or leave it out.")
