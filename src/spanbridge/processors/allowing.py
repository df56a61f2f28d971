"""What an application lets pass: values by their place, by their name, or by their hash; and where a value stands, as a path."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from spanbridge.errors import ConfigurationError
from spanbridge.processors.key_names import split_words

Path = Sequence[Any]
"""The keys and indexes that lead to a value."""
HASH_PREFIX = "sha256:"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


def value_hash(value: str) -> str:
    """How `allow_values` names a value without holding it: "sha256:" and 64 hexadecimal digits of its UTF-8 form."""
    return HASH_PREFIX + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def path_text(path: Path) -> str:
    """A path as text: `input.messages.0.content`."""
    return ".".join(map(str, path))


class Allowed:
    """The allow-lists of one filter."""

    def __init__(self, keys: Sequence[str], paths: Sequence[str], values: Sequence[str]) -> None:
        """Raises ConfigurationError for an entry that is not usable."""
        self._keys = frozenset(" ".join(split_words(key)) for key in keys)
        self._paths = [_compiled_path(path) for path in checked_texts("allow_paths", paths, "paths")]
        for value in checked_texts("allow_values", values, "hashes"):
            if _HASH.fullmatch(value) is None:
                # The value is not quoted: it may be the secret itself.
                raise ConfigurationError(
                    "allow_values holds something that is no hash; use SensitiveDataFilter.value_hash(value), "
                    "which gives 'sha256:' and 64 hexadecimal digits"
                )
        self._values = frozenset(values)
        self.has_paths = bool(self._paths)

    def key(self, name: str) -> bool:
        """Whether what stands under this name passes, in any spelling of the name."""
        return bool(self._keys) and " ".join(split_words(name)) in self._keys

    def path(self, path: Path) -> bool:
        """Whether what stands at this path passes."""
        text = path_text(path)
        return any(pattern.fullmatch(text) for pattern in self._paths)

    def value(self, value: str) -> bool:
        """Whether exactly this value passes."""
        return bool(self._values) and value_hash(value) in self._values


def checked_texts(option: str, values: Any, what: str) -> Sequence[str]:
    """`values` if it is a list of texts that are not empty; raises ConfigurationError."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ConfigurationError(f"{option}={values!r} is not a list of {what}; use {option}=[...]")
    for value in values:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(value, str) or not value.strip():
            raise ConfigurationError(
                f"{option} holds {value!r}, which is not one of {what}; use texts that are not empty"
            )
    return values  # pyright: ignore[reportUnknownVariableType]


def _compiled_path(path: str) -> re.Pattern[str]:
    steps = [r".*" if step == "**" else r"[^.]*" if step == "*" else re.escape(step) for step in path.split(".")]
    return re.compile(r"\.".join(steps), re.DOTALL)
