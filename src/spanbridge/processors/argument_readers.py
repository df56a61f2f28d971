# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""Values in lists, calls and command lines: `["--token", "x"]`, `--password x`, `setPassword("x")`, `put("password", "x")`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.generated_words import is_generated
from spanbridge.processors.header_values import header_value
from spanbridge.processors.key_names import Sensitivity, looks_like_credential, looks_like_password
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.prose_values import prose_value
from spanbridge.processors.quoted_values import QUOTE, quoted_value
from spanbridge.processors.value_words import is_secret_word, names_itself

if TYPE_CHECKING:
    from spanbridge.processors.places import Found, Place, Spans

_ITEM = re.compile(
    r"""(?P<open>\\{0,7}["'])[ \t]{0,2},[ \t]{0,2}(?P<value>[bru]?(?P=open)(?P<v>[^\s"'\\]{3,8192})(?P=open))(?P<last>[ \t]{0,2}[)\]])?"""
)
"""The next item of a list in text."""
_FLAG_HEAD = re.compile(r"(?:^|[\s\"'`=(\[,])-{1,2}\Z")
_FLAG_VALUE = re.compile(r"""[^\s"'`\\|<>]{3,8192}""")
_SHELL_VARIABLE = re.compile(r"\$[A-Za-z_]\w*")
_METAVARIABLE = re.compile(r"[A-Z][A-Z_-]*\]?|[a-z_-]+\]")
_WORD = re.compile(r"[a-z]{6,}")
_PAIR_START = re.compile(r"""[(\[][ ]?[bru]?\\{0,7}["']\Z""")
_FLAG_START = re.compile(r"""[\[, (][bru]?\\{0,7}["']--?\Z""")
_MAP_START = re.compile(r"(?:Map(?:\.of|\.entry|Entries)?|Pair(?:\.of)?|Entry|Tuple|hash)\([^()]{0,48}\Z")
_CALL = re.compile(r"""[({][ \t]{0,2}(?=\\{0,7}["'])""")
_FIRST_ARGUMENT = re.compile(r"""\\{0,7}["'][\w.-]{1,64}""")
_ONLY_ARGUMENT = re.compile(r"""\\{0,7}["'] ?\)""")
_SETS_COOKIE = re.compile(r"(?:\A|\.)set_?[Cc]ookie")
_OF_KEYS = ("KeyCredential", "TokenCredential", "SasCredential", "SecretCredential")
_CALL_PAIR = re.compile(
    r"""\\{0,7}["'][ \t]{0,2},[ \t]{0,16}(?:\\{0,7}["'](?=\\{1,15}["']\w|(?<=')"\w))?(?=(?:["'\\]|[fbru@$]["']))"""
)
"""Up to the value, which may be quoted twice: Gradle's `buildConfigField "String", "KEY", "\\"x\\""`."""
_CALL_NAME = re.compile(
    r"(?:(?:buildConfigField|resValue)[ (]{1,2}\\{0,7}[\"']String\\{0,7}[\"'],|string(?:var|p|varp)?\(&\w{1,24}, |(?:string(?:p)?|set|put|add|append|setdefault|(?:set|put|get)_?env|set_var|header|property|setitem|with\w*|set\w*|define|config|environ\.get|env|env\.get)\()\s{0,2}\\{0,7}[\"']\Z",
    re.IGNORECASE,
)
_FETCHES = re.compile(
    r"(?i)(?:\b|_)(?:get|fetch|read|find|load|lookup|has|delete|remove|describe|list|use|require|validate|check)_?[a-z_]*\Z|\b(?:get|fetch|read|find|load)[A-Z]\w*\Z"
)
_DECLARED = re.compile(r"(?:string|String|char|auto|str|const|CString|QString)[ &*]{1,3}\Z")


def read_item(place: Place) -> Spans:
    """The item behind a flag or a name in a list or tuple of strings: `["--token", "x"]`, `("X-Api-Key", "x")`."""
    if (item := _ITEM.match(place.text, place.right)) is None or _CALL_NAME.search(place.head):
        return None
    value, head = item["v"], place.head
    if is_placeholder(value) or value.startswith("-"):
        return ()
    if (entries := _MAP_START.search(head)) is not None and entries[0].count(",") % 2 == 0:
        return quoted_value(place.text, item.start("value"), place.level, place.name, strict=True)
    is_pair = item["last"] is not None and _PAIR_START.search(head) is not None
    is_value = is_pair or _FLAG_START.search(head) is not None
    return (item.span("v"),) if is_value and is_secret_word(value, place.level) else ()


def read_flag(place: Place) -> Spans:
    """`--password value`."""
    if not place.head.endswith("-") or not _FLAG_HEAD.search(place.head):
        return None
    if place.is_cookie:
        return header_value(place.text, place.right + 1, ":", cookie=True)
    at = place.right + 1
    if QUOTE.match(place.text, at):
        return quoted_value(place.text, at, place.level, "flag")
    value = _FLAG_VALUE.match(place.text, at)
    return (value.span(),) if value is not None and _is_value_of_flag(place, value) else ()


def _is_value_of_flag(place: Place, match: re.Match[str]) -> bool:
    """Whether the word behind a flag is its value: neither the next flag, a variable, nor what usages write, `[--token TOKEN]`."""
    value = match[0]
    if value.startswith("-") or is_placeholder(value) or _SHELL_VARIABLE.fullmatch(value):
        return False
    if _METAVARIABLE.fullmatch(value) and not is_generated(value):
        return False
    if place.level is not Sensitivity.STRONG or looks_like_credential(value):
        return looks_like_credential(value)
    return (
        looks_like_password(value)
        or place.text.startswith(" -", match.end())
        or (_WORD.fullmatch(value) is None and not names_itself(value))
    )


def read_call(place: Place) -> Spans:
    """`.password("x")`, `setPassword("x")`, `std::string password("x")`."""
    call = _CALL.match(place.text, place.right)
    if call is None:
        return None
    if place.name.endswith("redential"):
        return _argument_of_credential(place, call.end())
    if _SETS_COOKIE.search(place.name):
        named = _FIRST_ARGUMENT.match(place.text, call.end())
        pair = _CALL_PAIR.match(place.text, named.end()) if named else None
        return quoted_value(place.text, pair.end(), Sensitivity.WEAK, place.name) if pair else ()
    if not _takes_secret(place, call[0]):
        return None
    values = list(quoted_value(place.text, call.end(), place.level, place.name, strict=True))
    further = _CALL_PAIR.match(place.text, values[-1][1]) if values else None
    if further is not None:  # `set_password("bob", "x")`
        return quoted_value(place.text, further.end(), place.level, place.name, strict=True)
    return values


def _argument_of_credential(place: Place, at: int) -> Found:
    """`AzureKeyCredential("x")`: of a key alone, not of a user and a password."""
    values = list(quoted_value(place.text, at, place.level, place.name, strict=True))
    is_alone = bool(values) and _ONLY_ARGUMENT.match(place.text, values[0][1]) is not None
    return values if is_alone and place.name.endswith(_OF_KEYS) else ()


def _takes_secret(place: Place, call: str) -> bool:
    """Whether what is called takes a secret: a setter, a method, what is declared; `get_password("bob")` takes a user's name."""
    name = place.name
    if _FETCHES.search(name) or name.startswith("keyring.") or name.endswith(("redentials", "reds")):
        return False
    return (
        "." in f"{place.head[-1:]}{name}{call}"
        or name.lower().startswith(("set", "with", "using"))
        or _DECLARED.search(place.head) is not None
    )


MATCHER = r"(?:toBe|toEqual|toStrictEqual|toHaveValue|equals?|eql?|isEqualTo|contentEquals|equalsIgnoreCase|compareTo)"
_MATCHED = re.compile(
    rf"""(?:\\{{0,7}}["'`])?[\])]{{0,3}}(?:\.(?:to|not|be|is|should|must|deep|resolves)){{0,3}}(?:\.| (?:to |should )?){MATCHER}[ (]{{1,2}}(?=\\{{0,7}}["'`])"""
)
_ASSERTS = re.compile(
    r"(?i)(?:\bassert\w*(?:[.:]{1,2}\w{1,24})?!?|\b\w*expect_eq|\w*assert\w*|str(?:case)?cmp|compare_digest|\bequals?)\((?:t, ?)?[^\s,;=]{0,40}\Z"
)
_OTHER_ARGUMENT = re.compile(r"""(?:\\{0,7}["'`])?[\])]{0,3},\s{0,40}(?=\\{0,7}["'`])""")


def read_comparison(place: Place) -> Spans:
    """`expect(apiKey).toBe("x")`, `assertEqual(user.password, "x")`: a test also compares with words that are none."""
    other = _MATCHED.match(place.text, place.right)
    if other is None:
        other = _OTHER_ARGUMENT.match(place.text, place.right)
        if other is None or not _ASSERTS.search(place.head):
            return None
    return prose_value(place.text, other.end(), place.level, only_likely=True)


def read_argument(place: Place) -> Spans:
    """`put("password", "x")`."""
    if not place.head.endswith(("'", '"')) or not _CALL_NAME.search(place.head):
        return None
    pair = _CALL_PAIR.match(place.text, place.right)
    if pair is None:
        return ()
    if place.is_header:
        return header_value(place.text, pair.end(), ":", cookie=place.is_cookie)
    return quoted_value(place.text, pair.end(), place.level, place.name, strict=True)


_ATOM_START = re.compile(r"-define\(\Z|\{\s?:?\Z")
_ATOM_END = re.compile(r"\s{0,2},\s{0,4}(?:<<(?=[\"\\]))?(?=\\{0,7}\")")


def read_atom(place: Place) -> Spans:
    """`{password, "x"}`, `{:password, "x"}`, `-define(PASSWORD, "x")`, as Erlang and Elixir write pairs."""
    pair = _ATOM_END.match(place.text, place.right) if _ATOM_START.search(place.head) else None
    return None if pair is None else quoted_value(place.text, pair.end(), place.level, place.name, strict=True)


_NAMES_SECRETS = re.compile(
    r"\b(?:gcloud|docker|podman|buildah|kubectl|oc|helm|nomad) [^\n|;&]{0,128}--?(?:[a-z]{2,10}-)?\Z"
)


def read_name_of_secret(place: Place) -> Spans:
    """`gcloud secrets versions access latest --secret=name`: programs whose flag says which secret, not what it is."""
    is_flag = place.name in ("secret", "secrets", "set-secrets", "update-secrets") and place.head.endswith("-")
    return () if is_flag and _NAMES_SECRETS.search(place.text, 0, place.left) else None
