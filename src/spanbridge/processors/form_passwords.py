# ruff: noqa: E501 - a pattern broken over lines can neither be read nor searched
"""Passwords that are entered in a form: by libraries that drive a browser, by robots, in HTML, in what a form's validation prints."""

from __future__ import annotations

from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import TextRule, pattern_rule
from spanbridge.processors.value_words import names_itself

_LINE = r"(?:\r|\\{1,8}r)?(?:\n|\\{1,8}n)"
_TYPES = r"(?:(?:\b|_)(?:fill|type|send_?[kK]eys|set_?[vV]alue|press_?[sS]equentially|input_?[tT]ext|clear_and_type))"
"""How libraries that drive a browser enter text."""
_FIELD = r"(?:(?i:pass(?:word|wd|phrase|code))|[\W_](?i:otp|pin|pwd)[\W_])"


def _is_typed(value: str) -> bool:
    """Whether what is entered in a password's field is one: not the word on the field."""
    return not names_itself(value)


FORM_RULES: tuple[TextRule, ...] = (
    pattern_rule("form_password", (Probe(("pass", "pwd", "otp", "pin"), rf"{_TYPES}\([^()\n]{{0,80}}{_FIELD}"),), rf"{_TYPES}\((?:\w{{1,24}}\.\w{{1,24}}, ?)?\\{{0,3}}[\"'][^\n]{{0,60}}?{_FIELD}[^\n,]{{0,24}}, ?(?:(?:text|value)=)?\\{{0,3}}[\"'](?P<v>[^\n\"'\\]{{3,200}})", _is_typed, 0),
    pattern_rule("form_password", (Probe(("pass", "pwd", "otp", "pin"), rf"{_FIELD}[^\n]{{0,32}}\)\.{_TYPES}\("),), rf"{_FIELD}[^\n;.]{{0,32}}\)\.{_TYPES}\(\\{{0,3}}[\"'](?P<v>[^\n\"'\\]{{3,200}})", _is_typed, 0),
    pattern_rule("form_password", (Probe(("pass", "pwd", "otp", "pin"), rf"element=[\\\"']{{1,4}}[^\"'\n]{{0,40}}{_FIELD}"),), rf"element=\\{{0,3}}[\"'][^\"'\n]{{0,40}}{_FIELD}[^\n]{{0,80}}?(?:text|value)=\\{{0,3}}[\"'](?P<v>[^\n\"'\\]{{3,200}})", _is_typed, 0),
    pattern_rule("form_password", (Probe(("pass",), r"(?i)(?:typ|enter|fill|input|inputt)(?:ed|ing|e|s)? (?:in )?[\\\"'`]{1,4}[^\"'`\n]{3,80}[\"'`] (?:in|into|as|for) (?:the )?[\\\"'`]{0,4}(?:[a-z]{2,12} ){0,2}pass"),), r"(?:typ|enter|fill|input|inputt)(?:ed|ing|e|s)? (?:in )?\\{0,3}[\"'`](?P<v>[^\s\"'`\\]{3,80})\\{0,3}[\"'`] (?:in|into|as|for) (?:the )?\\{0,3}[\"'`]?(?:[a-z]{2,12} ){0,2}pass(?:word|wd|phrase|code)", _is_typed),
    pattern_rule("form_password", (Probe(("input ", "fill ", "type "), rf"(?:Input|Fill|Type) (?:Password|Text|Secret)(?: {{2,8}}|\t)[^ ]{{0,60}}{_FIELD}"),), rf"(?:Input|Fill|Type) (?:Password|Text|Secret)(?: {{2,8}}|\t)\S{{0,60}}{_FIELD}\S{{0,24}}(?: {{2,8}}|\t)(?P<v>[^\s\"'\\$]{{3,200}})", None, 0),
    pattern_rule("form_password", (Probe(("expect",), r"(?i)expect(?:_exact)?[ (][^\n]{0,40}pass(?s:.{0,48})send", 0),), rf"expect(?:_exact)?[ (][^\n]{{0,40}}?pass(?:word|phrase|code)?[^\n\\]{{0,24}}{_LINE}[ \t]{{0,16}}(?:\w{{1,24}}\.)?send(?:line)?[ (](?:-- )?\\{{0,3}}[\"'](?P<v>[^\s\"'\\$]{{2,200}})"),
    pattern_rule("form_password", (Probe(("type=",), r"(?i)type=[\\\"']{0,4}password[^<>]{0,200}value=", 0),), r"type=\\{0,3}[\"']?password\\{0,3}[\"']?[^<>]{0,200}?value=\\{0,3}[\"'](?P<v>[^\"'\\>]{1,200})"),
    pattern_rule("form_password", (Probe(("value=",), r"(?i)value=[^<>]{0,200}type=[\\\"']{0,4}password", 0),), r"value=\\{0,3}[\"'](?P<v>[^\"'\\>]{1,200})\\{0,3}[\"'][^<>]{0,200}?type=\\{0,3}[\"']?password"),
    pattern_rule("assignment", (Probe(("input_value",), r"input_value=[\\\"']"),), r"(?:passw(?:or)?d|passphrase|secret|token|api_?key|access_?key|credentials?)(?:\n|\\n) {2}[^\n]{0,300}?input_value=\\{0,3}[\"'](?P<v>[^\n\"'\\]{4,512})", _is_typed),
)  # fmt: skip
