# ruff: noqa: RUF001 - a pattern broken over lines can neither be read nor searched; full-width signs are what some languages write
"""The value behind an operator, `password = hunter2`: which kind it is, and where it ends if nothing encloses it.

Whether it is a secret, `unquoted_verdicts.py` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.key_names import Sensitivity, looks_like_credential, looks_like_password
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.quoted_values import QUOTE, fallback_value, quoted_value
from spanbridge.processors.unquoted_verdicts import Unquoted, is_secret
from spanbridge.processors.value_words import before_other_script, is_mixed_word, is_secret_word

if TYPE_CHECKING:
    from spanbridge.processors.places import Found, Place

MAX_UNQUOTED = 8192
"""A value that is longer is text, not a secret: what the patterns below take at most."""
_COMPARISONS = frozenset(("==", "===", "!=", "!=="))
_HTTPIE = re.compile(r"(?:^|[\s$`;&|(])(?:https?|xhs?) ")
"""A command that takes `name==value` for a parameter of the address."""
_YAML_MARK = re.compile(r"(?:&\w{1,16}|!!str) (?=[^\s&|])")
"""Before a value: `password: &name x`, `password: !!str x`."""
_LEAD_IN = re.compile(r"[“”„«»‹›‘‚「『][ \u00a0\u202f]?|\*{2,3}(?=[^\s*]{3,200}\*\*)")
"""Before a value: quotes of letters, stress."""
_ARN = re.compile(r"arn:[\w-]{0,12}:[\w-]{0,24}:[\w-]{0,16}:\d{0,14}:\Z")
_BRACED = re.compile(r"""\{(?P<v>[^{}\n"']{3,200})\}(?=;|\\{0,15}["']|\s|\Z)""")
"""How connection strings quote: `Pwd={a;b}`."""


def operand(place: Place, at: int, op: str, *, spaced: bool) -> Found:
    """The value at `at`, behind the operator `op` that follows a name; `spaced`: blanks stand between."""
    text, level = place.text, place.level
    if op == "|":
        return _cell(place, at)
    if QUOTE.match(text, at):
        return quoted_value(text, at, level, place.name)
    if op == "==" and not spaced and place.head.endswith(" ") and _HTTPIE.search(_line_before(place)):
        op = "="
    if op in _COMPARISONS or (op == ":" and not spaced and _is_in_address(place.head)):
        return ()
    if op == ":" and (mark := _YAML_MARK.match(text, at)) is not None:
        at = mark.end()
    if op == "=" and (braced := _BRACED.match(text, at)) is not None:
        return _braced_value(place, braced)
    if (lead_in := _LEAD_IN.match(text, at)) is not None:
        at = lead_in.end()
    if (fallback := fallback_value(text, at, level)) is not None:
        return (fallback,)
    value = _unquoted(place, at, op, spaced=spaced)
    return ((value.start, value.end),) if value is not None and is_secret(value) else ()


def _line_before(place: Place) -> str:
    """What stands before a name on its line, as far as a command is looked for."""
    return place.text[max(0, place.left - _MAX_ROW) : place.left].rpartition("\n")[2]


def _is_in_address(head: str) -> bool:
    """Whether a name with a colon behind it is a part of an address: `https://token:`, `arn:aws:secretsmanager:eu:1:secret:`."""
    return head.endswith("://") or _ARN.search(head) is not None


def _braced_value(place: Place, braced: re.Match[str]) -> Found:
    """Of `Pwd={a;b}` the `a;b`: between semicolons it is no variable of a format string."""
    is_value = place.head.rstrip().endswith(";") or not is_placeholder(braced[0])
    is_strong = place.level is Sensitivity.STRONG
    return (braced.span("v"),) if is_strong and is_value and looks_like_password(braced["v"]) else ()


# ── cells ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_CELL = re.compile(
    r"""[ \t*`]{0,80}(?P<v>[^\s"'`<>\\|*][^\s"'`<>\\|]{1,8190}?[^\s"'`<>\\|*])[ \t*`]{0,80}(?P<bar>\||\r?\n|\\{1,7}n|\Z)"""
)
_CELL_START = re.compile(r"\|[ \t*`]{0,40}\Z")
_ROW_START = re.compile(r"(?:\A|\n|\\n)\Z")
_OWNED_CELL_START = re.compile(r"\|[ \t*`]{0,40}(?:[A-Za-z]{2,20} )?\Z")
_BAR = re.compile(r"[ ]?\|")
_LINE_BREAK = re.compile(r"\n|\\{1,7}n")


def _in_table(place: Place, cell: re.Match[str]) -> bool:
    """Whether a row without outer bars has more cells, or the line before or behind it has: a pipe of a shell stands alone."""
    if cell["bar"] == "|":
        return True
    before = _LINE_BREAK.split(place.text[max(0, place.left - _MAX_ROW) : place.left])[-2:-1]
    behind = _LINE_BREAK.split(place.text[cell.end("v") : cell.end() + _MAX_ROW])[1:2]
    return any(_BAR.search(line) for line in (*before, *behind))


_MAX_ROW = 200
_OWNED = ("key", "token", "code")
"""Before these their owner stands, in the same cell."""


def _cell(place: Place, at: int) -> Found:
    """The next cell of a table's row, `| password | hunter2 |`; a pipe of a shell has no bar before its first word."""
    cell = _CELL.match(place.text, at)
    starts = _OWNED_CELL_START if place.name.lower().startswith(_OWNED) else _CELL_START
    if cell is None:
        return ()
    value = cell["v"]
    in_row = cell["bar"] == "|" and starts.search(place.head) is not None
    if not in_row and not (_ROW_START.search(place.head) and is_mixed_word(value) and _in_table(place, cell)):
        return ()
    return (cell.span("v"),) if not is_placeholder(value) and is_secret_word(value, place.level) else ()


# ── where a value ends ────────────────────────────────────────────────────────────────────────────────────────────────

_WORD = re.compile(r"""[^\s"'`<>\\,;&|(){}\[\]“”„«»‹›‘’、。，；）\x1b\u200b]{1,8192}""")
_REST_OF_LINE = re.compile(r"""[^\s"'`\\<>]{1,8192}""")
_PARAMETER = re.compile(r"""[^\s"'`\\<>&;#]{1,8192}""")
_INI_VALUE = re.compile(r"""[^\s"'`\\;#]{1,8192}""")
_YAML_SIGN = re.compile(r"&(?![#\s]|\w{2,6};)")
"""It has a meaning in YAML, where a value that begins with it had to be quoted."""
NEXT_FIELD = re.compile(r"[&;,|](?=[A-Za-z_][\w.\-\[\]%]{0,64}=)|&&|\|\||;\Z|\|(?=[a-z]{2,12}\Z)")
"""Where a form's next field, or a shell's next command, begins."""
_LINE_START = re.compile(
    r"""(?:^|[\n\r]|\\[nr])[ \t+-]{0,40}(?:(?:export|set|ENV|ARG|SET|setx|declare -x|env|-)[ ]|\$env:)?["']?\Z"""
)
_ENVIRONMENT = re.compile(r"(?:^|\s)(?:export|setx?|env|-e|--env|--build-arg|ENV|ARG)[ ][\"']?\Z")
_SECTION = re.compile(r"(?:\A|\n)\[[\w .:-]{1,40}\]\n(?:[\w.-]{1,30}[ ]?[=:][ ]?[^\n]{0,40}\n){0,4}\Z")
_HEADER_FLAG = re.compile(r"""(?:-H|--header)[ =]?\\{0,7}["']\Z""")
_HEADER_LINE = re.compile(rf"""{_HEADER_FLAG.pattern}|(?:\A|[\n\r]|\\[nr])[ \t]{{0,16}}(?:[<>*+-] ?)?\Z""")
_BEFORE_PARAMETER = ("?", "&", ";", "&amp;")
_ENCODED_OPERATORS = ("%3D", "%3A")
_ENCODED_BLANKS = re.compile(r"(?:%20|\+)*")
_ENCODED_END = re.compile(r"%(?:26|20|22|27|0[AaDd]|2[Cc]|3[Bb]|5[Dd]|7[Dd])|\+")
"""What ends a word where the operator before it is percent-encoded: whatever would end it once it is decoded."""
_AFTER_PARAMETER = re.compile("[&#]")
_SENTENCE_ENDS = ".,;:?)*"


def _unquoted(place: Place, at: int, op: str, *, spaced: bool) -> Unquoted | None:
    """The word at `at` with all that decides on it; where a line, an INI file or an address holds it, it may have more signs."""
    text, head = place.text, place.head
    is_encoded = op in _ENCODED_OPERATORS
    if is_encoded and (blanks := _ENCODED_BLANKS.match(text, at)) is not None:
        at = blanks.end()
    is_line = _LINE_START.search(head) is not None or _ENVIRONMENT.search(head) is not None
    is_parameter = head.endswith(_BEFORE_PARAMETER) or is_encoded
    in_section = op == "=" and _SECTION.search(head) is not None
    is_header = op == ":" and (_HEADER_LINE if "-" in place.name else _HEADER_FLAG).search(head) is not None
    is_rest = is_header or (not is_parameter and not in_section and is_line and op == "=" and not spaced)
    pattern = _PARAMETER if is_parameter else _INI_VALUE if in_section else _REST_OF_LINE if is_rest else _WORD
    has_sign = op == ":" and _YAML_SIGN.match(text, at) is not None
    word = pattern.match(text, at + has_sign)
    if word is None:
        return None
    start, end = word.span()
    end = before_other_script(text, start, end)
    if text[at] == "&" and looks_like_credential(text[at:end]):
        start = at
    if is_encoded and (ended := _ENCODED_END.search(text, start, end)) is not None:
        end = ended.start()
    if not is_parameter and ("?" in head or text.startswith("&", end)):
        end = start + len(_AFTER_PARAMETER.split(word[0], maxsplit=1)[0])
    elif is_rest and (following := NEXT_FIELD.search(text, start, end)) is not None:
        end = following.start()
    end = start + len(text[start:end].rstrip(_SENTENCE_ENDS))
    return Unquoted(place, op, spaced, start, end, text[start:end], is_line, is_parameter, in_section, is_header)
