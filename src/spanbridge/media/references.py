"""What stands in a span in the place of media.

    {"media": {"sha256": "<64 hex characters>", "media_type": "image/png", "bytes": 2000000}}

`declared` is added where the message named another type, `omitted` ("too_large", "store_off" or "disabled") where the content was not kept.
In the middle of a text, and where only text may stand, it is `[media image/png 2000000 bytes sha256:<64 hex characters>]`.
"""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from itertools import islice
from typing import Any

_KEYS = frozenset({"sha256", "media_type", "bytes", "declared", "omitted"})
_SHA256 = re.compile(r"[0-9a-f]{64}")
SHORT_SHA256_CHARACTERS = 12


def reference(
    sha256: str, media_type: str, size: int, *, declared: str | None = None, omitted: str | None = None
) -> dict[str, Any]:
    """The reference to a content of `size` bytes."""
    inner: dict[str, Any] = {"sha256": sha256, "media_type": media_type, "bytes": size}
    if declared is not None:
        inner["declared"] = declared
    if omitted is not None:
        inner["omitted"] = omitted
    return {"media": inner}


def referred(value: Any) -> dict[str, Any] | None:
    """What a reference says; None where `value` is none."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    inner: Any = value.get("media")
    if not isinstance(inner, dict) or not inner.keys() <= _KEYS:
        return None
    sha256: Any = inner.get("sha256")
    is_whole = isinstance(inner.get("media_type"), str) and isinstance(inner.get("bytes"), int)
    return inner if is_whole and isinstance(sha256, str) and _SHA256.fullmatch(sha256) else None


def as_text(value: dict[str, Any]) -> str:
    """A reference in one line without quotes and backslashes: it may stand in JSON that is a part of a text."""
    inner = value["media"]
    rest = f" {inner['omitted']}" if "omitted" in inner else ""
    return f"[media {inner['media_type']} {inner['bytes']} bytes sha256:{inner['sha256']}{rest}]"


def describe(inner: dict[str, Any], *, whole: bool = False) -> str:
    """For people, from what a reference says: "[image/png, 2.0 MB, sha256 ab12cd34ef56...]"; `whole`: with all of the hash."""
    sha256 = inner["sha256"] if whole else f"{inner['sha256'][:SHORT_SHA256_CHARACTERS]}..."
    parts = [inner["media_type"], format_bytes(inner["bytes"]), f"sha256 {sha256}"]
    if "declared" in inner:
        parts.insert(1, f"declared {inner['declared']}")
    if "omitted" in inner:
        parts.append(f"not kept: {inner['omitted']}")
    return f"[{', '.join(map(str, parts))}]"


def readable(value: Any, *, whole: bool = False, max_values: int = 100_000) -> Any:
    """`value` with each reference as `describe` writes it; looks at up to `max_values` values, the others are as they were."""
    left = max_values

    def look(item: Any) -> Any:
        nonlocal left
        left -= 1
        if left <= 0 or not isinstance(item, (dict, list)):
            return item
        inner = referred(item)
        if inner is not None:
            return describe(inner, whole=whole)
        copy: Any = dict(item) if isinstance(item, dict) else list(item)
        for key, member in islice(copy.items() if isinstance(copy, dict) else enumerate(copy), left):
            copy[key] = look(member)
        return copy

    return look(value)


def format_bytes(count: int) -> str:
    """ "512 B", "20.5 KB", "1.2 GB"; in powers of 1000."""
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
