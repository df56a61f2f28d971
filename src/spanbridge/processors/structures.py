"""Structures that say elsewhere what a value is: pairs of name and value, schemas, labels, argument lists."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from spanbridge.processors.key_names import (
    Classifier,
    Sensitivity,
    looks_like_credential,
    looks_like_password,
    split_words,
    word_set,
)
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_plain
from spanbridge.processors.value_words import names_itself

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

JWK_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
"""Members of a JSON Web Key that are private (RFC 7518, section 6)."""
_VALUE_KEYS = (
    "value", "Value", "val", "v", "text", "content", "fieldValue", "field_value", "parameterValue", "ParameterValue", "headerValue",
    "header_value", "inputValue", "input_value", "answer", "default",
)  # fmt: skip
_CHANGES = word_set("old_value new_value oldValue newValue previous_value old new before after from to")
"""Keys of a value before and after a change."""
_VALUE_KEY_SET = frozenset(_VALUE_KEYS) | _CHANGES
_NAME_KEYS = word_set(
    "name key header field label selector id variable parameter param element locator property k target Name Key Header Field Label "
    "fieldName field_name parameterKey ParameterKey parameterName headerName header_name optionName OptionName inputName input_name "
    "question placeholder aria-label ariaLabel setting attribute config option column"
)
_NAME_KEYS_OF_VALUE = word_set("title path")
"""As above, beside a `value` alone: elsewhere they are titles and paths of texts."""
_IS_TEXT = re.compile(r"[\s{]")
_LABEL_END = re.compile(r"[ _-](?:text )?(?:field|input|box|textbox|entry)\Z|[?:* ]{1,4}\Z", re.IGNORECASE)
"""How the description of a form's element ends: `Password field`."""
_LABEL_PARENTS = word_set(
    "errors error labels label messages validation translations i18n descriptions placeholders hints help properties tooltips titles "
    "locales dependencies requires engines packages overrides resolutions"
)
"""Of texts that are shown, and of packages with their versions."""
_ONE_VERSION = r"[~^<>=v ]{0,4}\d{1,5}(?:\.(?:\d{1,8}|[x*])){1,3}(?:[-+.][a-z]{1,8}[.\d]{0,8})?"
_COLUMNS = ("columns", "headers", "header", "fields", "column_names")
ROWS = word_set("rows data values records")
"""Under which names a table's rows stand."""
_VERSIONS = re.compile(rf"{_ONE_VERSION}(?:(?: ?\|\| ?|, ?| - | ){_ONE_VERSION}){{0,4}}")
_LOCALE = re.compile(
    r"(?:ar|bg|cs|da|de|el|en|es|et|fa|fi|fr|he|hi|hr|hu|it|ja|ko|lt|lv|nb|nl|pl|pt|ro|ru|sk|sl|sr|sv|th|tr|uk|vi|zh)(?:[-_][A-Za-z]{2,4})?"
)
_TITLE = re.compile("[^\\W\\da-z_]")
"""How a text begins that is shown: with a capital, or in a script without any."""
_NAME_LIST_PARENTS = word_set(
    "required fields columns keys names properties attributes params parameters include exclude only omit select order sensitive redact "
    "masked hidden scopes tags types words options choices enum loc path"
)
_SCHEMA_TYPES = word_set(
    "string object array integer number boolean null password text str int float bool bytes enum secret keyword varchar "
    "file any list dict"
)
_SCHEMA_MEMBERS = word_set(
    "type title description format minLength maxLength min max minimum maximum exclusiveMinimum exclusiveMaximum pattern "
    "required nullable readOnly writeOnly deprecated properties additionalProperties patternProperties items prefixItems "
    "minItems maxItems uniqueItems minProperties maxProperties enum const default example examples anyOf oneOf allOf not if "
    "then else $ref $id $schema $defs $comment definitions contentEncoding contentMediaType xml externalDocs discriminator "
    "in name schema style explode label placeholder hint help helpText help_text tooltip secret sensitive hidden masked "
    "widget order position group section display_name displayName advanced env env_var envVar flag metavar nargs dest "
    "multiple choices options validators validate validation rules autocomplete input_type inputType field_type fieldType "
    "multiline info show optional min_length max_length primary_key unique index null blank comment doc docs visibility "
    "category analyzer kind is_secret isSecret is_required isRequired"
)
"""What describes a value, in JSON Schema, OpenAPI and definitions of forms."""
_GROUPS = word_set(
    "credential credentials cred creds secrets apikeys keys passwords passwds passphrases passcodes tokens codes"
)
"""Names, by their last word, of several secrets and what belongs to them: `{"credentials": {"username": "bob", "password": "x"}}`."""
_NEVER_SECRET = word_set(
    "id ids uid uuid gid arn ref from url uri link host hostname port address domain region zone expires expiry expiration at in on date "
    "time timestamp created updated modified used last4 fingerprint thumbprint count size length age version rotation ttl "
    "timeout confidence score"
)
"""Names, by their last word, that hold no secret, whatever the value looks like."""
_OWNERS_WITH_ID = word_set("client tenant account project organization org user app application subscription key")
_DESCRIBES = word_set(
    "name names type kind user username login email provider profile project tenant org organization workspace account role roles "
    "group "
    "scope scopes scheme method algorithm alg format encoding issuer audience realm policy decision reason status state mode level "
    "required enabled optional external active sensitive label labels title description comment note hint tags service vendor "
    "source target file path mount namespace env environment var vars variable owner by lc prefix grant client policies"
)
"""Names, by their last word, of what says which secret is meant, or whose it is."""
_TYPED = word_set(
    "stringValue string_value intValue int_value doubleValue double_value bytesValue bytes_value S N B SS"
)
_SECRET_NAME = re.compile(r"[a-z]+(?:[-_./][a-z0-9]+)+")
_SCHEMA_VALUES = ("default", "example", "examples", "const")
"""Those of them that hold one."""
_TOKENIZED = word_set(
    "logprob logprobs top_logprobs token_logprobs prob probability token_id token_ids text_offset start_offset end_offset "
    "special"
)
"""Beside these a token is a piece of text."""
STRUCTURE_PROBES = (
    Probe(
        ("columns", "headers", "fields"), r"(?:columns|headers|fields)\\{0,7}\": ?\[(?:\\{1,7}n| ){0,9}\\{0,7}[\"{]", 0
    ),
    Probe(("password",), r"password[\\\"']{1,9}[ ]?[,}]", 0),
    Probe(("\\u00",), r"\\u00(?:[46][1-9A-Fa-f]|[57][0-9Aa])", 0),
)
"""What the prefilter looks for on behalf of names that no text rule looks for."""


@lru_cache(maxsize=1024)
def holds_labels(parent: str) -> bool:
    """Whether the values of a mapping under this name are text about their keys."""
    return not _LABEL_PARENTS.isdisjoint(split_words(parent)[-1:])


def columns_of(value: dict[Any, Any]) -> list[str] | None:
    """The names of a table's columns where they stand beside its rows: `{"columns": ["id", "password"], "rows": [[7, "x"]]}`."""
    for key in _COLUMNS:
        columns = value.get(key)
        names = list(map(_name_of, cast("list[Any]", columns))) if isinstance(columns, list) else []
        if len(names) > 1 and len(set(names)) == len(names) and "" not in names:
            return names
    return None


def _name_of(column: Any) -> str:
    name = cast("dict[Any, Any]", column).get("name") if isinstance(column, dict) else column
    return name if isinstance(name, str) else ""


def is_translation(parent: str, texts: Iterable[Any]) -> bool:
    """Whether a mapping under this name holds the labels of a language: `{"en": {"password": "Password"}}`."""
    return _LOCALE.fullmatch(parent) is not None and all(isinstance(text, str) and _TITLE.match(text) for text in texts)


def is_label_table(texts: Iterable[Any]) -> bool:
    """Whether these texts of a mapping, those under names of secrets, are labels of a form: titles, one of which names a secret itself."""
    texts = list(texts)
    return (
        len(texts) > 1
        and all(isinstance(text, str) and _TITLE.match(text) and is_label(text) for text in texts)
        and any(map(names_itself, texts))
    )


def is_label(text: Any) -> bool:
    """Whether a value is about its key: a word, words without those that mix letters and digits, or what holds such texts."""
    if not isinstance(text, str):
        return not isinstance(text, dict) or not is_schema(cast("dict[Any, Any]", text))
    if _VERSIONS.fullmatch(text) is not None:
        return True
    return text.replace("-", "").isalpha() or (any(map(str.isspace, text)) and is_plain(text))


@lru_cache(maxsize=1024)
def holds_headers(parent: str) -> bool:
    """Whether a list under this name holds names and values of headers by turns, as `rawHeaders` of Node.js does."""
    return "headers" in split_words(parent)[-1:]


@lru_cache(maxsize=1024)
def _holds_names(parent: str) -> bool:
    return not _NAME_LIST_PARENTS.isdisjoint(split_words(parent)[-1:])


def is_pair_of(level: Sensitivity, value: str, parent: str, classify: Classifier) -> bool:
    """Whether two strings side by side, the first a name of this level, are a name and its value, and not two names or labels."""
    if any(map(str.isspace, value)):
        return False
    if looks_like_credential(value):
        return True
    return level is Sensitivity.STRONG and not _holds_names(parent) and classify(value) is Sensitivity.NONE


@lru_cache(maxsize=1024)
def names_credentials(parent: str) -> bool:
    """Whether a mapping under this name holds credentials beside other things: `auth`, `tokens`, `cookies`."""
    return parent.rstrip("s").lower().endswith(("token", "auth", "cookie"))


_COOKIE_MEMBERS = word_set("httpOnly sameSite hostOnly http_only same_site")
"""What browsers say of a cookie beside its name and value."""


_IN_VAULT = re.compile(r"https://[\w.-]{1,128}/secrets/[\w-]{1,128}")
"""How Azure's Key Vault names a secret whose value it gives."""


def named_value(value: dict[Any, Any], classify: Classifier) -> tuple[frozenset[Any], Sensitivity, str] | None:
    """Which keys of `{"name": K, "value": V}` hold a value that K says is secret, how surely, and K."""
    if len(value) > 12 or _VALUE_KEY_SET.isdisjoint(value):
        return None
    target = next((key for key in _VALUE_KEYS if key in value), None)
    item = value.get(target)
    if target in ("content", "text", "answer") and (not isinstance(item, str) or _IS_TEXT.search(item)):
        return None
    level, called = (Sensitivity.STRONG if value.get("type") == "password" else Sensitivity.NONE), ""
    if target == "value" and not _COOKIE_MEMBERS.isdisjoint(value):
        level, called = Sensitivity.WEAK, "cookie"
    if target == "value" and _IN_VAULT.match(str(value.get("id"))):
        level, called = Sensitivity.STRONG, "secret"
    for key, name in value.items():
        if isinstance(name, str) and (key in _NAME_KEYS or (target == "value" and key in _NAME_KEYS_OF_VALUE)):
            found = classify(label := _LABEL_END.sub("", name))
            if found > level or (found and not called):
                level, called = max(level, found), label
    return (_CHANGES.intersection(value) | {target}, level, called) if level else None


_SCHEME_TYPES = word_set("apiKey http oauth2 openIdConnect mutualTLS basic")
_SCHEME_MEMBERS = word_set("in scheme flows flow openIdConnectUrl bearerFormat")
"""Security schemes of OpenAPI."""


def is_schema(value: dict[Any, Any]) -> bool:
    """Whether a mapping describes a value instead of holding one: what it says of it, and nothing else in words."""
    kind = value.get("type")
    if isinstance(kind, str):
        if (kind in _SCHEME_TYPES or "in" in value) and not _SCHEME_MEMBERS.isdisjoint(value):
            return True
        describes = kind.lower() in _SCHEMA_TYPES
    else:
        describes = (
            isinstance(kind, list) or "$ref" in value or "anyOf" in value or "oneOf" in value or "allOf" in value
        )
    return describes and all(
        key in _SCHEMA_MEMBERS or item is None or isinstance(item, bool) or str(key).startswith("x-")
        for key, item in value.items()
    )


@lru_cache(maxsize=1024)
def names_group(name: str) -> bool:
    """Whether a secret name is that of several secrets, with what belongs to them beside."""
    return not _GROUPS.isdisjoint(_last_word(name))


@lru_cache(maxsize=4096)
def is_beside_secrets(name: str) -> bool:
    """Whether a value under this name, in a group of secrets, is none of them: whose they are, where, until when."""
    return not _NEVER_SECRET.isdisjoint(last := _last_word(name)) or not _DESCRIBES.isdisjoint(last)


@lru_cache(maxsize=4096)
def names_owner(name: str) -> bool:
    """Whether a value under this name, among credentials, says whose they are: `client_id`; the `id` of `tokens` is one of them."""
    *owners, last = split_words(name) or ("",)
    return last == "id" and not _OWNERS_WITH_ID.isdisjoint(owners[-1:])


def _last_word(name: str) -> tuple[str, ...]:
    return split_words(name)[-1:]


def holds_no_secret(value: Any, stands_for_one: Callable[[str], bool]) -> bool:
    """Whether what is under a secret name says only which secret is meant: a reference, a description, placeholders."""
    if isinstance(value, dict):
        members = cast("dict[Any, Any]", value)
        has_place = "path" in members or "name" in members
        return all(
            _is_reference(str(key), item)
            or (has_place and key == "key" and isinstance(item, str) and is_plain(item))
            or holds_no_secret(item, stands_for_one)
            for key, item in members.items()
        )
    if isinstance(value, (list, tuple)):
        items = cast("list[Any]", value)
        return all(holds_no_secret(item, stands_for_one) or _names_secret(item) for item in items)
    return value is None or isinstance(value, bool) or (isinstance(value, str) and stands_for_one(value))


def _is_reference(key: str, item: Any) -> bool:
    words = split_words(key)[-1:]
    if key.startswith("Fn::") or words in (("ref",), ("from",), ("reference",)):
        return True  # CloudFormation, Kubernetes
    if isinstance(item, (dict, list, tuple)):
        return False
    if not _NEVER_SECRET.isdisjoint(words):
        return True
    return not _DESCRIBES.isdisjoint(words) and is_plain(str(item))


def _names_secret(item: Any) -> bool:
    """Whether a value is the name of a secret: `db_password`, `catalog-db`."""
    return isinstance(item, str) and _SECRET_NAME.fullmatch(item) is not None and is_plain(item)


def typed_member(value: dict[Any, Any]) -> str | None:
    """The one member of a value that says its own type: `{"stringValue": "x"}` of OTLP, `{"S": "x"}` of DynamoDB."""
    return next(iter(_TYPED.intersection(value)), None) if len(value) == 1 else None


def values_of_schema(value: dict[Any, Any]) -> list[str]:
    """Under which members a mapping that describes a value holds one: its default, its example."""
    return [key for key in _SCHEMA_VALUES if key in value]


def is_tokenized(value: dict[Any, Any]) -> bool:
    """Whether the `token` of a mapping is a piece of text: an event of a model or of a tokenizer."""
    return not _TOKENIZED.isdisjoint(value)


def argument_level(flag: str, value: str, classify: Classifier) -> Sensitivity:
    """How secret an argument is that follows `flag` on a command line."""
    if not flag.startswith("-") or value.startswith("-") or len(flag) > 64:
        return Sensitivity.NONE
    if flag.startswith("--") or len(flag) > 3:
        level = classify(flag.lstrip("-")) if "=" not in flag else Sensitivity.NONE
        return Sensitivity.STRONG if level and looks_like_password(value) else level
    return Sensitivity.NONE
