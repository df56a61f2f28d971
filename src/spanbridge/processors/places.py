"""A name in a text, as the readers see it that look for its value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from spanbridge.processors.key_names import Sensitivity


class Place(NamedTuple):
    """A name in a text."""

    text: str
    left: int
    right: int
    """Where it starts and ends."""
    name: str
    level: Sensitivity
    head: str
    """What stands before it."""

    @property
    def is_header(self) -> bool:
        """Whether the value is that of an `Authorization` or `Cookie` header."""
        return self.name.lower().rstrip("0123456789").endswith(("authorization", "cookie"))

    @property
    def is_cookie(self) -> bool:
        """Whether the value holds cookies."""
        return self.name.lower().rstrip("0123456789").endswith("cookie")


Found = Iterable[tuple[int, int]]
"""Where values stand in a text: their starts and ends."""
Spans = Found | None
"""The values that a name leads to; None: it is connected otherwise."""
