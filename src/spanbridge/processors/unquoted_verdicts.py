# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""Whether a value without quotes is a secret: what surrounds it decides where the word alone does not.

Three tables of questions, each with an example: what makes it something else (`_ELSE`), where any word is a value (`_DELIMITED`), and
what else a name's line says (`_LIKELY`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from spanbridge.processors.key_names import Sensitivity, is_path, looks_like_credential, looks_like_password
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.value_words import GOES_ON, is_mixed_word, names_itself

if TYPE_CHECKING:
    from spanbridge.processors.places import Place


class Unquoted(NamedTuple):
    """A value without quotes behind an operator."""

    place: Place
    """The name before it."""
    op: str
    spaced: bool
    """Whether blanks stand between the operator and the value."""
    start: int
    end: int
    value: str
    is_line: bool
    """The name begins a line, or is a variable of an environment: `export NAME=x`."""
    is_parameter: bool
    """Of an address or a form: `?name=x&`."""
    in_section: bool
    """Of an INI file, where a word without quotes is a value."""
    is_header: bool
    """Of a request or a response, a line each: `X-Api-Key: x`."""

    @property
    def following(self) -> str:
        """The character behind the value."""
        return self.place.text[self.end : self.end + 1]

    @property
    def is_environment(self) -> bool:
        """`export DB_PASS=x`, `DB_PASS=x` at the start of a line."""
        return self.is_line and not self.spaced and self.op == "=" and self.place.name.isupper()

    @property
    def ends_line(self) -> bool:
        """Whether nothing but a comment stands behind it on its line."""
        return _LINE_END.match(self.place.text, self.end) is not None


_LINE_END = re.compile(r"(?:[ \t]*(?:\#[^\n]*)?(?:$|[\n\r]|\\[nr]))|\\{0,15}[\"']")


def is_secret(this: Unquoted) -> bool:
    """Whether a value is one that its name promises."""
    if not this.value or any(is_else(this) for is_else in _ELSE):
        return False
    likely = _is_likely_beside_weak_name if this.place.level is Sensitivity.WEAK else _is_likely_beside_strong_name
    return likely(this) and not is_placeholder(this.value)


def _is_likely_beside_weak_name(this: Unquoted) -> bool:
    """`token = a1B2c3D4`, `AUTH=hunter2go` of an environment, `pass = hunter2`."""
    return (
        looks_like_credential(this.value)
        or (this.is_environment and len(this.value) >= 8 and looks_like_password(this.value))
        or _is_value_of_pass(this)
    )


def _is_value_of_pass(this: Unquoted) -> bool:
    """`pass = hunter2`; a test passes too."""
    name, value = this.place.name, this.value
    if not name.lower().endswith("pass"):
        return False
    is_setting = this.op == "=" or (this.op == ":" and this.is_line and name in ("pass", "Pass") and this.ends_line)
    return is_setting and "test" not in value.lower() and is_mixed_word(value)


def _is_likely_beside_strong_name(this: Unquoted) -> bool:
    value = this.value
    if is_path(value) and ("pwd" in this.place.name.lower() or "/" in value[1:]):
        return False
    return (
        looks_like_password(value)
        or (looks_like_credential(value) and len(value) >= 16)
        or (this.op in _ASSIGNS and len(value) >= 3 and any(delimits(this) for delimits in _DELIMITED))
        or any(is_likely(this) for is_likely in _LIKELY)
    )


# ── something else ────────────────────────────────────────────────────────────────────────────────────────────────────

_ERROR_CODE = re.compile(r"[A-Z]{2,12}-?\d{2,10}")
_ENCODED = ("%3D", "%3A")
_ENCODED_VARIABLE_STARTS = ("%24%7B", "%7B%7B", "%3C")
_VARIABLE_STARTS = ("$", "{", "%(", "this.", "self.")
_FILE_OF = re.compile(r"[\w.-]{1,40}:/[\w./-]*\Z")
_SCHEME = re.compile(r"(?i)(?:Bearer|Basic|Token)\Z")


def _is_call(this: Unquoted) -> bool:
    """`token = fetch(`, `password = rows[`."""
    return this.following in ("(", "[")


def _is_name(this: Unquoted) -> bool:
    """`password=user_password`; the value of an environment's variable is no name."""
    return names_itself(this.value.partition("=")[0]) and not this.is_environment


def _is_error_code(this: Unquoted) -> bool:
    """`Error acquiring access token: AADSTS7000215: invalid client`."""
    return (
        this.op == ":" and this.place.text.startswith(": ", this.end) and _ERROR_CODE.fullmatch(this.value) is not None
    )


def _is_encoded_variable(this: Unquoted) -> bool:
    """`password%3D%24%7BPW%7D`."""
    return this.op in _ENCODED and this.value.startswith(_ENCODED_VARIABLE_STARTS)


def _goes_on(this: Unquoted) -> bool:
    """`key_size = block_size * 2`."""
    return this.value.isidentifier() and "_" in this.value and GOES_ON.match(this.place.text, this.end) is not None


def _is_comment(this: Unquoted) -> bool:
    """`password = // ask`; behind a semicolon it is a setting's value."""
    return this.value.startswith(("//", "/*")) and not this.place.head.rstrip().endswith(";")


def _is_variable(this: Unquoted) -> bool:
    """`password=$PW`, `password=self.password`, `password=@pw`, `$password = value`."""
    value = this.value
    return (
        value.startswith(_VARIABLE_STARTS)
        or (value.startswith("@") and value[1:].replace(".", "").isalpha())
        or (this.place.head.endswith("$") and value.isalpha())
    )


def _is_file(this: Unquoted) -> bool:
    """A name and the file that holds its value: `secret=db:/run/secrets/db`."""
    return _FILE_OF.match(this.value) is not None


def _is_scheme(this: Unquoted) -> bool:
    """`auth: Bearer a1B2`: the value comes after it."""
    return _SCHEME.match(this.value) is not None and this.following == " "


def _counts_tokens(this: Unquoted) -> bool:
    """`tokens=812`."""
    return "token" in this.place.name.lower() and this.value.replace(".", "").isdigit()


_ELSE = (
    _is_call,
    _is_variable,
    _is_encoded_variable,
    _is_error_code,
    _is_comment,
    _counts_tokens,
    _is_scheme,
    _is_file,
    _goes_on,
    _is_name,
)
"""What says that a value is no secret."""

# ── where any word is a value ─────────────────────────────────────────────────────────────────────────────────────────

_ASSIGNS = frozenset(("=", "%3D", "=>"))
_SETTING_BEFORE = re.compile(r"[\w\]]=[^\s=;]{1,200};[ ]?\Z")
_LIBPQ_BEFORE = re.compile(r"(?:host|user|dbname|port|hostaddr)=[^\s=]{1,64}[ ](?:\w{1,20}=[^\s=]{1,64}[ ]){0,2}\Z")
_SET_FLAG = re.compile(r"--set(?:-string)?[ =][\"']?(?:[\w.\[\]-]{1,40}=[^\s,=]{0,40},){0,4}\Z")
_SERVER_BEFORE = re.compile(r"[\w-]\.[\w.-]{1,60}:\d{2,5},(?:\w{1,20}=\w{1,20},){0,3}\Z")
_NEXT_SETTING = re.compile(r",[ ]?[\w.]{1,40}=")


def _is_in_form(this: Unquoted) -> bool:
    """`?user=bob&password=marmalade`, `password=marmalade&user=bob`."""
    return this.is_parameter or this.following == "&"


def _is_in_connection_string(this: Unquoted) -> bool:
    """`Server=a;Pwd=marmalade;`, `host=db user=app password=marmalade`, `cache.internal:6380,password=marmalade,ssl=True`."""
    head = this.place.head
    return (
        this.following == ";"
        or head.rstrip().endswith(";")
        or _SETTING_BEFORE.search(head) is not None
        or _LIBPQ_BEFORE.search(head) is not None
        or (
            this.following == ","
            and _NEXT_SETTING.match(this.place.text, this.end) is not None
            and _SERVER_BEFORE.search(head) is not None
        )
    )


def _is_argument(this: Unquoted) -> bool:
    """`helm install --set user=bob,password=marmalade`, `java -Dpassword=marmalade`."""
    head = this.place.head
    is_define = head.endswith("-D") or (head.endswith("-") and this.place.name.startswith("D"))
    return (this.op == "=" and is_define) or _SET_FLAG.search(head) is not None


def _is_entry(this: Unquoted) -> bool:
    """`[password] => marmalade`, as PHP prints an array."""
    place = this.place
    return this.op == "=>" and place.head.endswith("[") and place.text.startswith("]", place.right)


def _is_setting(this: Unquoted) -> bool:
    """`db.user.password=marmalade` of a properties file, `password = marmalade` below the `[section]` of an INI file."""
    dots = this.place.name.count(".")
    is_property = this.op == "=" and this.is_line and dots > (1 if this.spaced else 0)
    return (is_property or this.in_section) and this.ends_line


_DELIMITED = (_is_in_form, _is_in_connection_string, _is_argument, _is_entry, _is_setting)
"""Where what surrounds a word says that it is a value, not a variable."""

# ── words of letters alone ────────────────────────────────────────────────────────────────────────────────────────────

_MEMBER = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)+")
_WORDS = re.compile(r"[A-Za-z_]\w*(?:[-/]\w+)*")
_GO_STRUCT = re.compile(r"(?:map\[|\{[\w.-]{1,40}:\S{0,60} )(?:[\w.-]{1,40}:\S{0,60} ){0,4}\Z")
_OWNED = re.compile(
    r"(?!(?:reset|forgot|change|confirm|new|old|current|repeat|retype|verify|show|hide|has|is|no|use|with|enable|require)_)(?:[a-z]+_)+(?:pass(?:word|wd)?|pwd)"
)
"""Whose password it is: `db_password`."""
_LAST_SETTING = re.compile(
    r"(?:\A|\n)(?:\+[ \t]{0,40}|stringData:\n[ \t]{1,8}|(?P<i>[ \t]{0,40})(?:user(?:_?name)?|login|host|server|port|database): ?[^\s:]{1,60}\n(?P=i))\Z"
)
"""Of YAML or of a diff, where a text ends with its value: a name alone is also what a form's field is called."""


def _is_in_environment(this: Unquoted) -> bool:
    """`DB_PASSWORD=marmalade` as a line, `db_password=summer-rain`; `password=settings.value` is code."""
    return (
        this.is_line
        and not this.spaced
        and this.op == "="
        and len(this.value) >= 4
        and (this.place.name.isupper() or "-" in this.value)
        and _MEMBER.fullmatch(this.value) is None
    )


def _is_in_go_struct(this: Unquoted) -> bool:
    """`map[password:marmalade user:bob]`, `{user:bob password:marmalade}`, as Go prints them."""
    if this.op != ":" or this.spaced or this.following not in (" ", "]", "}"):
        return False
    return _GO_STRUCT.search(this.place.head) is not None


def _is_in_yaml(this: Unquoted) -> bool:
    """`password: marmalade` as a line; a name in capitals beside a word in them is prose: `Password: Required`."""
    name, value, head = this.place.name, this.value, this.place.head
    return (
        this.is_line
        and this.op == ":"
        and not head.endswith(("'", '"'))
        and len(value) >= 5
        and _WORDS.fullmatch(value) is not None
        and (value == value.lower() or name.islower() or name.isupper())
        and this.ends_line
        and (
            this.following != ""
            or (name.isupper() and "_" in name)
            or (name.islower() and _OWNED.fullmatch(name) is not None)
            or _LAST_SETTING.search(head) is not None
        )
    )


_CARD_CODE = re.compile(r"(?i)cv[vc]2?\Z")
_NEIGHBOUR = r"[A-Za-z][\w.-]{0,40}"
_SETTING_BEFORE_IT = re.compile(rf"{_NEIGHBOUR}=[^\s=(){{}};]{{0,60}}(?:\r?\n|\\n)\Z")
_SETTING_BEHIND_IT = re.compile(rf"(?:\r?\n|\\n){_NEIGHBOUR}=[^\s=()]")
_NO_CODE = r"(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?|/[\w./-]{2,80}|[\w-]{1,40}(?:\.[\w-]{1,40}){0,6}\.(?:com|org|net|local|internal|example|io|dev)(?::\d{1,5})?)"
"""What no expression of a language is: an address, a path."""
_ADDRESS_BEFORE = re.compile(rf"{_NEIGHBOUR} = {_NO_CODE}(?:\r?\n|\\n)[ \t]{{0,16}}\Z")
_ADDRESS_BEHIND = re.compile(rf"(?:\r?\n|\\n)[ \t]{{0,16}}{_NEIGHBOUR} = {_NO_CODE}(?=\s|\\n|[\"']|\Z)")


def _is_among_settings(this: Unquoted) -> bool:
    """`password=marmalade` beside other lines `name=value`, `secret = marmalade` beside `host = 10.0.0.1`: files of settings, no code."""
    text, start = this.place.text, this.place.left
    if this.op != "=" or not this.is_line or len(this.value) < 5 or not this.ends_line:
        return False
    before, behind = (_ADDRESS_BEFORE, _ADDRESS_BEHIND) if this.spaced else (_SETTING_BEFORE_IT, _SETTING_BEHIND_IT)
    return before.search(text, max(0, start - 160), start) is not None or behind.match(text, this.end) is not None


def _is_value_of_password_flag(this: Unquoted) -> bool:
    """`run --password=marmalade`: of a password alone, other flags take names."""
    is_flag = this.op == "=" and not this.spaced and this.place.head.endswith("--")
    return (
        is_flag and "pass" in this.place.name and len(this.value) >= 6 and this.value.islower() and this.value.isalpha()
    )


def _is_in_header(this: Unquoted) -> bool:
    """`X-Api-Key: summer.rain` as a line, `-H 'X-Auth-Token: abc/def'`."""
    return this.is_header and len(this.value) >= 3 and this.ends_line


def _is_card_code(this: Unquoted) -> bool:
    """`CVV: 123`, `cvc=123`."""
    return _CARD_CODE.search(this.place.name) is not None and this.value.isdigit() and len(this.value) == len("123")


_LIKELY = (
    _is_card_code,
    _is_in_header,
    _is_in_environment,
    _is_in_go_struct,
    _is_in_yaml,
    _is_among_settings,
    _is_value_of_password_flag,
)
"""Where even a word of letters is a password."""
