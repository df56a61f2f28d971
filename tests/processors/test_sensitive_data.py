"""The sensitive-data filter: what goes, what stays, and how it fails."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge.errors import ConfigurationError
from spanbridge.model.payload import snapshot
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType
from spanbridge.processors import json_text, walk
from spanbridge.processors.key_names import CODE_OWNERS, KEY_OWNERS, PASS_OWNERS, TOKEN_OWNERS
from spanbridge.processors.sensitive_data import SensitiveDataFilter

FILTER = SensitiveDataFilter()
GITHUB = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
OPENAI = "sk-proj-" + "aB3dE5fG7h" * 6
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


def make_record(trace_id: str = "a" * 32, **content: Any) -> SpanRecord:
    return SpanRecord(type=SpanType.TOOL_CALL, started_at=1, trace_id=trace_id, span_id="b" * 16, content=content)


# ── names ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "passwd",
        "db_passwd",
        "dbPassword",
        "DB_PASSWORD",
        "PASSWORD_PROD",
        "user-password",
        "api_key",
        "apiKey",
        "X-Api-Key",
        "APIKEY",
        "x.api.key",
        "client_secret",
        "clientSecret",
        "accessToken",
        "access_token_v2",
        "refresh-token",
        "Authorization",
        "proxy_authorization",
        "Cookie",
        "Set-Cookie",
        "credentials",
        "AWS_SECRET_ACCESS_KEY",
        "privateKey",
        "otp",
        "mfa_code",
        "connectionString",
        "service.role.key",
        "SMTP_PASS",
        "jwt",
        "secretKey",
    ],
)
def test_a_value_under_a_name_that_says_secret_goes_whole(name: str) -> None:
    """Names count in any spelling, prefixed and suffixed; the key and the neighbours stay."""
    value = {"before": 1, name: "some value", "after": [1.5, "text"]}

    assert FILTER.redact(value) == {"before": 1, name: "[REDACTED]", "after": [1.5, "text"]}


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens",
        "input_tokens",
        "token_count",
        "next_page_token",
        "eos_token",
        "tokenizer",
        "author",
        "authority",
        "keyboard",
        "monkey",
        "secretary",
        "primary_key",
        "sort_key",
        "idempotency_key",
        "public_key",
        "key",
        "cache_key",
        "secret_name",
        "password_policy",
        "token_type",
        "api_key_id",
        "passwordResetUrl",
        "credentials_expiry",
        "tokens_used",
    ],
)
def test_a_name_that_only_looks_sensitive_leaves_its_value(name: str) -> None:
    """Limits, ids, types, cursors and words that merely contain such a word are no secrets."""
    value = {name: "v2Xk9ZpQ47LmT3"}

    assert FILTER.redact(value) == value


@pytest.mark.parametrize(
    ("word", "owners"), [("Key", KEY_OWNERS), ("Token", TOKEN_OWNERS), ("Code", CODE_OWNERS), ("Pass", PASS_OWNERS)]
)
def test_every_owner_in_the_tables_makes_its_word_secret(word: str, owners: frozenset[str]) -> None:
    """The prefilter knows every name that the classifier knows."""
    names = [f"{owner}{join}" for owner in owners for join in (word, f"_{word.lower()}", f"-{word.upper()}")]

    assert {name for name in names if FILTER.redact({name: "a b c"}) == {name: "a b c"}} == set()


def test_what_stands_beside_messages_is_no_label() -> None:
    """Only a mapping under `errors`, `messages` and the like holds text about its keys, not the items of a list."""
    value = {"messages": [{"role": "user", "credentials": {"a": "b c"}, "password": "two words"}]}

    assert FILTER.redact(value) == {
        "messages": [{"role": "user", "credentials": {"a": "[REDACTED]"}, "password": "[REDACTED]"}]
    }


def test_a_container_of_credentials_keeps_what_is_none() -> None:
    """Below `auth`, `tokens` and `cookies` names and values decide together."""
    value = {
        "auth": {"user": "bob", "pass": "x y"},
        "tokens": {"access": "abc", "total": 12},
        "cookies": {"theme": "dark"},
    }

    assert FILTER.redact(value) == {
        "auth": {"user": "bob", "pass": "[REDACTED]"},
        "tokens": {"access": "[REDACTED]", "total": 12},
        "cookies": {"theme": "dark"},
    }


def test_a_container_under_the_name_of_one_secret_goes_whole() -> None:
    """A mapping or list below `password` is not searched, it is replaced."""
    value = {"password": {"old": "x", "n": 1}, "api_key": ["one", "two"], "page": [1]}

    assert FILTER.redact(value) == {"password": "[REDACTED]", "api_key": "[REDACTED]", "page": [1]}


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({"username": "bob", "password": "two words"}, {"username": "bob", "password": "[REDACTED]"}),
        (["one", "two"], ["[REDACTED]", "[REDACTED]"]),
        ({"db": "tangerine", "n": 123456}, {"db": "[REDACTED]", "n": "[REDACTED]"}),
        ({"openai": "tangerine", "n": 123456}, {"openai": "[REDACTED]", "n": "[REDACTED]"}),
        (
            {"db": {"host": "h1", "port": 5432, "pass": "x", "words": ["a", "b"]}},
            {"db": {"host": "h1", "port": 5432, "pass": "[REDACTED]", "words": ["[REDACTED]", "[REDACTED]"]}},
        ),
        ([{"name": "A", "value": "tangerine"}], [{"name": "A", "value": "[REDACTED]"}]),
        (
            {
                "type": "basic",
                "profile": "ci",
                "region": "eu-west-1",
                "expires_at": "2027-01-01T00:00:00Z",
                "data": "x",
            },
            {
                "type": "basic",
                "profile": "ci",
                "region": "eu-west-1",
                "expires_at": "2027-01-01T00:00:00Z",
                "data": "[REDACTED]",
            },
        ),
        (
            {"scopes": ["read", "write"], "key": "${KEY}", "raw": "x"},
            {"scopes": ["read", "write"], "key": "${KEY}", "raw": "[REDACTED]"},
        ),
        ([["user", "bob"], ["password", "tangerine"]], [["user", "bob"], ["password", "[REDACTED]"]]),
    ],
)
@pytest.mark.parametrize("name", ["credentials", "secrets", "apiKeys", "db-creds"])
def test_a_group_of_secrets_goes_leaf_by_leaf(name: str, group: Any, expected: Any) -> None:
    """What says whose they are, of what kind, where and until when stays; all else goes."""
    assert FILTER.redact({name: group, "n": 1}) == {name: expected, "n": 1}


@pytest.mark.parametrize("password", ["hunter5harbor", "bronco_dagger98", "Tr0ub4dor&3"])
def test_a_user_and_a_password_in_a_list(password: str) -> None:
    """As clients of HTTP take them."""
    assert FILTER.redact({"auth": ["bob", password]}) == {"auth": ["bob", "[REDACTED]"]}
    assert FILTER.redact({"auth": ["basic", "bearer"]}) == {"auth": ["basic", "bearer"]}


@pytest.mark.parametrize(
    "value",
    [
        {"openai_api_key": {"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]}},
        {"api_key": {"valueFrom": {"secretKeyRef": {"name": "ledger-7f9c", "key": "api-key"}}}},
        {"secret": {"secretName": "db", "items": [{"key": "password", "path": "pw"}]}},
        {"api_key": {"Ref": "ApiKey"}, "password": {"Fn::Sub": "${ApiKey}"}},
        {"password": {"Fn::Join": ["", ["{{resolve:", "x}}"]]}},
        {"api_key": {"type": "env_var", "env_vars": ["OPENAI_API_KEY"], "strict": True}},
        {"Cookie": "sid=<YOUR_TOKEN>"},
        {"Set-Cookie": ["sid=***; Path=/", "lang=de"]},
        [{"name": "Cookie", "value": "sid=<YOUR_TOKEN>; Path=/; HttpOnly"}],
        {"Authorization": ["Bearer <jwt>"]},
        {"Proxy-Authorization": "Basic <username>:<password>"},
        {"attributes": [{"key": "authorization", "value": {"arrayValue": {"values": [{"stringValue": "Bearer ${X}"}]}}}]},
        {"secrets": ["db_password", "api_key"]},
        {"secrets": [{"Name": "prod/db", "ARN": "arn:aws:sm:eu-west-1:647844137114:secret:db-AbCdEf", "LastChangedDate": 17604.5}]},
        {"api_keys": [{"id": "key_PIrd59zkuuva", "name": "ci", "last_used": None, "redacted": "sk-...a1B2"}]},
        {"authorization": {"decision": "allow", "policy": "rbac"}},
        {"name": "API_KEY_HEADER", "value": "X-API-Key"},
        {"api_key": "secretref:openai-key"},
        {"AccessKey": {"UserName": "app_rw", "SecretAccessKey": "YOUR_API_KEY", "CreateDate": "2025-11-16T12:05:04Z"}},
        {"db_password": {"sensitive": True, "type": "string", "value": "***"}},
        {"password": {"value": "<redacted>", "confidence": 0.98}},
    ],
)  # fmt: skip
def test_what_refers_to_a_secret_stays(value: Any) -> None:
    """References, descriptions and placeholders hold none, also in containers and headers."""
    assert FILTER.redact(value) == value
    assert FILTER.redact({"text": json.dumps(value)}) == {"text": json.dumps(value)}


@pytest.mark.parametrize("names", [("rootPassword", "replicationPassword"), ("user", "password"), ("password", "tag")])
@pytest.mark.parametrize("value", ["kaffee7719", "P4ssZitrone_89", "x9-tangerine-moose"])
def test_lines_of_yaml_below_a_name(names: tuple[str, str], value: str) -> None:
    """Each line has a name of its own; the one above them says no more than they do."""
    lines = [f"  {name}: {value if 'assword' in name else 'bob'}" for name in names]
    text = "\n".join(["image:", "  tag: 1.15", "auth:", *lines, "ingress:", "  enabled: true"])

    assert FILTER.redact(text) == text.replace(value, "[REDACTED]")


REQUEST = "06899a3d-963a-427a-80c4-22e78d1721a7"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk8QvVv9pXfZ3Jm4sB1 bob@host"


@pytest.mark.parametrize(
    "value",
    [
        {"progressToken": REQUEST, "ClientToken": REQUEST, "clientRequestToken": REQUEST, "idempotency_token": REQUEST},
        f"ClientToken: {REQUEST}",
        {"dependencies": {"cookie": "^0.7.1", "tough-cookie": "5.0.0", "jwt": ">=1.2 <2.0.0 || 3.x"}},
        {"devDependencies": {"cookie": "0.7.1-beta.2"}, "engines": {"secrets": ">= 18.0"}},
        {"GPG_KEY": "E3FF2839C048B25C084DEBE9B26995E310250568"},
        ["PATH=/usr/bin", "GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568", "LANG=C"],
        {"ssh_key": PUBLIC},
        f'ssh_key: "{PUBLIC}"',
        f"ssh_key={PUBLIC}",
        {"translations": {"en": {"password": "Password"}, "de": {"password": "Passwort", "secret": "Geheimnis"}}},
    ],
)
def test_names_and_values_that_only_look_sensitive_stay(value: Any) -> None:
    """Tokens of requests, versions of packages, public keys, words in other languages."""
    assert FILTER.redact(value) == value


@pytest.mark.parametrize(
    "value",
    [
        {"api_key": {"type": "env_var", "value": "tangerine"}},
        {"api_key": {"valueFrom": {"literal": "tangerine"}, "value": "tangerine"}},
        {"secret": {"secretName": "db", "data": {"pw": "tangerine"}}},
        {"Cookie": "sid=tangerine; Path=/"},
        {"Set-Cookie": ["sid=***", "sid=tangerine"]},
        {"Authorization": ["Bearer tangerine9"]},
        {"Authorization": "Basic tangerine:<password>9"},
        {"password": {"name": "db", "text": "tangerine"}},
    ],
)
def test_what_stands_beside_a_reference_goes(value: Any) -> None:
    """One value is enough."""
    assert "tangerine" not in json.dumps(FILTER.redact(value))


@pytest.mark.parametrize(
    "placeholder",
    [
        None,
        "",
        True,
        False,
        "${API_KEY}",
        "$TOKEN",
        "{{ key }}",
        "<your-key>",
        "YOUR_API_KEY",
        "***",
        "Bearer ${TOKEN}",
        "[REDACTED]",
        "xxxx",
        "sk-...",
    ],
)
def test_a_placeholder_stays(placeholder: Any) -> None:
    """What stands for a secret without being one is left as it is."""
    assert FILTER.redact({"api_key": placeholder}) == {"api_key": placeholder}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "DB_PASSWORD", "value": "[REDACTED]"}),
        ({"key": "x-api-key", "value": "abc"}, {"key": "x-api-key", "value": "[REDACTED]"}),
        ([["Authorization", "Bearer abc"], ["Accept", "*/*"]], [["Authorization", "[REDACTED]"], ["Accept", "*/*"]]),
        (["curl", "--token", "s3cretvalue", "--verbose"], ["curl", "--token", "[REDACTED]", "--verbose"]),
        ({"type": "password", "value": "hunter2"}, {"type": "password", "value": "[REDACTED]"}),
        ({"kty": "RSA", "n": "public", "d": "a1B2c3D4e5F6g7H8i9"}, {"kty": "RSA", "n": "public", "d": "[REDACTED]"}),
        ({"password": 123456, "n": 123456}, {"password": "[REDACTED]", "n": 123456}),
        ({"pw": "abc"}, {"pw": "[REDACTED]"}),
        ({"X-Goog-Signature": "0a1b2c3d"}, {"X-Goog-Signature": "[REDACTED]"}),
        ({"tokens": ["aB3dE5fG7hI9kL2m", "Hello"]}, {"tokens": ["[REDACTED]", "Hello"]}),
        ({"name": "color", "value": "red"}, {"name": "color", "value": "red"}),
        ({"required": ["token", "secret", "password"]}, {"required": ["token", "secret", "password"]}),
        ({"password": {"type": "string", "minLength": 8}}, {"password": {"type": "string", "minLength": 8}}),
        ({"pwd": "/home/bob"}, {"pwd": "/home/bob"}),
        (
            {"errors": {"password": "must be at least 8 characters"}},
            {"errors": {"password": "must be at least 8 characters"}},
        ),
    ],
)
def test_structures_that_name_their_value_elsewhere(value: Any, expected: Any) -> None:
    """Pairs, header lists, argument lists and forms hide the name of a value; schemas and labels only describe one."""
    assert FILTER.redact(value) == expected


# ── text ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"use {GITHUB} for it", GITHUB),
        (f"密码之后{OPENAI}。", OPENAI),
        (f"token in \\n{GITHUB}\\n", GITHUB),
        (f"the cookie holds {JWT}", JWT),
        ('password = "hunter2"', "hunter2"),
        ("api_key: 'abc123'", "abc123"),
        ("DB_PASSWORD=supersecret\nDEBUG=1", "supersecret"),
        ("my password is hunter2, ok?", "hunter2"),
        ("Authorization: Bearer abc123def456", "abc123def456"),
        ("Proxy-Authorization: Basic Ym9iOmh1bnRlcjI=", "Ym9iOmh1bnRlcjI="),
        ("Cookie: session=abc123def456; theme=dark", "abc123def456"),
        ("https://bob:hunter2@host/path?x=1", "hunter2"),
        ("https://h/p?id=7&sig=aZ09%2Bxyz%3D&se=2", "aZ09%2Bxyz%3D"),
        ("GET /v1?access_token=abc123&limit=5", "abc123"),
        ("Server=x;User Id=sa;Password=Str0ng!;Encrypt=true", "Str0ng!"),
        ("AccountName=x;AccountKey=abc123def456==;EndpointSuffix=y", "abc123def456=="),
        ("run --password hunter2 --verbose", "hunter2"),
        ("client.set_password('hunter2')", "hunter2"),
        ("docker run -e POSTGRES_PASSWORD=mysecret pg", "mysecret"),
        ("mysql -u root -pS3cret db", "S3cret"),
        ("curl -u bob:hunter2 http://x", "hunter2"),
        ("<password>hunter2</password>", "hunter2"),
        ('os.environ["API_KEY"] = "abc12345"', "abc12345"),
        ("CREATE USER bob IDENTIFIED BY 'hunter2';", "hunter2"),
        ("https://hooks.slack.com/services/T0/B0/abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwx"),
        ('{"password": "hunter2", "cut off', "hunter2"),
        ("| user | password | hunter2 |", "hunter2"),
        ("| API key | sk12345abc | prod |", "sk12345abc"),
        ("setx API_KEY v1", "v1"),
        ('setx DB_PASSWORD "two words" /M', "two words"),
        ("session_token=abc123def456ghi7", "abc123def456ghi7"),
        ("x-goog-signature=0a1b2c3d4e5f", "0a1b2c3d4e5f"),
        ('{"pw": "abc"}', "abc"),
        ('{\\"password\\": \\"hunter2\\", \\"a\\"', "hunter2"),
    ],
)
def test_only_the_value_goes_from_text(text: str, secret: str) -> None:
    """The secret is replaced by the marker, everything around it stays byte for byte."""
    assert FILTER.redact(text) == text.replace(secret, "[REDACTED]")


@pytest.mark.parametrize(
    "text",
    [
        "the token limit is 4096 and max_tokens=1024",
        "password is required",
        "Your password must have 8 characters; reset your password in settings.",
        "def login(password: str, token: str | None = None) -> Token: ...",
        'api_key = os.environ["API_KEY"]',
        "password=password, token=self.token, key=settings.OPENAI_KEY",
        "password = getpass.getpass('Password: ')",
        "export API_KEY=$OTHER_KEY TOKEN=${TOKEN}",
        "Authorization: Bearer <token>",
        "git@github.com:org/repo.git and user@host and @scope/package@1.0.0",
        "https://example.com/path?page_token=2&limit=5",
        "commit 3f786850e387550fdaab836ed7e6dc881de23001 sha256:9f86d081884c7d659a2feaa0c55ad015",
        "123e4567-e89b-12d3-a456-426614174000 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----",
        "| password | string | required |\n| max tokens | 4096 |",
        "echo $password | base64 | tr -d x; cat log | grep password | md5sum | head",
        "setx PATH C:/tools and setx API_KEY %OTHER_KEY%",
        "mail bob@example.com or call +49 30 1234567, card 4111 1111 1111 1111",
        '{"usage": {"input_tokens": 812, "x": 1.0, "y": 1e5, "z": 12345678901234567890}, "a" : null}',
    ],
)
def test_text_without_a_secret_survives_byte_for_byte(text: str) -> None:
    """Prose about secrets, code that names one, ids, hashes, limits and placeholders stay."""
    assert FILTER.redact(text) == text


@pytest.mark.parametrize("header", ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\\n"])
def test_a_private_key_goes_whole(header: str, line_break: str) -> None:
    """Complete or cut off, with real or escaped line breaks; the text around it stays."""
    body = line_break.join(["MIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aSw", "wuKcn5hnpIvEB2Q7PX1lkBvM3SlDFDrhgnrQRM"])
    cut = f"key: -----BEGIN {header}-----{line_break}{body}"
    whole = f"{cut}{line_break}-----END {header}----- and more"

    assert FILTER.redact(whole) == "key: [REDACTED] and more"
    assert FILTER.redact(cut) == "key: [REDACTED]"


def test_json_in_a_string_changes_only_where_a_secret_stood() -> None:
    """Numbers, white space, key order, escapes and repeated keys stay as written; the result is JSON."""
    text = '{ "n": 1.0,"big":12345678901234567890 ,"e":1e5, "password" : "x\\u00e9y", "u": "\\u00e9", "password": "second" }'

    redacted = FILTER.redact(text)

    assert redacted == text.replace("x\\u00e9y", "[REDACTED]").replace("second", "[REDACTED]")
    assert json.loads(redacted)["big"] == 12345678901234567890


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_json_in_json_is_read_at_any_depth_of_encoding(levels: int) -> None:
    """A name decides over its value however often the document was encoded, and each level stays JSON."""
    text: Any = {"api_key": "abc", "n": [1, 2]}
    for _ in range(levels):
        text = json.dumps({"inner": text} if isinstance(text, dict) else text)

    redacted = FILTER.redact(text)

    for _ in range(levels):
        redacted = json.loads(redacted)
    assert redacted == {"inner": {"api_key": "[REDACTED]", "n": [1, 2]}}


def test_json_after_a_prefix_is_read() -> None:
    """A body in a log line is JSON too, and the line around it stays."""
    text = 'POST /x Body: {"credentials": {"a": ["b"]}, "k": [1,  2]} took 5 ms'

    assert FILTER.redact(text) == 'POST /x Body: {"credentials": {"a": ["[REDACTED]"]}, "k": [1,  2]} took 5 ms'


def test_a_key_that_is_a_credential_goes_too() -> None:
    """Keys stay, unless the key itself has a credential's format; no entry is lost."""
    other = GITHUB[:-1] + "9"

    assert FILTER.redact({GITHUB: 1, other: 2}) == {"[REDACTED]": 1, "[REDACTED]_": 2}


def test_a_secret_far_in_a_long_string_is_found() -> None:
    """There is no length beyond which text is not looked at."""
    noise = "nothing to see here. " * 40_000

    assert FILTER.redact(f"{noise}{GITHUB} {noise}") == f"{noise}[REDACTED] {noise}"


def test_surrogates_and_unicode_around_a_secret_stay() -> None:
    """Text that UTF-8 cannot encode is redacted as any other."""
    text = f"\ud800 密\u200b{GITHUB}\u200b İ é"

    assert FILTER.redact({"a": text}) == {"a": text.replace(GITHUB, "[REDACTED]")}


# ── styles ──────────────────────────────────────────────────────────────────────────────────────────


def test_partial_shows_three_characters_at_each_end_of_a_long_value() -> None:
    """Values of up to 12 characters show nothing."""
    partial = SensitiveDataFilter(style="partial")

    assert partial.redact({"password": "abcdefghijklm"}) == {"password": "abc…klm"}
    assert partial.redact({"password": "abcdefghijkl"}) == {"password": "[REDACTED]"}


def test_indexed_gives_the_same_token_to_the_same_value_of_one_trace() -> None:
    """A token belongs to a value and a trace."""
    indexed = SensitiveDataFilter(style="indexed")
    first = make_record(
        input=snapshot({"a_password": "one", "b_password": "two"}), output=snapshot({"c_password": "one"})
    )
    second = make_record("c" * 32, input=snapshot({"a_password": "two"}))

    indexed.process(first)
    indexed.process(second)

    one, two = first.input["a_password"], first.input["b_password"]
    assert re.fullmatch(r"\[KEY_NAME_[0-9a-f]{10}\]", one) and one != two
    assert first.output == {"c_password": one}
    assert second.input["a_password"] not in (one, two)


def test_an_index_key_makes_the_same_tokens_everywhere_and_across_traces_where_asked() -> None:
    """Two processes with one key agree; without `index_across_traces` they still tell traces apart."""
    one, two = (SensitiveDataFilter(style="indexed", index_key="k" * 32) for _ in range(2))
    across = SensitiveDataFilter(style="indexed", index_key=b"k" * 32, index_across_traces=True)
    value = {"password": "tangerine"}

    assert one.redact(value, "t1") == two.redact(value, "t1") != one.redact(value, "t2")
    assert across.redact(value, "t1") == across.redact(value, "t2")
    assert SensitiveDataFilter(style="indexed").redact(value, "t1") != one.redact(value, "t1")


# ── options ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("email", "write to bob.smith@example.com.", "bob.smith@example.com"),
        ("card", "card 4111 1111 1111 1111 exp", "4111 1111 1111 1111"),
        ("iban", "pay DE89 3704 0044 0532 0130 00 now", "DE89 3704 0044 0532 0130 00"),
        ("ssn", "ssn 123-45-6789.", "123-45-6789"),
        ("phone", "call +49 30 12345678 today", "+49 30 12345678"),
        ("ip", "from 203.0.113.9 again", "203.0.113.9"),
    ],
)
def test_personal_data_is_an_option(kind: str, text: str, value: str) -> None:
    """Off by default; on, each kind goes from text."""
    assert FILTER.redact(text) == text
    assert SensitiveDataFilter(pii=True).redact(text) == text.replace(value, "[REDACTED]")


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",
        "ssn 000-12-3456",
        "127.0.0.1",
        "version 1.2.3",
        "1732186200123456",
        "took 123-45 ms",
        "DE89 3704 0044 0532 0130 01",
    ],
)
def test_look_alikes_of_personal_data_stay(text: str) -> None:
    """Check digits, number ranges and context tell personal data from other numbers."""
    assert SensitiveDataFilter(pii=True).redact(text) == text


def test_own_keys_and_patterns() -> None:
    """An application adds names in any spelling, and formats."""
    own = SensitiveDataFilter(
        extra_keys=["tax number"], extra_patterns={"employee": r"\bEMP-\d{6}\b", "ticket": r"T-[0-9]{4}"}
    )
    record = make_record(input=snapshot({"customerTaxNumber": "x1", "note": "line\nEMP-123456 T-1234"}))

    own.process(record)

    assert record.input == {"customerTaxNumber": "[REDACTED]", "note": "line\n[REDACTED] [REDACTED]"}
    assert record.redactions == {"key_name": 1, "employee": 1, "ticket": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "hashed"}, r"style='hashed' is unknown; use one of 'full', 'partial', 'indexed'"),
        ({"marker": ""}, r"marker='' is not usable; use 3 to 64"),
        ({"marker": 'a"b'}, r"marker='a\"b' is not usable"),
        ({"pii": "yes"}, r"pii='yes' is neither a bool nor a list of kinds; use True, False or pii=\['email'\]"),
        ({"extra_keys": "token"}, r"extra_keys='token' is not a list of names; use"),
        ({"extra_keys": ["--"]}, r"extra_keys holds '--', which is no name; use"),
        ({"extra_patterns": {"a": "("}}, r"extra_patterns\['a'\]='\(' is no regular expression .*; correct it"),
        (
            {"extra_patterns": {"a": "x(a+)+y"}},
            r"extra_patterns\['a'\]='x\(a\+\)\+y' can run away: it has too many ways.*; make",
        ),
        ({"extra_patterns": {"a": "x*"}}, r"extra_patterns\['a'\]='x\*' matches the empty text; make"),
        ({"extra_patterns": {"A b": "x"}}, r"the rule's name is not usable; use"),
    ],
)
def test_a_bad_option_is_an_error_that_names_key_value_and_fix(options: dict[str, Any], message: str) -> None:
    """Configuration is strict."""
    with pytest.raises(ConfigurationError, match=message):
        SensitiveDataFilter(**options)


# ── records ──────────────────────────────────────────────────────────────────────────────────────────


def test_every_field_of_a_record_is_covered_and_counted() -> None:
    """Name, payloads, attributes, metadata, tags, error, events, links, entity and correlation fields."""
    record = make_record(
        name=f"call {GITHUB}",
        input=snapshot({"password": "one"}),
        output=f"text {GITHUB}",
        attributes={"api_key": "x1", "model": "m", "nested": snapshot({"token_count": 3, "access_token": "y"})},
        metadata={"note": snapshot([GITHUB])},
        tags=["vip", GITHUB],
        error={"type": "ValueError", "message": "bad password='hunter2'", "stack": f"File x\n  call({GITHUB!r})"},
        events=[{"name": "e", "time": 1, "attributes": {"secret": "s"}}],
        links=[{"trace_id": "t", "span_id": "s", "attributes": {"secret": "s"}}],
        entity_name=GITHUB,
        session_id=GITHUB,
    )

    FILTER.process(record)

    assert GITHUB.encode() not in record.encode_fields()
    assert record.name == "call [REDACTED]"
    assert record.input == {"password": "[REDACTED]"}
    assert record.attributes == {
        "api_key": "[REDACTED]",
        "model": "m",
        "nested": {"token_count": 3, "access_token": "[REDACTED]"},
    }
    assert record.tags == ["vip", "[REDACTED]"]
    assert record.error["message"] == "bad password='[REDACTED]'"
    assert record.events[0]["attributes"] == {"secret": "[REDACTED]"}
    assert record.links[0]["attributes"] == {"secret": "[REDACTED]"}
    assert record.session_id == "[REDACTED]"
    assert record.redactions == {"github_token": 7, "key_name": 5, "assignment": 1}


def test_a_clean_record_keeps_its_snapshots() -> None:
    """Nothing is decoded or encoded again where nothing was found, and a field is looked at once."""
    payload = snapshot({"messages": [{"role": "user", "content": "hello"}], "max_tokens": 5})
    record = make_record(input=payload, name="x")

    FILTER.process(record)

    assert record.content()["input"] is payload
    assert record.processed == {"input", "name"}
    assert record.redactions == {}


@pytest.mark.parametrize("where", ["name", "input", "output", "metadata", "session_id"])
def test_only_the_fields_that_hold_something_are_written_anew(where: str) -> None:
    """Whichever field is the dirty one, small or large, the others keep their snapshots."""
    clean: dict[str, Any] = {
        "name": "call",
        "input": snapshot({"text": "clean " * 50}),
        "output": snapshot({"text": "clean " * 20}),
        "metadata": {"note": snapshot(["clean"])},
        "session_id": "s1",
    }
    dirty = {"metadata": {"note": snapshot([GITHUB])}}.get(where, f"a {GITHUB} b")
    record = make_record(**{**clean, where: dirty})

    FILTER.process(record)

    assert {field for field in clean if record.content()[field] is not clean[field]} == {where}
    assert GITHUB.encode() not in record.encode_fields()
    assert record.redactions == {"github_token": 1}


def test_a_field_that_is_assigned_later_is_looked_at_then() -> None:
    """A span that is written again is redacted again where it changed, and only there."""
    record = make_record(input=snapshot({"password": "one"}))
    FILTER.process(record)
    record.output = {"password": "two"}

    FILTER.process(record)

    assert (record.input, record.output) == ({"password": "[REDACTED]"}, {"password": "[REDACTED]"})
    assert record.redactions == {"key_name": 2}


def raising(text: str) -> Any:
    raise ValueError(text)


def test_a_rule_that_raises_withholds_the_field_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail closed: the whole field goes, with the error's class and without its message; other fields are redacted as usual."""
    monkeypatch.setattr(json_text, "regions", raising)
    record = make_record(
        input=snapshot({"a": '{"password": "one"}'}), output=snapshot({"password": "x"}), name='{"password": "two"}'
    )

    FILTER.process(record)

    assert record.input == {"withheld": {"processor": "sensitive_data", "reason": "ValueError"}}
    assert record.output == {"password": "[REDACTED]"}
    assert record.name == "[WITHHELD]"
    assert record.redactions == {"withheld": 2, "key_name": 1}
    assert FILTER.redact(['{"password": "one"}']) == {
        "withheld": {"processor": "sensitive_data", "reason": "ValueError"}
    }


@pytest.mark.parametrize(("field", "content"), [("tags", ["[WITHHELD]"]), ("links", []), ("user_id", "[WITHHELD]")])
def test_a_withheld_field_keeps_its_shape(field: str, content: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exporters find a list where a list belongs, and text where text does."""
    monkeypatch.setattr(json_text, "regions", raising)
    text = '{"password": "one"}'
    values: dict[str, Any] = {"tags": [text], "links": [{"attributes": {"x": text}}], "user_id": text}
    record = make_record(**{field: values[field]})

    FILTER.process(record)

    assert getattr(record, field) == content


@pytest.mark.parametrize("depth", [65, 200, 5000])
def test_what_is_too_deep_is_withheld(depth: int) -> None:
    """A secret below the deepest level that is looked at does not leave."""
    value: Any = {"password": "deep"}
    for _ in range(depth):
        value = [value]

    assert FILTER.redact(value) == {"withheld": {"processor": "sensitive_data", "reason": "LimitExceeded"}}


def test_what_is_too_much_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field with more values than the budget allows does not leave half redacted."""
    monkeypatch.setattr(walk, "MAX_VALUES", 100)

    assert FILTER.redact([{"password": "x"}] * 200) == {
        "withheld": {"processor": "sensitive_data", "reason": "LimitExceeded"}
    }


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────

SECRETS = st.sampled_from(
    [
        GITHUB,
        OPENAI,
        JWT,
        "hunter2",
        "Bearer abc123def456",
        "password=hunter2",
        'api_key: "x1y2"',
        '{"token": "aB3dE5fG7hI9", "n": 1.0}',
    ]
)
NAMES = st.sampled_from(
    ["password", "apiKey", "tokens", "auth", "max_tokens", "name", "value", "note", "Set-Cookie", "errors"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | SECRETS
    | st.tuples(st.text(max_size=8), SECRETS, st.text(max_size=8)).map(" ".join),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4)
        | st.builds(json.dumps, inner)
    ),
    max_leaves=12,
)


@given(value=VALUES, style=st.sampled_from(["full", "partial", "indexed"]))
@settings(max_examples=150)
def test_redacting_twice_changes_nothing_more_and_never_the_input(value: Any, style: Any) -> None:
    """Idempotent in every style; the input is not mutated; formats are gone."""
    redactor = STYLED[style]
    before = copy.deepcopy(value)

    once = redactor.redact(value)

    assert value == before
    assert redactor.redact(once) == once
    assert GITHUB not in json.dumps(once)


@given(value=VALUES)
@settings(max_examples=100)
def test_json_stays_json(value: Any) -> None:
    """A string that was JSON is JSON afterwards."""
    text = json.dumps({"data": value, "password": "planted"})

    redacted = json.loads(FILTER.redact(text))

    assert redacted["password"] == "[REDACTED]"


@given(text=st.text(alphabet="abcdefghij \n\\\"'{}[]:,=éß密", max_size=200))
@settings(max_examples=200)
def test_text_around_a_secret_survives(text: str) -> None:
    """Whatever stands around a credential, removing the credential is all that happens."""
    value = f"{text} {GITHUB} {text}"

    assert FILTER.redact(value) == f"{text} [REDACTED] {text}"


STYLED = {style: SensitiveDataFilter(style=style) for style in ("full", "partial", "indexed")}

HOSTILE = {
    "quotes": '"' * 40_000,
    "backslashes": 'password="' + "\\" * 40_000,
    "escaped quotes": '\\"' * 20_000,
    "keywords": "password" * 5_000,
    "assignments": "password=" * 4_000,
    "separators": "=:=:" * 10_000,
    "unclosed keys": "-----BEGIN RSA PRIVATE KEY-----" * 400,
    "brackets": '[{"' * 13_000,
    "urls": "://a:" * 8_000,
    "dots": "eyJ" + "a." * 20_000,
    "spaces": "password" + " " * 40_000 + "is",
    "at signs": "a@" * 20_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_comes_back_with_its_secret_gone(text: str) -> None:
    """Input made to be slow or to confuse ends, does not hide a secret behind it and does not grow beyond it."""
    redacted = FILTER.redact(f"{text}\n\n{GITHUB}\n")

    assert GITHUB not in redacted
    assert len(redacted) <= 3 * len(text)


def test_without_re2_the_filter_runs_on_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where re2 cannot be imported the same rules run on `re`, with the same results."""
    monkeypatch.setitem(__import__("sys").modules, "re2", None)
    standard = SensitiveDataFilter()
    value = {
        "text": f"a {GITHUB} https://u:pw12@h",
        "password": "x",
        "max_tokens": 5,
        "long": "clean " * 20_000 + OPENAI,
    }

    assert standard.redact(value) == FILTER.redact(value) != value


def test_weak_words_under_a_sensitive_name_are_no_placeholders():
    """What a person might really have chosen goes; what documentation writes for "put yours here" stays."""
    redact = SensitiveDataFilter().redact

    assert redact({"api_key": "my secret", "password": "mypassword"}) == {
        "api_key": "[REDACTED]",
        "password": "[REDACTED]",
    }
    assert redact({"api_key": "my-api-key", "token": "YOUR_TOKEN"}) == {"api_key": "my-api-key", "token": "YOUR_TOKEN"}


@pytest.mark.parametrize("length", [1, 128, 200, 400, 512])
def test_url_passwords_of_any_usual_length(length):
    """The password of a URL goes, also a long one; the rest of the URL stays."""
    redacted = SensitiveDataFilter().redact(f"see https://user:{'pQ7x' * 128}"[: 17 + length] + "@host/path")

    assert redacted == "see https://user:[REDACTED]@host/path"


@pytest.mark.parametrize(
    "value",
    [
        {"password": "$ecret123"},
        {"password": "abc...Xk29!sQ"},
        {"password": "Data.2024xyz"},
        {"password": "hunter2(a)"},
        {"password": "xxxxxx9Qz!real"},
        {"api_key": "[REDACTED]realsecret99"},
        {"password": {"type": "text", "text": "hunter2hunter2"}},
        {"credentials": {"type": "text", "user": "bob", "data": "hunter2hunter2"}},
        {"token": ["AbC123dEf456GhI789jKl0"] * 1001},
    ],
)
def test_what_only_resembles_a_placeholder_goes(value):
    """Under a sensitive name a value stays only if all of it is a placeholder, a variable or a mask."""
    redacted = SensitiveDataFilter().redact(value)

    secret = next(iter(value.values()))
    words = [secret] if isinstance(secret, str) else [*(secret.values() if isinstance(secret, dict) else secret)]
    assert not any(word in json.dumps(redacted) for word in words if word not in ("text", "bob"))


@pytest.mark.parametrize(
    "value",
    [
        "yourself123X",
        "yourName2024!",
        "your9Qz-tr0ub4dor",
        "the_9fA8secret77x",
        "put-Xk92key8",
        "Xk29f8_here",
        "my1key_x9",
    ],
)
@pytest.mark.parametrize("name", ["secret", "db_password", "apiKey"])
def test_what_begins_like_a_placeholder_goes(name: str, value: str) -> None:
    """Only words stand for "put yours here"; digits among them are somebody's."""
    assert FILTER.redact({name: value}) == {name: "[REDACTED]"}


@pytest.mark.parametrize(
    "value",
    [
        "your-api-key",
        "YOUR_OPENAI_API_KEY_HERE",
        "yourpassword",
        "your_key_2",
        "insert-token-here",
        "<your-key>",
        "key_here",
    ],
)
def test_what_documentation_writes_for_a_secret_stays(value: str) -> None:
    """Examples and templates are no secrets."""
    assert FILTER.redact({"api_key": value}) == {"api_key": value}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("password=hunter2", "password=[REDACTED]"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer [REDACTED]"),
        ("https://bob:hunter2@host/", "https://bob:[REDACTED]@host/"),
        ("--api-key s3cretvalue9", "--api-key [REDACTED]"),
        ("the password is hunter2!x", "the password is [REDACTED]"),
        ("password", "password"),
        ("max_tokens=5", "max_tokens=5"),
        ("password reset for bob", "password reset for bob"),
    ],
)
def test_a_key_is_read_as_text_where_it_is_more_than_a_name(key: str, expected: str) -> None:
    """In a mapping, in JSON in a string, and at any level; the value stays."""
    assert FILTER.redact({key: 1}) == {expected: 1}
    assert FILTER.redact([{"a": {key: None}}]) == [{"a": {expected: None}}]
    assert json.loads(FILTER.redact(json.dumps({"x": {key: 1}}))) == {"x": {expected: 1}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["password", "x"], ["password", "[REDACTED]"]),
        ({"pair": ["api_key", "abc"]}, {"pair": ["api_key", "[REDACTED]"]}),
        ([["password", "x"], ["a", "b", "c"]], [["password", "[REDACTED]"], ["a", "b", "c"]]),
        (
            {"headers": [["Cookie", "a=b"], ["Accept", "*/*"]]},
            {"headers": [["Cookie", "[REDACTED]"], ["Accept", "*/*"]]},
        ),
        (
            {"rawHeaders": ["Host", "h", "Authorization", "Bearer x1", "Accept", "*/*"]},
            {"rawHeaders": ["Host", "h", "Authorization", "[REDACTED]", "Accept", "*/*"]},
        ),
        (["headers", ["X-Api-Key: abc123def", "Accept: */*"]], ["headers", ["X-Api-Key: [REDACTED]", "Accept: */*"]]),
    ],
)
def test_pairs_in_lists(value: Any, expected: Any) -> None:
    """A name and its value side by side: alone, among other lists, as headers in either form."""
    assert FILTER.redact(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"required": ["password", "email"]},
        {"loc": ["password", "min_length"]},
        {"fields": ["secret", "name"]},
        ["password", "token"],
        ["username", "password"],
        ["password", "is required"],
        ["password", "<password>"],
    ],
)
def test_lists_of_names_stay(value: Any) -> None:
    """Two names, a name and a label, a list that its own name says holds names."""
    assert FILTER.redact(value) == value


@dataclasses.dataclass
class Login:
    user: str
    password: str


class Key(NamedTuple):
    name: str
    api_key: str


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Login("bob", "hunter2"), {"user": "bob", "password": "[REDACTED]"}),
        ({"login": [Login("bob", "hunter2")]}, {"login": [{"user": "bob", "password": "[REDACTED]"}]}),
        (Key("k", "abc"), {"name": "k", "api_key": "[REDACTED]"}),
        (b"password=hunter2", "password=[REDACTED]"),
        ({"password": b"hunter2"}, {"password": "[REDACTED]"}),
        ({b"password": "hunter2"}, {"password": "[REDACTED]"}),
        ([(b"authorization", b"Bearer abc")], [("authorization", "[REDACTED]")]),
        ({"note": {f"use {GITHUB}"}}, {"note": ["use [REDACTED]"]}),
        (frozenset({GITHUB}), ["[REDACTED]"]),
        ({"at": Decimal("1.5"), "password": "x"}, {"at": "1.5", "password": "[REDACTED]"}),
        ({"secrets": {1, 2}}, {"secrets": ["[REDACTED]", "[REDACTED]"]}),
        (
            {"error": ValueError("password=hunter2")},
            {"error": {"type": "ValueError", "message": "password=[REDACTED]"}},
        ),
        ({"api_key": b"\xff\xfe"}, {"api_key": "[REDACTED]"}),
        ({1: {"password": "x"}, None: "y"}, {1: {"password": "[REDACTED]"}, None: "y"}),
    ],
)
def test_values_that_json_has_no_word_for_are_redacted_as_a_span_records_them(value: Any, expected: Any) -> None:
    """No type is a hiding place, as a value, as a key, in a container."""
    before = copy.deepcopy(value)

    assert FILTER.redact(value) == expected
    assert str(value) == str(before)


def test_a_foreign_object_is_never_returned_as_it_is() -> None:
    """Not even where nothing in it can be read: its class is what a span records of it."""

    class Odd:
        secret = GITHUB

        def __repr__(self) -> str:
            return self.secret

    redacted = FILTER.redact({"x": Odd(), "password": [Odd()]})

    assert redacted["password"] == "[REDACTED]"
    assert isinstance(redacted["x"], str)
    assert redacted["x"].endswith("Odd>")


@pytest.mark.parametrize("value", [10000000000.0, "äöü1234567äöü", "abcdefghij.!x", "a.b.c.d.e.f.g.h"])
def test_what_partial_shows_is_known_as_a_mask(value: Any) -> None:
    """Redacted again, it stays."""
    partial = SensitiveDataFilter(style="partial")
    once = partial.redact({"password": value})

    assert partial.redact(once) == once != {"password": value}
