"""What connects a name that says "secret" with its value: operators, flags, items of lists, calls, prose, layout.

`READERS` are tried in order on the text behind a name. Each knows one kind of connection and answers with the values it leads to; None:
the text is connected otherwise. The probes of `keyword_probes.py` must let pass all that is read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanbridge.processors.argument_readers import (
    read_argument,
    read_atom,
    read_call,
    read_comparison,
    read_flag,
    read_item,
    read_name_of_secret,
)
from spanbridge.processors.operator_readers import read_complex_key, read_operator
from spanbridge.processors.prose_readers import (
    read_answer,
    read_below,
    read_beside,
    read_cells,
    read_prose,
    read_quoted_beside,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.processors.places import Place, Spans

READERS: tuple[tuple[str, Callable[[Place], Spans]], ...] = (
    ("= ", read_name_of_secret),
    ("", read_operator),
    ("\\\"'`]),.", read_comparison),
    ("\"'\n\\ ", read_complex_key),
    ("\\\"'", read_item),
    (" ", read_flag),
    (".({", read_call),
    ("", read_argument),
    (", ", read_atom),
    (" \t", read_quoted_beside),
    ("<", read_cells),
    ("", read_prose),
    (" \t", read_beside),
    ("? *\"'", read_answer),
    (" \t*_\r\n\\", read_below),
)
"""Each behind the characters of which one follows the name; none: any may but a letter, these aside:"""
COPULAS = frozenset("是は为為改设設입는은")
"""Letters that `read_prose` reads; others go on with a word of which the name is a part."""
