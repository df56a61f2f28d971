"""Cases with a secret in them, made from formats, names and surroundings."""

from __future__ import annotations

import html
import json
import random
import urllib.parse
from typing import TYPE_CHECKING, Any

from .cases import HOLE, Case, text_case, words_around
from .formats import CONTEXTUAL, FORMATS, PASSWORDS
from .gate_cases import secrets
from .generating import base64_of, characters, fill, jwt
from .places import places
from .structure_cases import structures
from .surroundings import ANYWHERE, NAMED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SENSITIVE_NAMES = [
    "code_verifier",
    "SharedAccessSignature",
    "SecretBinary",
    "password",
    "passwd",
    "db_passwd",
    "dbPassword",
    "DB_PASSWORD",
    "user-password",
    "user.password",
    "Password",
    "PASSWORD_PROD",
    "password2",
    "old_password",
    "newPassword",
    "passphrase",
    "passcode",
    "pwd",
    "userPwd",
    "pw",
    "secret",
    "client_secret",
    "clientSecret",
    "CLIENT-SECRET",
    "webhook_secret",
    "signing_secret",
    "signingSecret",
    "app_secret",
    "secrets",
    "credentials",
    "credential",
    "creds",
    "aws_credentials",
    "authorization",
    "Authorization",
    "proxy-authorization",
    "Proxy-Authorization",
    "cookie",
    "Set-Cookie",
    "set_cookie",
    "api_key",
    "apiKey",
    "apikey",
    "API_KEY",
    "X-Api-Key",
    "x-api-key",
    "x.api.key",
    "api-key",
    "OPENAI_API_KEY",
    "openai_api_key",
    "openaiApiKey",
    "ANTHROPIC_API_KEY",
    "private_key",
    "privateKey",
    "secret_key",
    "secretKey",
    "SECRET_KEY_BASE",
    "django_secret_key",
    "signing_key",
    "encryption_key",
    "encryptionKey",
    "master_key",
    "access_key",
    "accessKey",
    "aws_secret_access_key",
    "AWS_SECRET_ACCESS_KEY",
    "account_key",
    "AccountKey",
    "subscription_key",
    "Ocp-Apim-Subscription-Key",
    "storage_key",
    "license_key",
    "service_account_key",
    "access_token",
    "accessToken",
    "ACCESS_TOKEN",
    "access_token_v2",
    "refresh_token",
    "refreshToken",
    "id_token",
    "auth_token",
    "authToken",
    "X-Auth-Token",
    "bearer_token",
    "bot_token",
    "botToken",
    "deploy_token",
    "session_token",
    "csrf_token",
    "csrfToken",
    "xsrf_token",
    "X-CSRF-Token",
    "api_token",
    "personal_access_token",
    "GITHUB_TOKEN",
    "jwt",
    "pat",
    "otp",
    "mfa_code",
    "totp",
    "recovery_codes",
    "connection_string",
    "connectionString",
    "ConnectionStrings",
    "session_key",
    "vault_token",
    "SLACK_BOT_TOKEN",
    "telegramBotToken",
    "stripe_secret_key",
    "smtp_password",
    "SMTP_PASS",
    "redisPassword",
    "keystore_password",
    "sslKeyPassword",
    "ldap_bind_password",
    "wifi_passphrase",
    "ssh_private_key",
    "x-vault-token",
    "X-Amz-Security-Token",
]
_WEAK_NAMES = frozenset(
    ["token", "pat", "secrets", "recovery_codes", "GITHUB_TOKEN", "SLACK_BOT_TOKEN", "ConnectionStrings", "storage_key"]
)


def contextual(rng: random.Random) -> str:
    """A credential without a shape of its own."""
    return fill(rng.choice(CONTEXTUAL)[1], rng)


def secret_for(name: str, rng: random.Random) -> str:
    """What a setting of this name would hold."""
    lowered = name.lower()
    return rng.choice(PASSWORDS) if any(word in lowered for word in ("pass", "pwd", "mysql", "pw")) else contextual(rng)


def formats(rng: random.Random) -> Iterator[Case]:
    """Every format in several of the places where any may stand."""
    for number, (name, template) in enumerate(FORMATS):
        for step in range(6):
            place, around = ANYWHERE[(number * 5 + step * 7) % len(ANYWHERE)]
            yield text_case(f"formats/{name}/{place}", around, fill(template, rng))
        secret = fill(template, rng)
        yield Case(f"formats/{name}/field", {"note": secret, "n": 1.5, "next": "kept text"}, (secret,), ("kept text",))
        secret = fill(template, rng)
        yield Case(f"formats/{name}/key", {"seen": {secret: 3, "other": 4}}, (secret,), ("other",))


def names(rng: random.Random) -> Iterator[Case]:
    """Names in every spelling over values that nothing else gives away, and the structures that hide a name."""
    shapes: tuple[tuple[str, Callable[[str, Any], Any]], ...] = (
        ("mapping", lambda name, value: {"user": "alice", name: value, "port": 5432}),
        ("nested", lambda name, value: {"config": {"user": "alice", "inner": [{name: value, "port": 5432}]}}),
        ("name_value", lambda name, value: [{"name": "Accept", "value": "alice"}, {"name": name, "value": value}]),
        (
            "key_value",
            lambda name, value: {"env": [{"key": name, "value": value}, {"key": "REGION", "value": "alice"}]},
        ),
        (
            "aws_pair",
            lambda name, value: {"Parameters": [{"Name": name, "Value": value}, {"Name": "Region", "Value": "alice"}]},
        ),
        (
            "field_pair",
            lambda name, value: [
                {"fieldName": name, "fieldValue": value},
                {"fieldName": "city", "fieldValue": "alice"},
            ],
        ),
        ("pairs", lambda name, value: {"headers": [["Accept", "alice"], [name, value]]}),
        ("json", lambda name, value: json.dumps({"user": "alice", name: value})),
    )
    for number, name in enumerate(SENSITIVE_NAMES):
        for step in range(3):
            shape, build = shapes[(number + step * 2) % len(shapes)]
            secret = contextual(rng) if name in _WEAK_NAMES or step == 0 else secret_for(name, rng)
            yield Case(f"names/{name}/{shape}", build(name, secret), (secret,), ("alice",))
    words = ("tangerine", "purple elephant", "summer")
    for name in ("password", "db_passwd", "passphrase", "clientSecret", "X-Api-Key", "authorization"):
        for word in words:
            yield Case(f"names/{name}/word", {"user": "alice", name: word}, (word,), ("alice",))


def containers(rng: random.Random) -> Iterator[Case]:
    """Lists and mappings below a sensitive name."""
    for name in ("credentials", "api_keys", "secrets", "passwords", "private_keys", "client_secrets"):
        one, two = contextual(rng), contextual(rng)
        yield Case(f"containers/{name}/list", {name: [one, two], "kept": "alice"}, (one, two), ("alice",))
        yield Case(f"containers/{name}/mapping", {name: {"a": one, "b": two}, "kept": "alice"}, (one, two), ("alice",))
        yield Case(f"containers/{name}/deep", {name: {"a": {"b": [one]}}, "kept": "alice"}, (one,), ("alice",))
    access, refresh = contextual(rng), contextual(rng)
    yield Case(
        "containers/tokens", {"tokens": {"access": access, "refresh": refresh, "total": 12}}, (access, refresh), ("12",)
    )
    yield Case("containers/auth", {"auth": {"username": "alice", "password": access}}, (access,), ("alice",))
    yield Case("containers/auth_pair", {"auth": ["alice", "Tr0ub4dor&3x"], "url": "kept"}, ("Tr0ub4dor&3x",), ("kept",))
    yield Case("containers/cookies", {"cookies": {"sessionid": access, "theme": "dark"}}, (access,), ("dark",))
    yield Case(
        "containers/cookie_jar",
        {"cookies": [{"name": "sid", "value": access, "domain": "example.com"}]},
        (access,),
        ("example.com",),
    )
    yield Case(
        "containers/storage_state", {"origins": [{"localStorage": [{"name": "authToken", "value": access}]}]}, (access,)
    )


def assignments(rng: random.Random) -> Iterator[Case]:
    """Credentials without a shape, in configuration, code, commands, headers, addresses and prose."""
    for name, template in NAMED:
        for number in range(4):
            lowered = template.lower()
            password = any(
                word in lowered
                for word in (
                    "passw",
                    "pwd",
                    "-p§",
                    "redis-cli",
                    "sudo",
                    "user",
                    "密码",
                    "mot de passe",
                    "contraseña",
                    "パスワード",
                    "stdin",
                )
            )
            secret = rng.choice(PASSWORDS) if password and number < 3 and name != "kubeconfig" else contextual(rng)
            if ("url" in name or name in ("exception", "jdbc")) and "://" in template:
                secret = urllib.parse.quote(secret, safe="")
            if name in (
                "mysql_p",
                "go_map",
                "sudo",
                "pgpass",
                "logfmt",
                "document_cookie",
                "redis_cli",
                "libpq",
                "flag_space",
            ) and set(secret) & set("&#/|$"):
                secret = characters(rng, "AN", 14)
            if "&" in secret and name in (
                "form_password",
                "url_token",
                "ado",
                "ado_pwd",
                "inline_env",
                "mysql_p",
                "flag_space",
                "json_text",
                "properties",
                "url_api_key",
                "url_client_secret",
                "url_fragment",
                "docker_e",
                "env",
                "flag_set",
                "windows_set",
                "xml",
                "html_input",
            ):
                secret = secret.replace("&", "-")
            yield text_case(f"assignments/{name}", template, secret)


_ENCODINGS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("json_once", lambda text: json.dumps({"body": text, "n": 1.0})),
    ("json_twice", lambda text: json.dumps({"outer": json.dumps({"body": text, "n": 1})})),
    ("json_three_times", lambda text: json.dumps({"a": json.dumps({"b": json.dumps({"body": text})})})),
    ("json_prefix", lambda text: "Request body: " + json.dumps({"body": text, "n": [1, 2]})),
    ("json_truncated", lambda text: json.dumps({"first": "kept", "body": text, "rest": "this is cut here"})[:-9]),
    ("json_lines", lambda text: json.dumps({"a": 1}) + "\n" + json.dumps({"body": text}) + "\n"),
    ("json_pretty", lambda text: json.dumps({"body": text, "n": 1.50}, indent=2)),
    ("python_repr", lambda text: repr({"body": text, "n": 1})),
    ("bytes_repr", lambda text: repr(json.dumps({"body": text}).encode())),
    ("html", lambda text: html.escape(json.dumps({"body": text, "n": 1}))),
    ("percent", lambda text: "https://example.com/cb?state=" + urllib.parse.quote(json.dumps({"body": text, "n": 1}))),
    ("form", lambda text: "a=1&body=" + urllib.parse.quote_plus(text) + "&b=2"),
    ("sse", lambda text: "event: delta\ndata: " + json.dumps({"delta": {"content": text}}) + "\n\n"),
    ("field", lambda text: {"messages": [{"role": "tool", "content": [{"type": "text", "text": text}]}]}),
    ("arguments", lambda text: {"tool_calls": [{"function": {"name": "run", "arguments": json.dumps({"cmd": text})}}]}),
    ("list", lambda text: ["kept", {"deep": [[text]]}]),
)


def encodings(rng: random.Random) -> Iterator[Case]:
    """Texts with a secret, wrapped as they travel."""
    inner = (
        ('{"user": "app", "password": "§"}', "password"),
        ('{"headers": {"X-Api-Key": "§"}, "n": 2}', "key"),
        ("Authorization: Bearer §", "format"),
        ("the key § was used", "format"),
        ("export OPENAI_API_KEY=§", "format"),
        ("postgres://app:§@db.internal:5432/orders", "plain"),
        ("curl -u admin:§ https://api.example.com", "plain"),
        ('client = Client(api_key="§")', "key"),
        ("DB_PASSWORD=§", "plain"),
        ("line one\n§\nline three", "format"),
        ('say "§" twice', "format"),
    )
    for encoding, wrap in _ENCODINGS:
        for number, (template, kind) in enumerate(inner):
            secret = {
                "format": lambda: fill(rng.choice(FORMATS)[1], rng),
                "key": lambda: fill(rng.choice(("{AN:40}", "{hex:32}", "{uuid}")), rng),
                "password": lambda: rng.choice(("hunter2", "Winter2025!", "9f!Kd03mZ", "qwerty12345")),
                "plain": lambda: characters(rng, "AN", 14),
            }[kind]()
            keeps = tuple(word for word in words_around(template) if word != "Bearer")
            yield Case(f"encodings/{encoding}/{number}", wrap(template.replace(HOLE, secret)), (secret,), keeps)


def headers(rng: random.Random) -> Iterator[Case]:
    """Headers as mappings, pairs, raw lists and text."""
    token, key, basic = contextual(rng), contextual(rng), fill("{basic}", rng)
    values = (
        ("Authorization", f"Bearer {token}", token),
        ("authorization", f"Basic {basic}", basic),
        ("Authorization", f"Token {token}", token),
        ("Authorization", f"ApiKey {key}", key),
        ("Proxy-Authorization", f"Basic {basic}", basic),
        ("X-Api-Key", key, key),
        ("x-goog-api-key", key, key),
        ("Ocp-Apim-Subscription-Key", key, key),
        ("X-Auth-Token", key, key),
        ("PRIVATE-TOKEN", key, key),
        ("DD-API-KEY", key, key),
        ("X-Shopify-Access-Token", key, key),
        ("Cookie", f"theme=dark; sessionid={token}", token),
        ("Set-Cookie", f"sid={token}; Path=/; HttpOnly", token),
        ("X-CSRF-Token", key, key),
        ("X-Amz-Security-Token", key, key),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
            f"Signature={fill('{hex:64}', rng)}",
            "",
        ),
        (
            "Authorization",
            f'Digest username="app", realm="r", nonce="{fill("{hex:32}", rng)}", response="{fill("{hex:32}", rng)}"',
            "",
        ),
        ("Authorization", key, key),
        ("api-key", key, key),
        ("X-Functions-Key", key, key),
        ("X-Hub-Signature-Secret", key, key),
    )
    for number, (name, value, secret) in enumerate(values):
        gone = (secret or value.rsplit("=", 1)[1].strip('"'),)
        yield Case(
            f"headers/mapping/{number}", {"headers": {"Accept": "text/plain", name: value}}, gone, ("text/plain",)
        )
        yield Case(f"headers/pairs/{number}", [["Accept", "text/plain"], [name, value]], gone, ("text/plain",))
        yield Case(
            f"headers/tuples/{number}",
            {"headers": [("Accept", "text/plain"), (name.lower(), value)]},
            gone,
            ("text/plain",),
        )
        yield Case(
            f"headers/raw/{number}", {"rawHeaders": ["Accept", "text/plain", name, value]}, gone, ("text/plain",)
        )
        yield Case(
            f"headers/text/{number}",
            f"GET /v1 HTTP/1.1\r\nAccept: text/plain\r\n{name}: {value}\r\nHost: example.com\r\n\r\n",
            gone,
            ("text/plain", "example.com"),
        )
        yield Case(
            f"headers/list/{number}", {"headers": {"Accept": ["text/plain"], name: [value]}}, gone, ("text/plain",)
        )


def argv(rng: random.Random) -> Iterator[Case]:
    """Command lines as lists."""

    def secret() -> str:
        return rng.choice(PASSWORDS)

    for number, build in enumerate(
        (
            lambda s: ["deploy", "--region", "eu", "--password", s, "--verbose"],
            lambda s: ["deploy", f"--password={s}", "--region=eu"],
            lambda s: ["deploy", "--api-key", s],
            lambda s: ["deploy", f"--api-key={s}", "eu"],
            lambda s: ["docker", "run", "-e", f"DB_PASSWORD={s}", "eu"],
            lambda s: ["docker", "run", "--env", f"API_TOKEN={s}", "eu"],
            lambda s: ["mysql", "-u", "root", f"-p{s}", "orders"],
            lambda s: ["curl", "-u", f"admin:{s}", "https://api.example.com"],
            lambda s: ["curl", "-H", f"X-Api-Key: {s}", "https://api.example.com"],
            lambda s: ["curl", "-H", f"Authorization: Bearer {s}XyZ1234567", "https://api.example.com"],
            lambda s: ["sshpass", "-p", s, "ssh", "eu"],
            lambda s: ["redis-cli", "-a", s, "ping"],
            lambda s: ["psql", f"postgres://app:{s.replace('&', '-').replace('#', '-')}@db/orders"],
            lambda s: ["env", f"PGPASSWORD={s}", "psql"],
            lambda s: ["helm", "upgrade", "--set", f"db.password={s}"],
            lambda s: ["ldapsearch", "-D", "cn=a", "-w", s],
            lambda s: ["docker", "login", "-u", "app", "-p", s],
            lambda s: ["sqlcmd", "-U", "sa", "-P", s],
            lambda s: ["tool", "--client-secret", s, "run"],
            lambda s: ["bash", "-c", f"export DB_PASSWORD='{s}' && run"],
            lambda s: ["tool", "-password", s, "run"],
            lambda s: ["tool", "/password:" + s, "run"],
        )
    ):
        for _ in range(2):
            value = secret()
            command = build(value)
            shown = value.replace("&", "-").replace("#", "-") if "psql" in command[0] and len(command) == 2 else value
            yield Case(f"argv/{number}", {"argv": command, "cwd": "/srv"}, (shown,), (command[0], "/srv"))


def key_material(rng: random.Random) -> Iterator[Case]:
    """Private keys in every form in which they travel."""
    for kind in (
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "DSA PRIVATE KEY",
        "PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ):
        lines = [characters(rng, "B", 64) for _ in range(6)] + [characters(rng, "B", 22) + "=="]
        head = "\nVersion: GnuPG v2\n" if "PGP" in kind else ""
        pem = f"-----BEGIN {kind}-----\n" + head + "\n".join(lines) + f"\n-----END {kind}-----"
        gone = tuple(lines[:-1])
        name = kind.lower().replace(" ", "_")
        yield Case(f"key_material/{name}/plain", f"before\n{pem}\nafter", gone, ("before", "after"))
        yield Case(f"key_material/{name}/escaped", json.dumps({"k": pem, "n": "after"}), gone, ("after",))
        yield Case(
            f"key_material/{name}/crlf",
            "before\r\n" + pem.replace("\n", "\r\n") + "\r\nafter",
            gone,
            ("before", "after"),
        )
        yield Case(
            f"key_material/{name}/indented",
            "tls:\n  data: |\n    " + pem.replace("\n", "\n    ") + "\n  port: 80",
            gone,
            ("port: 80",),
        )
        yield Case(
            f"key_material/{name}/concatenated",
            " +\n".join(f'"{line}\\n"' for line in pem.split("\n")) + ";\nafter();",
            gone,
            ("after",),
        )
        yield Case(f"key_material/{name}/truncated", "before\n" + pem[: len(pem) // 2], gone[:2], ("before",))
        yield Case(
            f"key_material/{name}/base64", {"data": base64_of(pem), "n": "after"}, (base64_of(pem)[60:120],), ("after",)
        )
        yield Case(f"key_material/{name}/env", "KEY=" + pem.replace("\n", "\\n") + "\nPORT=80", gone, ("PORT=80",))
        yield Case(f"key_material/{name}/field", {"note": pem, "n": "after"}, gone, ("after",))
        yield Case(f"key_material/{name}/diff", "+" + pem.replace("\n", "\n+") + "\n context", gone, ("context",))
    for kind in ("RSA", "EC", "oct", "OKP"):
        private = {"RSA": "d p q dp dq qi", "EC": "d", "oct": "k", "OKP": "d"}[kind].split()
        members = {name: characters(rng, "U", 43) for name in private}
        jwk = {
            "kty": kind,
            "kid": "key-1",
            "use": "sig",
            "n" if kind == "RSA" else "x": characters(rng, "U", 43),
            **members,
        }
        yield Case(f"key_material/jwk/{kind}", {"keys": [jwk]}, tuple(members.values()), ("key-1",))
        yield Case(f"key_material/jwk_text/{kind}", "jwk: " + json.dumps(jwk), tuple(members.values()), ("key-1",))
    wireguard = characters(rng, "B", 43) + "="
    yield Case(
        "key_material/wireguard",
        f"[Interface]\nAddress = 10.0.0.2/32\nPrivateKey = {wireguard}\n",
        (wireguard,),
        ("Address",),
    )
    putty = [characters(rng, "B", 64) for _ in range(3)]
    yield Case(
        "key_material/putty",
        "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 3\n"
        + "\n".join(putty)
        + "\nPrivate-MAC: "
        + characters(rng, "hex", 64),
        tuple(putty),
        ("PuTTY-User-Key-File-3",),
    )


def addresses(rng: random.Random) -> Iterator[Case]:
    """User information, signatures and hooks in addresses."""
    for scheme in (
        "postgres",
        "postgresql+psycopg",
        "mysql",
        "mongodb+srv",
        "redis",
        "rediss",
        "amqp",
        "amqps",
        "https",
        "http",
        "ftp",
        "smtp",
        "ldap",
        "nats",
        "clickhouse",
        "mssql+pyodbc",
        "git+https",
        "socks5",
        "sftp",
        "kafka",
    ):
        secret = characters(rng, "AN", 14)
        yield text_case(f"addresses/{scheme}", f"{scheme}://app:§@host.internal:5432/orders?x=1", secret)
        yield text_case(
            f"addresses/{scheme}/text", f"connecting to {scheme}://app:§@host.internal/orders failed", secret + "%21"
        )
    for number, template in enumerate(
        (
            "https://acme.blob.core.windows.net/c/f.txt?sv=2024-01-01&se=2026-01-01&sr=b&sig=§",
            "https://s3.amazonaws.com/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&X-Amz-Signature=§",
            "https://s3.amazonaws.com/b/k?X-Amz-Date=20260101&X-Amz-Security-Token=§&X-Amz-Expires=60",
            "https://storage.googleapis.com/b/k?X-Goog-Expires=60&X-Goog-Signature=§",
            "https://cdn.example.com/f?Expires=1767225600&Signature=§&page=3",
            "https://maps.googleapis.com/maps/api/staticmap?center=Berlin&key=§",
            "https://example.com/reset?user=7&token=§",
            "https://example.com/login?next=/home&password=§",
            "https://api.telegram.org/bot123456789:AA§/sendMessage",
            "https://hooks.slack.com/services/T00000000/B00000000/§",
            "https://discord.com/api/webhooks/123456789012345678/§",
            "https://acme.webhook.office.com/webhookb2/1f0f2f3a-0000-4000-8000-000000000000@1f0f2f3a-0000-4000-8000-000000000000/IncomingWebhook/§/1f0f2f3a-0000-4000-8000-000000000000",
            "https://outlook.office.com/webhook/1f0f2f3a-0000-4000-8000-000000000000@1f0f2f3a-0000-4000-8000-000000000000/IncomingWebhook/§",
            "https://hooks.zapier.com/hooks/catch/123456/§/",
            "https://api.example.com/v1?apikey=§#top",
            "https://example.com/cb?code=200&session_token=§&x=1",
        )
    ):
        length = {8: 33, 9: 24, 10: 68, 11: 32, 12: 32}.get(number, 40)
        secret = characters(rng, "hex" if number in (11, 12) else "AN", length)
        keeps = tuple(
            word
            for word in words_around(template)
            if "1f0f" not in word and "hook" not in word.lower() and "bot123" not in word
        )
        yield Case(f"addresses/parameter/{number}", template.replace(HOLE, secret), (secret,), keeps)
        yield Case(
            f"addresses/parameter_field/{number}",
            {"url": template.replace(HOLE, secret), "n": "kept"},
            (secret,),
            ("kept",),
        )


def odd_spots(rng: random.Random) -> Iterator[Case]:
    """Secrets where they are easily missed."""

    one, two, three = (fill(rng.choice(FORMATS)[1], rng) for _ in range(3))
    yield Case(
        "odd/several",
        f"first {one} then {two} and at last {three} end",
        (one, two, three),
        ("first", "then", "last", "end"),
    )
    yield Case("odd/adjacent", f"{one},{two};{three}", (one, two, three))
    yield Case("odd/far", "lorem ipsum dolor " * 4000 + one + " sit amet", (one,), ("sit amet",))
    deep: Any = {"password": "Tr0ub4dor&3x"}
    for level in range(25):
        deep = {f"level{level}": [deep]}
    yield Case("odd/deep", deep, ("Tr0ub4dor&3x",), ("level24",))
    yield Case("odd/numeric_password", {"password": 83746591, "port": 5432}, ("83746591",), ("5432",))
    yield Case("odd/otp", {"otp": "839201", "attempt": 2}, ("839201",), ("attempt",))
    yield Case("odd/mfa_number", {"mfa_code": 839201, "attempt": 2}, ("839201",), ("attempt",))
    yield Case(
        "odd/form_fields",
        {"fields": [{"selector": "#password", "value": "tangerine"}, {"selector": "#city", "value": "Berlin"}]},
        ("tangerine",),
        ("Berlin",),
    )
    yield Case(
        "odd/form_label", {"label": "Password", "value": "tangerine", "city": "Berlin"}, ("tangerine",), ("Berlin",)
    )
    yield Case("odd/input", {"type": "password", "id": "f1", "value": "tangerine"}, ("tangerine",), ("f1",))
    yield Case(
        "odd/fill_tool",
        {"tool": "browser_type", "element": "Password field", "text": "Tr0ub4dor&3x"},
        ("Tr0ub4dor&3x",),
        ("browser_type",),
    )
    yield Case(
        "odd/graphql",
        {"query": "mutation($p: String!) { login(password: $p) { id } }", "variables": {"password": "tangerine"}},
        ("tangerine",),
        ("mutation",),
    )
    yield Case("odd/map_entries", {"map": [["apiKey", contextual(rng)], ["region", "eu"]]}, (), ())._replace(secrets=())
    token = jwt(rng)
    yield Case(
        "odd/jwt_truncated", f"token starts {token[: len(token) - 60]}", (token[: len(token) - 60],), ("starts",)
    )
    yield Case(
        "odd/duplicate_keys",
        '{"password": "hunter2", "a": 1, "password": "Winter2025!"}',
        ("hunter2", "Winter2025!"),
        ("a",),
    )
    yield Case(
        "odd/unicode_escape",
        json.dumps({"q": "a&access_token=" + characters(rng, "AN", 40)})
        .replace("&", "\\u0026")
        .replace("=", "\\u003d"),
        (),
        (),
    )._replace(secrets=())
    header = base64_of("Authorization: Bearer " + characters(rng, "AN", 40))
    yield Case("odd/base64_header", f"raw header {header} end", (header[20:],), ("raw header", "end"))
    access, secret = fill("AKIA{b32:16}", rng), fill("{B:40}", rng)
    for text in (
        f"ACCESSKEY\t{access}\t2026-01-01T00:00:00Z\t{secret}\tActive\tbob",
        f"Here is Active: {access} / {secret}",
    ):
        yield Case("odd/aws_pair", text, (access, secret), ("Active",))
    body = base64_of(json.dumps({"user": "app", "password": "Tr0ub4dor&3x", "n": 1}))
    yield Case("odd/base64_json", {"payload": body, "n": "kept"}, (body[12:],), ("kept",))
    yield Case(
        "odd/span_name",
        f"GET https://api.example.com/v1?api_key={(s := characters(rng, 'AN', 32))}",
        (s,),
        ("api.example.com",),
    )
    for separator in (
        "\\n",
        "\\t",
        '\\"',
        "\\u003d",
        "%3D",
        "&quot;",
        "%22",
        "\u3000",
        "。",
        "é",
        "\x1b[32m",
        "\\u001b[1;32m",
        "\\x22",
    ):
        secret = fill(rng.choice(FORMATS)[1], rng)
        yield Case(
            f"odd/boundary/{separator}", f"before{separator}{secret}{separator} after", (secret,), ("before", "after")
        )


def streams(rng: random.Random) -> Iterator[Case]:
    """A secret cut across consecutive string chunks of one list."""
    for number in range(36):
        secret = fill(rng.choice(FORMATS)[1], rng) if number % 2 else characters(rng, "AN", 14)
        text = f"Sure, the value is {secret} as asked." if number % 2 else f"Set DB_PASSWORD={secret} first and go on."
        size = rng.randint(3, 9)
        parts = [text[at : at + size] for at in range(0, len(text), size)]
        build: Callable[[str, int], Any] = (
            lambda part, _: part,
            lambda part, index: {"index": index, "delta": {"content": part}},
            lambda part, _: {"choices": [{"delta": {"content": part}, "index": 0}]},
            lambda part, _: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": part}},
            lambda part, index: {"event": "token", "data": part, "seq": index},
            lambda part, _: {"type": "response.output_text.delta", "delta": part},
            lambda part, _: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}}]},
            lambda part, _: {"candidates": [{"content": {"parts": [{"text": part}], "role": "model"}}]},
            lambda part, _: {"type": "text-delta", "id": "t1", "textDelta": part},
        )[number % 9]
        chunks = [build(part, index) for index, part in enumerate(parts)]
        yield Case(f"streams/{number}", {"chunks": chunks}, (secret,), ())
        yield Case(f"streams/{number}/JSON", {"body": json.dumps(chunks)}, (secret,))
        halves = [build(text[: len(text) // 2], 0), build(text[len(text) // 2 :], 1)]
        if number % 9 not in (0, 4):
            yield Case(f"streams/{number}/halves", halves, (secret,), ())


GROUPS = (
    formats,
    names,
    containers,
    assignments,
    encodings,
    headers,
    argv,
    key_material,
    addresses,
    odd_spots,
    streams,
    places,
    structures,
    secrets,
)


def positives(seed: int = 20260521) -> list[Case]:
    """All cases with a secret; the same for the same seed."""
    cases = [case for number, group in enumerate(GROUPS) for case in group(random.Random(seed + number))]
    return [case for case in cases if case.secrets]
