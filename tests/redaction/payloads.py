"""Payloads to measure with: conversations with and without secrets, and inputs made to cost time."""

from __future__ import annotations

import json
import random
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from uuid import UUID

from .cases import HOLE
from .formats import FORMATS
from .generating import characters, fill

if TYPE_CHECKING:
    from collections.abc import Callable

_SENTENCES = (
    "The order shipped on Tuesday and should arrive within three working days.",
    "I looked at the logs: the service restarted twice, at 10:12 and 10:40.",
    "Could you compare the two proposals and list the open questions?",
    "The customer asked for a refund of 42.50 EUR for the damaged item.",
    "Here is the plan: first read the file, then run the tests, at last write the summary.",
    "The function returns a list of (path, size) pairs sorted by size.",
    "Tokens are counted per request; the limit is 128,000 for this model.",
    "The key point is that latency grows with the length of the prompt.",
    "def total(items):\n    return sum(item.price * item.count for item in items)\n",
    "SELECT id, status FROM orders WHERE customer_id = 42 ORDER BY created_at DESC LIMIT 20;",
    "See https://docs.example.com/guide/search?lang=en&page=3 for the details.",
    "Das Ergebnis liegt bei 73 %, etwas besser als im Vorjahr.",
)


def chat(size: int, *, dirty: bool, seed: int = 7) -> dict[str, Any]:
    """A request to a model of about `size` bytes of JSON; a dirty one has a secret in every fourth message."""
    rng = random.Random(seed)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a support agent. " + " ".join(rng.choices(_SENTENCES, k=4))}
    ]
    length = 400
    while length < size:
        number = len(messages)
        text = " ".join(rng.choices(_SENTENCES, k=rng.randint(2, 7)))
        if dirty and number % 4 == 0:
            text += (" Use §.", " My password is §, thanks.", " curl -H 'Authorization: Bearer §'", '{"api_key": "§"}')[
                number // 4 % 4
            ].replace(HOLE, fill(rng.choice(FORMATS)[1], rng))
        if number % 3 == 2:
            message: dict[str, Any] = {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": f"call_{characters(rng, 'AN', 24)}",
                        "type": "function",
                        "function": {"name": "search", "arguments": json.dumps({"query": text, "limit": 10})},
                    }
                ],
            }
        else:
            message = {"role": ("user", "assistant", "tool")[number % 3], "content": text}
        messages.append(message)
        length += len(json.dumps(message))
    return {
        "model": "small-2",
        "messages": messages,
        "temperature": 0.2,
        "max_tokens": 1024,
        "usage": {"prompt_tokens": 812, "completion_tokens": 96},
    }


def unseen(size: int, seed: int) -> dict[str, Any]:
    """A request of about `size` bytes whose words and ids come in an order that no other seed has."""
    from pydoc_data.topics import topics

    rng = random.Random(seed)
    words = [word for word in " ".join(topics.values()).split() if word.strip(",.;:()").isalpha()]
    messages: list[dict[str, Any]] = []
    length = 0
    while length < size:
        message: dict[str, Any] = {
            "id": f"msg_{characters(rng, 'AN', 24)}",
            "role": rng.choice(("user", "assistant", "tool")),
            "content": " ".join(rng.choices(words, k=rng.randint(30, 120))),
            "trace": str(UUID(int=rng.getrandbits(128))),
            "digest": f"sha256:{characters(rng, 'hex', 64)}",
        }
        messages.append(message)
        length += len(json.dumps(message))
    return {"model": "small-2", "messages": messages}


def opaque(size: int, seed: int) -> dict[str, Any]:
    """About `size` bytes of base64, as models give encrypted reasoning back."""
    return {"encrypted_content": b64encode(random.Random(seed).randbytes(3 * size // 4)).decode()}


def _deep(size: int) -> Any:
    value: Any = "x"
    for _ in range(min(size // 6, 60)):
        value = {"a": [value]}
    return [value] * max(1, size // 400)


HOSTILE: dict[str, Callable[[int], Any]] = {
    "quotes": lambda size: '"' * size,
    "backslashes": lambda size: "\\" * size,
    "escaped quotes": lambda size: '\\"' * (size // 2),
    "braces": lambda size: '{"' * (size // 2),
    "brackets": lambda size: "[" * size,
    "open JSON": lambda size: '{"a":' * (size // 5),
    "open lists": lambda size: '[{"a": [' * (size // 8),
    "colons": lambda size: "password:" * (size // 9),
    "equals": lambda size: "password=" * (size // 9),
    "key words": lambda size: "password " * (size // 9),
    "secret is": lambda size: "the secret is " * (size // 14),
    "tokens": lambda size: "token," * (size // 6),
    "key names": lambda size: "api_key_" * (size // 8),
    "quoted names": lambda size: "'password', " * (size // 12),
    "open PEM": lambda size: "-----BEGIN RSA PRIVATE KEY-----\n" * (size // 32),
    "PEM body": lambda size: "-----BEGIN PRIVATE KEY-----\n" + "A1b2C3d4\n" * (size // 9),
    "one word": lambda size: "a" * size,
    "digits": lambda size: "1" * size,
    "digits and spaces": lambda size: "1 " * (size // 2),
    "base64": lambda size: "QWxhZGRpbjpvcGVu" * (size // 16),
    "percent": lambda size: "%25" * (size // 3),
    "percent quotes": lambda size: "%22" * (size // 3),
    "entities": lambda size: "&quot;" * (size // 6),
    "prefixes": lambda size: "sk-" * (size // 3),
    "jwt heads": lambda size: "eyJhbGciOiJIUzI1NiJ9." * (size // 21),
    "dots": lambda size: "eyJ" + "a." * (size // 2),
    "urls": lambda size: "https://a:b" * (size // 11),
    "at signs": lambda size: "a@" * (size // 2),
    "slashes": lambda size: "://" * (size // 3),
    "dashes": lambda size: "-" * size,
    "flags": lambda size: "--password " * (size // 11),
    "line ends": lambda size: "\n" * size,
    "spaces": lambda size: " " * size,
    "name then spaces": lambda size: ("password" + " " * 50) * (size // 58),
    "pipes": lambda size: "| password " * (size // 11),
    "XML": lambda size: "<password>" * (size // 10),
    "cookies": lambda size: "Cookie: " + "a=b; " * (size // 5),
    "curl": lambda size: "curl -u " * (size // 8),
    "mysql": lambda size: "mysql " * (size // 6),
    "echo": lambda size: "echo x |" * (size // 8),
    "inputs": lambda size: "<input type=password value=" * (size // 27),
    "names and values": lambda size: "name: password\n" * (size // 15),
    "heads of tables": lambda size: "name,password\n" * (size // 14),
    "dialogue": lambda size: "USER a\nPASS " * (size // 12),
    "deep": _deep,
    "chunks": lambda size: ["pass", "word", "="] * (size // 20),
    "e-mail": lambda size: "a.b@c.d" * (size // 7),
    "addresses": lambda size: "1.2.3." * (size // 6),
    "plus": lambda size: "+1 " * (size // 3),
    "CJK": lambda size: "密码" * (size // 6),
}
"""Inputs that repeat what a filter stops at; each makes a value of about so many bytes."""
FULL_OF_SECRETS: dict[str, Callable[[int], Any]] = {
    "many keys": lambda size: {f"password_{number}": "x" for number in range(size // 20)},
    "many texts": lambda size: ["password: x"] * (size // 15),
    "JSON in strings": lambda size: _nested(size),
    "secrets": lambda size: "ghp_" + "a1B2c3D4e5" * (size // 10),
    "many secrets": lambda size: ("ghp_" + "a1B2c3D4e5F6" * 3 + " ") * (size // 41),
    "many JSON": lambda size: '{"password": "hunter2"} ' * (size // 24),
}
"""Inputs that hold little else, some thousand secrets in 20 KB."""


def _nested(size: int) -> str:
    text = '{"password": "hunter2"}'
    for _ in range(6):
        text = json.dumps({"a": text})
    return " ".join([text] * max(1, size // len(text)))
