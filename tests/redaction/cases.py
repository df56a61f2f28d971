"""What a labelled case is, and how texts with holes become cases."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

HOLE = "§"
"""Where the secret stands in a template."""


class Case(NamedTuple):
    """A value and what must become of it."""

    name: str
    """`group/what`; figures are counted by group."""
    value: Any
    secrets: tuple[str, ...] = ()
    """What must be gone; none: the value must come back unchanged."""
    keeps: tuple[str, ...] = ()
    """What must still be there."""


_WORD = re.compile(r"[^\W_][\w.-]{2,}")


def words_around(template: str) -> tuple[str, ...]:
    """The words of a template outside its hole."""
    return tuple(dict.fromkeys(word.strip("._-") for part in template.split(HOLE) for word in _WORD.findall(part)))


def text_case(name: str, template: str, secret: str) -> Case:
    """A template whose every word around its hole must stay."""
    return Case(name, template.replace(HOLE, secret), (secret,), words_around(template))
