"""How secret the members of a mapping are: by their keys, by the mapping's own name, by what stands beside them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from spanbridge.lazily import lazily
from spanbridge.processors.key_names import Classifier, Sensitivity, looks_like_credential
from spanbridge.processors.secret_manifests import MANIFEST_DATA, is_user
from spanbridge.processors.structures import (
    JWK_PRIVATE,
    holds_labels,
    is_beside_secrets,
    is_label,
    is_label_table,
    is_tokenized,
    is_translation,
    named_value,
    names_credentials,
    names_group,
    names_owner,
)

REDACTIONS = "redactions"
"""Where a span counts what was redacted, by the names of the rules: the numbers are no secrets."""
_NONE, _WEAK, _STRONG = Sensitivity  # an enumeration looks its members up anew each time
_PASS = frozenset({"pass", "Pass", "pw"})
_USERS = frozenset({"user", "username", "userName", "user_name", "login", "email", "User", "Username"})
"""Beside a user's name, `pass` is a password."""
_OWNERS = frozenset({"api", "encryption", "signing", "hmac"})
"""Mappings under these names hold a `key` of theirs."""
_LOGIN = frozenset({"username", "key"})
"""All that `kaggle.json` holds."""
_NUMBERS = frozenset({int, float})
_CONTAINERS = frozenset({dict, list, tuple})
_SPACE = re.compile(r"\s")
_SHORTEST_JWK_MEMBER = 16


class Secrecy(NamedTuple):
    """What is said of a member's value."""

    level: Sensitivity
    called: str
    """The name that says so."""
    rule: str = "key_name"


class Members:
    """A mapping under the name `parent`, asked about one member after another."""

    def __init__(self, mapping: dict[Any, Any], parent: str, classify: Classifier) -> None:
        self._mapping = mapping
        self._parent = parent
        self._classify = classify
        self._context = parent if parent and names_credentials(parent) else ""
        self._is_group = bool(parent) and names_group(parent) and classify(parent) is _STRONG
        self._holds_labels = bool(parent) and (holds_labels(parent) or is_translation(parent, mapping.values()))
        self._owns_key = parent in _OWNERS or mapping.keys() == _LOGIN
        self._is_key_set = "kty" in mapping
        self._named = named_value(mapping, classify)
        self._names_alone_decide = not (
            self._context
            or self._is_group
            or self._is_key_set
            or self._named
            or self._owns_key
            or parent == MANIFEST_DATA
        )

    def secrecy(self, name: str, item: Any) -> Secrecy | None:
        """How secret the value `item` under a key is; None: not at all."""
        if self._names_alone_decide and not self._classify(name):
            return None  # as nearly all
        level, called = self._by_name(name, item), name
        if self._named is not None and name in self._named[0]:
            level, called = max(level, self._named[1]), self._named[2] or name
        elif self._is_key_set and _is_private_member(name, item):
            return Secrecy(_STRONG, name, "private_key")
        elif self._is_group and type(item) in _CONTAINERS and not self._classify(name):
            called = self._parent
        is_harmless = (
            not level
            or (is_label(item) and (self._holds_labels or self._is_label_table))
            or (type(item) is int and self._parent == REDACTIONS)
        )
        return None if is_harmless else Secrecy(level, called)

    @lazily
    def _is_label_table(self) -> bool:
        # Of the mapping, not of a member: most members ask, and there may be thousands.
        return is_label_table(item for key, item in self._mapping.items() if key and self._classify(str(key)))

    def _by_name(self, name: str, item: Any) -> Sensitivity:
        if self._parent == MANIFEST_DATA:
            return _NONE if is_user(name) else _STRONG
        classify, context = self._classify, self._context
        level = classify(name) if name else _NONE
        if self._owns_key and name == "key" and isinstance(item, str) and looks_like_credential(item):
            return _STRONG
        if context and level is not _STRONG and not names_owner(name):
            level = max(level, classify(f"{name} {context}"), classify(f"{context} {name}"))
            if level and (type(item) in _NUMBERS or name in _USERS):
                level = _WEAK  # the id of a token that a model gave, or whose it is
        if level is _WEAK:
            if name in ("token", "tokens") and is_tokenized(self._mapping):
                level = _NONE
            elif name in _PASS and isinstance(item, str) and not _USERS.isdisjoint(self._mapping):
                level = _STRONG if _SPACE.search(item) is None else level
        return _STRONG if self._is_group and (type(item) is dict or not is_beside_secrets(name)) else level


def _is_private_member(name: str, item: Any) -> bool:
    """Of a JSON Web Key; shorter ones are names and numbers of something else."""
    return name in JWK_PRIVATE and isinstance(item, str) and len(item) >= _SHORTEST_JWK_MEMBER
