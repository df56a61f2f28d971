"""Columns of tables in text that say "secret" at their head: CSV, TSV, Markdown, columns set apart by spaces, SQL's INSERT."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from spanbridge.processors.key_names import (
    Classifier,
    Sensitivity,
    is_path,
    looks_like_credential,
    looks_like_password,
)
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.text_rule import Budget, Span, TextRule, matches, next_match

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUALIFIER = r"(?:[_.-][A-Za-z0-9]{1,12})?"
_WORD = rf"(?:passw(?:or)?[dt]|passphrase|pwd|secret|token|key)s?{_QUALIFIER}"
_NAME = rf"(?:[A-Za-z]{{2,12}} ){{0,2}}[A-Za-z0-9_.-]{{0,24}}{_WORD}"
_HEAD = re.compile(
    rf"(?m)^[^\n]{{0,400}}?(?:(?<=[,|;\t])[ \t\"]{{0,40}}|(?<=  )|^[ \t\"]{{0,40}}){_NAME}[ \t\"]{{0,40}}(?:[,|;\t]|(?<=  )|\r?$)",
    re.IGNORECASE,
)
_RULE_LINE = re.compile(r"[\s|:+=-]*")
_NO_HEAD = re.compile("[/${}<>]")
"""A value, where a list of names and values looks like a table."""
_VERSION = re.compile(r"\d+(?:[.:,/-]\d|\Z)")
"""A number or a version, which stands below a head."""
_SPACES = "  "
_AROUND_CELLS = ' \t\r"*`'
_DELIMITERS = ("\t", "|", ";", ",", _SPACES)
_SPACED_CELL = re.compile(r"[^\s](?:[^\n]*?[^\s])??(?= {2}|\s*\Z)")
_MAX_ROWS = 10_000
_MAX_COLUMNS = 64
_CELL_END = (
    rf"{_WORD}(?: {{0,40}}(?:[,|;\t]|\\{{1,8}}[nrt]|[\r\n])|  |\\{{0,8}}\"(?:[,;]\\{{0,8}}\"|\\{{1,8}}[nr]|[\r\n]))"
)
_TABLE_PROBE = Probe(
    ("passw", "passphrase", "pwd", "secret", "token", "key"),
    # Not the whole name back to where its cell begins: to go through every word for that would cost a fifth of the engine's time.
    rf"(?i)(?:(?:^|[\n\",|;\t]|\\[nt]|  ) {{0,2}}|[A-Za-z_.-]|(?:access|api|auth|private|secret) ){_CELL_END}",
    8,
    f"(?i){_CELL_END}",
)


def table_rule(classify: Classifier) -> TextRule:
    """Cells below a name, as far as the lines have as many cells as the line with the names."""

    def find(text: str, budget: Budget) -> Iterator[Span]:
        done = 0
        while (match := next_match(_HEAD, text, done, budget)) is not None:
            done = _line_end(text, match.start())
            line = text[match.start() : done]
            delimiter = next((character for character in _DELIMITERS if character in line), None)
            if delimiter is None or line.strip().count(delimiter) > 4 * _MAX_COLUMNS:
                continue
            around = _around(delimiter)
            heads = [cell.strip(around) for cell in _cells(line, delimiter)]
            levels = [classify(head) if _NO_HEAD.search(head) is None else Sensitivity.NONE for head in heads]
            if any(levels) and len([*filter(None, heads)]) > 1 and not any(map(_VERSION.match, heads)):
                found, done = _below(text, done, delimiter, levels, classify)
                yield from (Span(start, end, "table_column") for start, end in found)

    return TextRule((_TABLE_PROBE,), find)


_INSERT = re.compile(
    r"insert into [^\s()]{1,128} ?\((?P<columns>[^()']{1,2000})\)\s{1,40}values\s{0,40}(?=\()", re.IGNORECASE
)
_SQL_ROW = re.compile(
    r"[,\s]{0,40}\((?P<row>(?:[^()'\"]|'[^'\n]{0,4000}'|\"[^\"\n]{0,4000}\"|\([^()]{0,200}\)){1,8000})\)"
)
_SQL_CELL = re.compile(
    r"""\s*(?:\\{0,3}'(?P<v>(?:[^'\n\\]|''){0,4000})\\{0,3}'|(?:[^,'(]|\([^()]{0,200}\)){1,4000})\s{0,40}(?:,|\Z)"""
)


def insert_rule(classify: Classifier) -> TextRule:
    """The strings of an INSERT below a column that says "secret"."""

    def find(text: str, budget: Budget) -> Iterator[Span]:
        for insert in matches(_INSERT, text, budget):
            levels = [classify(column.strip(' `[]"\\\n')) for column in insert["columns"].split(",")]
            at = insert.end()
            while any(levels) and (row := _SQL_ROW.match(text, at)) is not None:
                at = row.end()
                cells = list(_SQL_CELL.finditer(text, row.start("row"), row.end("row")))
                for cell, level in zip(cells, levels, strict=False):
                    value = cell["v"]
                    if len(cells) != len(levels) or not level or not value or is_placeholder(value):
                        continue
                    if level is Sensitivity.STRONG or looks_like_credential(value):
                        yield Span(*cell.span("v"), "table_column")

    return TextRule(
        (
            Probe(
                ("insert into",),
                r"(?i)insert into [^()]{1,128}\([^()]{0,400}(?:pass|pwd|secret|token|key|auth|cred|otp)",
                0,
            ),
        ),
        find,
    )


def _is_base64(value: str) -> bool:
    """Whether a value that begins as a path does is a key in base64, as one of AWS may."""
    return value[:1] == "/" and not is_path(value) and looks_like_credential(value[1:])


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _below(
    text: str, at: int, delimiter: str, levels: list[Sensitivity], classify: Classifier
) -> tuple[list[tuple[int, int]], int]:
    """The secrets in the rows below a line of names, and where the last row ends: no row is looked at twice."""
    found: list[tuple[int, int]] = []

    @lru_cache(maxsize=256)
    def is_secret(value: str, level: Sensitivity) -> bool | None:
        """None for a name, which begins the next table. A column has few values that come again and again, or secrets."""
        if is_placeholder(value) or re.search(r"\s", value):
            return False
        if (
            looks_like_credential(value)
            or (level is Sensitivity.STRONG and _is_base64(value))
            or (level is Sensitivity.STRONG and looks_like_password(value))
        ):
            return True
        return None if classify(value) else False

    around = _around(delimiter)
    secret = [(column, level) for column, level in enumerate(levels) if level]
    for _ in range(_MAX_ROWS):
        if at >= len(text):
            break
        start = at + 1
        end = _line_end(text, start)
        line = text[start:end]
        if line and delimiter in ("|", _SPACES) and _RULE_LINE.fullmatch(line):
            at = end
            continue
        cells = _cells(line, delimiter)
        # The last line may be cut off.
        if len(cells) != len(levels) and (end < len(text) or len(cells) > len(levels)):
            break
        places: list[tuple[int, int]] = []
        for column, level in secret:
            if column >= len(cells):
                break
            value = cells[column].strip(around)
            verdict = is_secret(value, level) if value else False
            if verdict is None:
                return found, at
            if verdict:
                places = places or _places(line, delimiter)
                value_start = start + places[column][0] + cells[column].find(value)
                found.append((value_start, value_start + len(value)))
        at = end
    return found, at


def _around(delimiter: str) -> str:
    """What may stand around the value of a cell."""
    return "" if delimiter == _SPACES else _AROUND_CELLS


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line."""
    if '"' not in line and delimiter != _SPACES:
        return line.split(delimiter)
    return [line[start:end] for start, end in _places(line, delimiter)]


def _places(line: str, delimiter: str) -> list[tuple[int, int]]:
    """Where the cells of a line stand."""
    if delimiter == _SPACES:
        return [part.span() for part in _SPACED_CELL.finditer(line)]
    parts = re.finditer(rf'[ ]?"[^"\n]*"[ ]?|[^{re.escape(delimiter)}\n]*', line)
    # Without the empty match behind a cell.
    return [part.span() for part in parts if not part.start() or line[part.start() - 1] == delimiter]
