"""Made-up values in the shape of real ones: the same in every run, never a real credential."""

from __future__ import annotations

import base64
import json
import re
import string
import uuid
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

ALPHABETS: dict[str, str] = {
    "AN": string.ascii_letters + string.digits,
    "U": string.ascii_letters + string.digits + "_-",
    "B": string.ascii_letters + string.digits + "+/",
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "an": string.ascii_lowercase + string.digits,
    "UN": string.ascii_uppercase + string.digits,
    "b32": string.ascii_uppercase + "234567",
    "L": string.ascii_letters,
    "d": string.digits,
    "bech": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FIELD = re.compile(r"\{(\w+)(?::(\d+)(?:-(\d+))?)?\}")


def fill(template: str, rng: random.Random) -> str:
    """A template with its fields filled: `{AN:36}`, `{U:90-120}` from an alphabet above, `{uuid}`, `{jwt}` and others."""

    def field(match: re.Match[str]) -> str:
        name, least, most = match.groups()
        if name == "uuid":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        if name in SPECIAL:
            return SPECIAL[name](rng)
        length = rng.randint(int(least), int(most)) if most else int(least)
        return characters(rng, name, length)

    return _FIELD.sub(field, template)


def characters(rng: random.Random, alphabet: str, length: int) -> str:
    """Random characters, letters and digits mixed wherever the alphabet has both and there is room."""
    choices = ALPHABETS[alphabet]
    while True:
        text = "".join(rng.choices(choices, k=length))
        mixed = choices.isalpha() or choices.isdigit() or (re.search(r"\d", text) and re.search(r"[A-Za-z]", text))
        is_random = length < 12 or (len(set(text)) > 3 and mixed)
        # Neither begins nor ends with a joint, which a text around it could own.
        if is_random and text[:1] not in "-_+/" and text[-1:] not in "-_+/":
            return text


def _base62_crc(rng: random.Random) -> str:
    """30 random characters and their CRC32 in base 62, as GitHub and npm write it."""
    body = characters(rng, "AN", 30)
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return body + digits


def base64_of(text: str, *, url: bool = False, padded: bool = True) -> str:
    encoded = (base64.urlsafe_b64encode if url else base64.b64encode)(text.encode()).decode()
    return encoded if padded else encoded.rstrip("=")


def jwt(rng: random.Random) -> str:
    header = base64_of(
        json.dumps({"alg": "RS256", "typ": "JWT", "kid": characters(rng, "hex", 8)}), url=True, padded=False
    )
    payload = base64_of(json.dumps({"sub": characters(rng, "d", 10), "iat": 1716239022}), url=True, padded=False)
    return f"{header}.{payload}.{characters(rng, 'U', 86)}"


def jwe(rng: random.Random) -> str:
    header = base64_of(json.dumps({"alg": "dir", "enc": "A256GCM"}), url=True, padded=False)
    return f"{header}..{characters(rng, 'U', 16)}.{characters(rng, 'U', 60)}.{characters(rng, 'U', 22)}"


def _discord(rng: random.Random) -> str:
    user = base64_of(characters(rng, "d", 18).replace("0", "7"), padded=False)
    return f"{user}.{characters(rng, 'U', 6)}.{characters(rng, 'U', 38)}"


def _sentry_org(rng: random.Random) -> str:
    payload = base64_of(json.dumps({"iat": 1716239022.1, "url": "https://sentry.example", "org": "acme"}), padded=False)
    return f"sntrys_{payload}_{characters(rng, 'B', 43)}"


def _onepassword(rng: random.Random) -> str:
    return "ops_" + base64_of(json.dumps({"email": "a@example.com", "muk": characters(rng, "AN", 200)}), padded=False)


def _mapbox(rng: random.Random) -> str:
    return f"sk.{base64_of(json.dumps({'u': 'acme', 'a': characters(rng, 'an', 25)}), padded=False)}.{characters(rng, 'U', 22)}"


def basic(rng: random.Random) -> str:
    return base64_of(f"service:{characters(rng, 'AN', 14)}")


SPECIAL: dict[str, Callable[[random.Random], str]] = {
    "crc62": _base62_crc,
    "jwt": jwt,
    "jwe": jwe,
    "discord": _discord,
    "sentry_org": _sentry_org,
    "onepassword": _onepassword,
    "mapbox": _mapbox,
    "basic": basic,
}
