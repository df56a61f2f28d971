"""How a setting's value is shown in errors, in `repr` and by `spanbridge doctor`: short and without its secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_CHARACTERS = 120
MASK = "***"

_WORD = r"[\w.-]*(?:passw|pwd|passphrase|secret|token|credential|signature|auth|(?:api|access|private)[-_.]?key)[\w.-]*"
_SECRET_NAME = re.compile(_WORD + r"|.*[-_.](?:key|dsn)", re.IGNORECASE | re.DOTALL)
_USER_INFO = re.compile(r"(?<=//)\S*@")
_QUERY_AND_FRAGMENT = re.compile(r"(://[^?#\s]*)[?#]\S*")
_ASSIGNMENT = re.compile(rf"(?i)\b({_WORD}\s*[=:]\s*)[^\s&;,]+")


def display(value: Any, name: str = "") -> str:
    """`value` for people.

    Masked are the user info and the query of an address, assigned passwords, and all of a value whose `name` says
    secret. Of a foreign object only the class is named, of a mapping only its size.
    """
    if isinstance(value, str):
        if _SECRET_NAME.fullmatch(name):
            return MASK
        masked = _USER_INFO.sub(f"{MASK}@", value)
        masked = _QUERY_AND_FRAGMENT.sub(rf"\1?{MASK}", masked)
        masked = _ASSIGNMENT.sub(rf"\1{MASK}", masked)
        # Masked first: a secret that was cut in half would not be found.
        return repr(masked if len(masked) <= MAX_CHARACTERS else masked[: MAX_CHARACTERS - 3] + "...")
    if value is None or isinstance(value, (bool, int, float)):
        if isinstance(value, int) and value.bit_length() > 256:
            # Python refuses to write an integer of thousands of digits.
            return f"an integer of {value.bit_length()} bits"
        return MASK if _SECRET_NAME.fullmatch(name) and not isinstance(value, bool) else str(value)
    if isinstance(value, (list, tuple)):
        shown: list[str] = [display(item, name) for item in value[:10]]  # pyright: ignore[reportUnknownVariableType]
        return f"[{', '.join([*shown, '...'] if len(value) > 10 else shown)}]"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, Mapping):
        return f"a table of {len(value)}"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if callable(value) and hasattr(value, "__qualname__"):
        return f"the function {value.__qualname__}"
    return f"an instance of {type(value).__name__}"
