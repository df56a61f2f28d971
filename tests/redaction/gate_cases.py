"""The gate of values: what stands for a secret under a secret name, and what only looks as if it did."""

# ruff: noqa: E501 - a row of a table is one line

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .cases import Case
from .generating import fill

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

NAMES = ("password", "api_key", "client_secret", "dbPassword", "SECRET_KEY")

PLACEHOLDERS: tuple[str, ...] = (
    # Variables and templates.
    "${DB_PASSWORD}", "${DB_PASSWORD:-}", "${DB_PASSWORD:-changeme}", "${env:DB_PW}", "${DB_USER}:${DB_PASS}", "$DB_PASSWORD", "$DB_PASS2", "$(cat /run/secrets/db)", "$(op read op://v/db/password)",
    "${{ secrets.GITHUB_TOKEN }}", "{{ password }}", "{{secrets.DB}}", "{{ lookup('env', 'DB_PW') }}", "{% env 'DB_PW' %}", "#{DB_PW}", "@{DB_PW}", "<%= ENV['DB_PW'] %>", "{password}", "{db.password}", "%(password)s",
    "%DB_PASSWORD%", "@DB_PASSWORD@", "$env:DB_PW", "Bearer ${TOKEN}", "%s", "`cat pw`",
    # References.
    "env:DB_PASSWORD", "env.API_KEY", "os.environ/API_KEY", "vault:secret/data/db#password", "op://vault/db/password", "ssm:/prod/db/password", "secretsmanager:db", "ref+vault://a/b", "awssm://prod/db",
    "@Microsoft.KeyVault(SecretUri=https://x)", "projects/p/secrets/db/versions/latest", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db", "{{resolve:secretsmanager:db}}", "!Ref DbPassword", "!vault |",
    "!GetAtt Db.Password", "/run/secrets/db_password", "~/.ssh/id_ed25519", "./certs/server.key", "server.pem", "file:///run/secrets/db", "$ANSIBLE_VAULT;1.1;AES256", "ENC[AES256_GCM,data:abc=,iv:def=,tag:ghi=,type:str]",
    "redis://cache:6379/0", "sqlite:///app.db",
    # Look-ups and types.
    'os.environ["DB_PW"]', "os.getenv('DB_PW')", "process.env.DB_PW", "import.meta.env.API_KEY", "get_secret('db')", "settings.SECRET_KEY", "config.db.password", "self.password", "SecretStr('**********')", "string",
    "string (required)", "str | None", "Optional[str]", "varchar(255)", "String!", "secrets.token_hex(32)", "RS256", "bcrypt", "argon2id", "AES-256-GCM",
    # Words.
    "your-api-key", "YOUR_API_KEY_HERE", "yourApiKey", "my-api-key", "<your-password>", "<API_KEY>", "[your key]", "INSERT_API_KEY", "insert your key here", "paste-token-here", "REPLACE_ME", "changeme", "TODO", "tbd",
    "dummy", "test", "demo", "fake-key", "test-token-1", "none", "None", "null", "n/a", "N/A", "not set", "(not set)", "<none>", "not-needed", "no-key-required", "EMPTY", "unset", "ollama", "lm-studio", "API_KEY",
    "OPENAI_API_KEY", "sk-your-key", "sk-proj-...", "sk-ant-api03-...", "required", "The password of the user", "API key for the service", "must be at least 8 characters", "is too short", "can't be blank",
    # Masks.
    "***", "********", "••••••••", "xxxx", "xxxxxxxx-xxxx", "sk-xxxxxxxxxxxxxxxxxxxxxxxx", "sk-1234...cdef", "****1234", "[REDACTED]", "[redacted]", "<redacted>", "***REDACTED***", "(hidden)", "(redacted)", "[Filtered]",
    "[hidden]", "<omitted>", "[API_KEY_0123456789]", "Bearer [REDACTED]", "...", "-", "--",
)  # fmt: skip

SECRETS_AROUND: tuple[str, ...] = (
    "${{USER}}-{0}", "{{{{x}}}}{0}", "${{X:-{0}}}", "${{X:={0}}}", "file:{0}", "aws:{0}", "op:{0}", "env:{0}", "vault:{0}", "self/{0}", "data.{0}", "f(x){0}", "{0}(x)", "Moose({0})", "<{0}>", "[{0}]", "{{{0}}}",
    "%{0}%", "@{0}@", "process.env{0}", "x[ABC_0123456789]{0}", "[REDACTED]{0}", "$(echo {0})", "`echo {0}`", "#{{x}}{0}", "{{{{ pw | default('{0}') }}}}", "os.getenv('K', '{0}')", "your-{0}", "my-{0}", "{0}-here",
    "test-{0}", "/{0}", "~{0}", "!{0}", "the {0} key", "not {0}", "sk-{0}...", "arn:aws:{0}", "https://u:{0}@h/", "{{SSHA}}{0}", "{0}:8080", "null{0}", "str{0}",
)  # fmt: skip
"""How a placeholder can stand around a secret, or begin like one."""

SIGNS = ("!@#$%^&*()", "?!?#-_=+;", "(*&^%$")
"""Nothing but signs, and many different ones: somebody typed them."""


def placeholders(_: random.Random) -> Iterator[Case]:
    for name in NAMES:
        for number, value in enumerate(PLACEHOLDERS):
            yield Case(f"gate/placeholder/{name}/{number}", {name: value, "n": 1.0})
            yield Case(f"gate/placeholder/{name}/{number}/json", json.dumps({name: value, "n": 1.0}))


def secrets(rng: random.Random) -> Iterator[Case]:
    for name in NAMES:
        for number, template in enumerate(SECRETS_AROUND):
            secret = fill(rng.choice(("{an:6}2{an:7}", "{L:5}{d:3}{L:5}", "{an:24}")), rng)
            yield Case(f"gate/secret/{name}/{number}", {name: template.format(secret), "n": 42}, (secret,), ("42",))
        for number, value in enumerate(SIGNS):
            yield Case(f"gate/signs/{name}/{number}", {name: value, "n": 42}, (value,), ("42",))
    for member in ("default", "example", "const"):
        secret = fill("{L:5}{d:3}{L:5}", rng)
        schema = {"type": "string", member: secret, "minLength": 8}
        yield Case(f"gate/schema/{member}", {"properties": {"password": schema}}, (secret,), ("minLength", "string"))
    for parent in ("labels", "properties", "errors", "help", "i18n"):
        secret = fill("{L:5}{d:3}{L:5}", rng)
        yield Case(f"gate/labels/{parent}", {parent: {"password": f"{secret} moose", "n": 42}}, (secret,), ("42",))
    secret = fill("{L:5}{d:3}{L:5}", rng)
    yield Case("gate/reference", {"secret": {"$ref": "x", "k": secret}, "n": 42}, (secret,), ("42",))
    yield Case(
        "gate/described",
        {"credentials": {"type": "object", "username": "bob", "key": secret}, "n": 42},
        (secret,),
        ("42",),
    )
