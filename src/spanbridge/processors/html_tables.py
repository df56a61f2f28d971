"""Columns of HTML's tables that say "secret" at their head."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.key_names import Classifier, Sensitivity, looks_like_credential, looks_like_password
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.text_rule import Budget, Span, TextRule, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

_GAP = r"(?:\s|\\{1,7}[nrt])"
_TAG = r"(?:<(?!/?t)[^<>]{1,80}>)"
"""What may stand in a cell around its text."""
_ROW = re.compile(
    rf"<tr\b[^<>]{{0,200}}>(?P<cells>(?:{_GAP}{{0,40}}<t[hd]\b[^<>]{{0,200}}>(?:[^<>]|{_TAG}){{0,400}}</t[hd]>){{2,64}}){_GAP}{{0,40}}(?:</tr>)?",
    re.IGNORECASE,
)
_CELL = re.compile(
    rf"<t[hd]\b[^<>]{{0,200}}>(?:{_GAP}|{_TAG}){{0,40}}(?P<v>[^<>]{{0,400}}?){_GAP}{{0,40}}{_TAG}{{0,8}}</t[hd]>",
    re.IGNORECASE,
)
_PROBE = Probe(
    ("</th>", "</td>"),
    r"(?i)(?:passw(?:or)?d|passphrase|pwd|secret|token|key|code)s?[^<>]{0,12}(?:</[a-su-z][^<>]{0,12}>)?</t[hd]>[^<]{0,40}<(?:t[hdr]|/t)",
)
_MAX_BETWEEN = 200
"""Characters between two rows of a table."""


def html_table_rule(classify: Classifier) -> TextRule:
    """Cells below a name, in the rows that follow with as many cells."""

    def find(text: str, budget: Budget) -> Iterator[Span]:
        levels: list[Sensitivity] = []
        end = 0
        for row in matches(_ROW, text, budget):
            cells = list(_CELL.finditer(text, *row.span("cells")))
            if len(cells) != len(levels) or row.start() - end > _MAX_BETWEEN:
                levels = [classify(cell["v"].strip(" :")) for cell in cells]
            elif any(levels):
                for cell, level in zip(cells, levels, strict=True):
                    if level and _is_secret(cell["v"], level):
                        yield Span(*cell.span("v"), "table_column")
            end = row.end()

    return TextRule((_PROBE,), find)


def _is_secret(value: str, level: Sensitivity) -> bool:
    if is_placeholder(value) or re.search(r"\s", value):
        return False
    return looks_like_credential(value) or (level is Sensitivity.STRONG and looks_like_password(value))
