"""Cases that look like secrets and are none: they must come back unchanged, in every byte."""

# ruff: noqa: E501 - a row of a table is one line; full-width signs are what some languages write

from __future__ import annotations

import json
import random
import uuid
from typing import TYPE_CHECKING, Any

from . import gate_cases
from . import look_alikes as near
from .cases import Case
from .generating import base64_of, characters, fill
from .places import look_alikes

if TYPE_CHECKING:
    from collections.abc import Iterator

HARMLESS_TEXTS: tuple[str, ...] = (
    # Prose about secrets.
    "Please reset your password before the token expires.",
    "The password must be at least 12 characters long and contain a digit.",
    "Forgot your password? Click the link below to choose a new one.",
    "Your API key is invalid. Check the key in your account settings.",
    "Incorrect API key provided: sk-proj-****abcd. You can find your API key at https://platform.example.com/account/api-keys.",
    "Error: missing required header Authorization",
    "The secret to good bread is patience: keep the dough cold.",
    "Secret: always let the dough rest overnight.",
    "Key: C major. Tempo: 120 bpm. Time signature: 4/4.",
    "key takeaways: first, ship early; second, measure everything.",
    "The token is used for authentication against the gateway.",
    "Token limit exceeded: 128000 tokens allowed, 130512 requested.",
    "tokens: 1234 prompt, 567 completion, 1801 total",
    "Usage: prompt_tokens=512 completion_tokens=128 total_tokens=640",
    "max_tokens=4096 temperature=0.7 top_p=0.95 stop_token=</s>",
    "Authorization: the user must be an administrator to do this.",
    "Cookies: we use cookies to improve your experience.",
    "This page sets a cookie when you log in; see our cookie policy: https://example.com/cookies.",
    "password is required",
    "password: required",
    "Password is incorrect, 3 attempts left.",
    "Invalid credentials: user or password is wrong",
    "invalid_client: client authentication failed (client_secret missing)",
    "The access token was revoked. Use the refresh token to get a new one.",
    "Session key exchange uses X25519; the signing key is rotated each 24 hours.",
    "API key authentication failed for project acme-prod (request id req_011CSHoEeqs5C35K2UUqR7Fy)",
    "See section 4.2, Password storage: use argon2id with 19 MiB of memory.",
    "Bearer authentication is described in RFC 6750.",
    "Use Basic authentication over TLS only.",
    "The author of the secretary's monkey keyboard bypassed the compass.",
    "passwords are hashed with bcrypt (cost 12)",
    "token bucket: 100 requests per minute, burst 20",
    "He whispered the password to the guard and walked through the gate.",
    "The keys are on the table, the passport is in the drawer.",
    "密码必须至少包含八个字符。",
    "パスワードを忘れた場合は、こちらをクリックしてください。",
    "Das Passwort muss mindestens acht Zeichen lang sein.",
    "Le mot de passe est obligatoire.",
    "La contraseña es obligatoria y debe tener ocho caracteres.",
    "What is the difference between an access token and a refresh token?",
    "How do I store API keys safely in Python?",
    "You can pass the key as an argument: client = Client(api_key=key).",
    "Step 1: create an API key. Step 2: export it as OPENAI_API_KEY. Step 3: run the script.",
    "Set the OPENAI_API_KEY environment variable to your key, for example sk-...",
    "Keys that begin with sk-ant- are for Anthropic, sk-proj- for OpenAI, ghp_ for GitHub.",
    "The regular expression sk-[A-Za-z0-9]{20,} finds old keys; AKIA[0-9A-Z]{16} finds AWS ids.",
    "2FA code: check your authenticator app",
    "Enter the 6-digit code that we sent to your phone.",
    "secret santa: draw names on Friday, budget 20 EUR",
    "WARNING auth: no credentials found in ~/.aws/credentials, falling back to the instance role",
    "INFO oauth token refreshed in 120 ms, expires_in=3600",
    "DEBUG reading password from stdin",
    "loaded 3 secrets from vault path secret/data/app/prod",
    "permission denied: token lacks scope repo:write",
    "429 Too Many Requests: rate limit of 40000 tokens per minute reached, used 39874",
    "x-ratelimit-remaining-tokens: 149984\nx-ratelimit-limit-tokens: 150000\nx-ratelimit-reset-tokens: 6ms",
    "anthropic-ratelimit-tokens-remaining: 79000\nanthropic-ratelimit-tokens-reset: 2026-05-02T10:11:12Z",
    "The cat sat on the mat; the key lime pie was gone.",
    "Pass: 12, Fail: 3, Skipped: 1",
    "PASS tests/test_auth.py::test_token_refresh (0.12s)",
    "auth: ok, db: ok, cache: degraded",
    "Press any key: continue, Escape: quit",
    "primary key: order_id, foreign key: customer_id",
    "sort_key=created_at partition_key=tenant_id cache_key=user:42:profile",
    "next_page_token: CAUQAA== page_size: 50",
    "idempotency-key: 5b3c1c1e-6f5c-4c5b-9a58-0d7f1f1b2c3d",
    # Code that names a secret without holding one.
    'api_key = os.environ["OPENAI_API_KEY"]',
    'api_key=os.getenv("OPENAI_API_KEY")',
    'password = getpass.getpass("Password: ")',
    'password = input("Enter your password: ")',
    "token = request.headers.get('Authorization')",
    "token = await self._fetch_token(client_id, client_secret)",
    "def login(username: str, password: str) -> Token: ...",
    "def __init__(self, api_key: str | None = None, timeout: float = 30.0) -> None:",
    "class Settings(BaseSettings):\n    api_key: SecretStr\n    password: str = Field(default=..., min_length=8)\n",
    "self.password = password",
    "self._token = token or self._load_token()",
    "client = OpenAI(api_key=settings.openai_api_key)",
    "const apiKey = process.env.API_KEY;",
    "const token = localStorage.getItem('token');",
    "if (!password) throw new Error('password is required');",
    "password: z.string().min(8).max(128),",
    "secret = secrets.token_urlsafe(32)",
    "hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt())",
    "if user.password != password_hash: raise PermissionDenied",
    "for key, value in tokens.items(): print(key, value)",
    "key = lambda item: item.created_at",
    "sorted(items, key=operator.itemgetter('name'))",
    "tokens = tokenizer.encode(text, add_special_tokens=False)",
    "tokenizer.pad_token = tokenizer.eos_token",
    "eos_token='</s>', pad_token='<pad>', unk_token='<unk>', bos_token='<s>'",
    "PASSWORD_RESET_TIMEOUT = 3600",
    "SECRET_KEY = env('SECRET_KEY')",
    'SECRET_KEY = config("SECRET_KEY", default=None)',
    "private_key = ec.generate_private_key(ec.SECP256R1())",
    "import secrets\nfrom getpass import getpass\n",
    "password = None\ntoken = ''\nsecret = \"\"",
    'String password = request.getParameter("password");',
    'password := os.Getenv("DB_PASSWORD")',
    'let token = std::env::var("TOKEN").expect("TOKEN not set");',
    "password = var.db_password",
    "password = data.aws_secretsmanager_secret_version.db.secret_string",
    "api_key = aws_ssm_parameter.api_key.value",
    "password: {{ .Values.db.password }}",
    "password: ${DB_PASSWORD}",
    "password: $DB_PASSWORD",
    "password: !Ref DbPassword",
    "password: !vault |",
    "          token: ${{ secrets.GITHUB_TOKEN }}",
    "secretKeyRef:\n  name: db-credentials\n  key: password",
    "valueFrom:\n  secretKeyRef:\n    name: app-secrets\n    key: api-key",
    "apiKeySecretName: app-api-key",
    "API_KEY=<your-api-key>",
    "API_KEY=YOUR_API_KEY",
    "API_KEY=your_api_key_here",
    "API_KEY=\nDB_PASSWORD=\nTOKEN=",
    "OPENAI_API_KEY=sk-...",
    "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxx",
    "export TOKEN=$(vault kv get -field=token secret/ci)",
    'export API_KEY="$(pass show acme/api)"',
    'curl -H "Authorization: Bearer $TOKEN" https://api.example.com',
    "curl -H 'Authorization: Bearer ${API_TOKEN}' https://api.example.com",
    'curl -H "Authorization: Bearer <token>" https://api.example.com',
    "curl -H 'X-Api-Key: YOUR_API_KEY' https://api.example.com",
    'curl -u "$USER:$PASS" https://api.example.com',
    "mysql -u root -p orders",
    "ssh -i ~/.ssh/id_ed25519 deploy@host.example.com -p 2222",
    "git clone git@github.com:acme/app.git && cd app",
    "scp report.pdf deploy@host.example.com:/srv/reports/",
    "pip install 'requests[security]==2.31.0' --hash=sha256:58cd2187c01e70e6e26505bca751777aa9f2ee0b7f4300988b709f44e013003f",
    "npm install @acme/auth-token@1.2.3 passport-jwt@4.0.1",
    "docker pull ghcr.io/acme/api@sha256:9b2c5d1e0c1f4f8ab6f9d9f4d7e8a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6",
    "postgres://localhost:5432/orders",
    "postgresql://app@db.internal/orders?sslmode=require",
    "https://user@example.com/path and https://example.com:8443/a/@b",
    "redis://cache.internal:6379/0",
    "mongodb://db1.internal:27017,db2.internal:27017/?replicaSet=rs0",
    "postgres://app:${DB_PASSWORD}@db.internal/orders",
    "postgres://app:***@db.internal/orders",
    "postgres://user:<password>@host/db",
    "https://example.com/reset-password?step=2&lang=en",
    "https://example.com/oauth/authorize?response_type=code&client_id=web-app&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&scope=openid",
    "https://example.com/docs/authentication#api-keys",
    "https://example.com/search?q=password+manager&sort=key&order=asc",
    "https://example.com/blog/how-we-rotate-secrets?utm_source=newsletter&utm_campaign=token-launch",
    "GET /v1/tokens/count?model=small HTTP/1.1",
    "SELECT id, password_hash FROM users WHERE email = $1",
    "SELECT token, secret FROM sessions WHERE key = ?",
    "ALTER TABLE users ADD COLUMN password_hash VARCHAR(255) NOT NULL;",
    "CREATE TABLE api_keys (id BIGINT PRIMARY KEY, key_hash CHAR(64) NOT NULL, token_prefix TEXT);",
    "PRIMARY KEY (id), UNIQUE KEY idx_token (token), FOREIGN KEY (user_id) REFERENCES users (id)",
    '<input type="password" name="password" placeholder="Your password" required>',
    '<label for="password">Password</label>',
    '<input type="hidden" name="step" value="confirm">',
    "{% csrf_token %}",
    "type Credentials = { username: string; password: string; token?: string };",
    "interface Auth { apiKey: string; secret?: string }",
    "password VARCHAR(255) NOT NULL, token TEXT, secret BYTEA",
    "message Login { string username = 1; string password = 2; string token = 3; }",
    "  - apiKey: []\n  - bearerAuth: []\n",
    "securitySchemes:\n  bearerAuth:\n    type: http\n    scheme: bearer\n    bearerFormat: JWT\n",
    "grant_type=authorization_code&code_challenge_method=S256&response_type=code",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN RSA PRIVATE KEY-----",
    "The file starts with -----BEGIN OPENSSH PRIVATE KEY----- and must stay private.",
    "if '-----BEGIN PRIVATE KEY-----' in text: raise ValueError('looks like a key')",
    "api_key='[REDACTED]' password=[REDACTED] token=***",
    "Authorization: Bearer [REDACTED]",
    "Settings(api_key=SecretStr('**********'), region='eu')",
    "password='********' user='app'",
    "token: xxxx-xxxx-xxxx",
    "api_key: env:OPENAI_API_KEY",
    "api_key: os.environ/AZURE_API_KEY",
    "api_key: vault:secret/data/app#api_key",
    "key_prefix='sk-ant-' token_prefix=\"ghp_\" header='X-Api-Key'",
    "HEADER_NAME = 'X-Api-Key'\nTOKEN_TYPE = 'bearer'\nAUTH_SCHEME = 'Basic'",
    "argparse: --password PASSWORD  the password to use (default: prompt)",
    "usage: tool [--token TOKEN] [--api-key KEY] [--password-file FILE]",
    "--password-file /run/secrets/db --token-ttl 3600 --key-size 2048",
    "tool --max-tokens 4096 --tokenizer cl100k_base --auth-mode none --key-type rsa",
    "ssh-keygen -t ed25519 -C ana@example.com -f key",
    "openssl genrsa -out private.key 2048",
    "private_key_path=/etc/ssl/private/server.key",
    "SSL_KEY_FILE=/etc/ssl/private/server.key\nPASSWORD_FILE=/run/secrets/db_password",
    "PWD=/home/app/project\nOLDPWD=/home/app\nSHLVL=2",
    "secretName: app-tls\nsecretRef: app-env\nserviceAccountName: runner",
    "credentials: include, mode: cors, cache: no-store",
    "credentials: 'same-origin'",
    "auth_provider: google, auth_method: oidc, token_endpoint: https://idp.example.com/token",
    "token_type: Bearer, expires_in: 3600, scope: read write",
    "password_policy: strong, password_min_length: 12, password_expiry_days: 90",
    "tokens_per_second: 84.2, time_to_first_token: 0.31, tokens/s: 84",
    "keyboard: qwerty, keywords: alpha beta, keystone: raised",
    "author=Jane Doe, authority=example.com, authored_by=jdoe",
    "pass the salt; pass 2 of 3; a boarding pass; mountain pass",
    "OTP is a library for building fault-tolerant systems: Erlang/OTP 26",
    "JWT: JSON Web Token, PAT: personal access token, CSRF: cross-site request forgery",
    "dsn: see https://docs.example.com/dsn for the format",
    "The cookie jar: grandmother's recipe, 2 eggs, 200 g sugar",
    "def test_password_is_hashed(): assert hash_password('x') != 'x'",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8\nAuthor: Jane <jane@example.com>\n\n    Rotate the API key",
    "Merge pull request #42 from acme/feature/api-key-rotation",
    "index 83db48f..bf269f4 100644\n--- a/auth/token.py\n+++ b/auth/token.py",
    'File "/app/auth/token.py", line 88, in refresh_token\n    raise TokenExpired(token_id)',
    "KeyError: 'api_key'",
    "TypeError: Client.__init__() missing 1 required keyword-only argument: 'api_key'",
    "AttributeError: 'NoneType' object has no attribute 'password'",
    "openai.AuthenticationError: Error code: 401 - {'error': {'message': 'Incorrect API key provided: sk-abc***wxyz.', 'code': 'invalid_api_key'}}",
    "ValidationError: 1 validation error for Settings\napi_key\n  Field required [type=missing, input_value={}, input_type=dict]",
    'bytes=0-1023; etag "33a64df551425fcc55e4d42a148795d9f25f89d4"; vary: cookie, authorization',
    "Vary: Cookie, Authorization\nAccess-Control-Allow-Headers: Authorization, X-Api-Key, X-CSRF-Token",
    'WWW-Authenticate: Bearer realm="example", error="invalid_token"',
    'WWW-Authenticate: Basic realm="Restricted"',
    "Set-Cookie: theme=dark; Path=/; Max-Age=3600",
    "Cookie: theme=dark; lang=en",
)


SHORT_TEXTS: tuple[str, ...] = (
    "The password field is required",
    "Set your password at https://x.com/account/password",
    '"password": "string"',
    "password: string",
    "password?: string",
    "password: str = None",
    "password: Optional[str]",
    'type="password"',
    'token: "<|endoftext|>"',
    'tokens: ["a","b"]',
    '"token": " the"',
    '{"token": "Hello", "logprob": -0.1}',
    "sessionId: 550e8400-e29b-41d4-a716-446655440000",
    "session_id=abc123def456",
    '"id": "msg_01XFDUDYJgAACzvnptvVoYEL"',
    "X-Request-ID: 7f3c2b1a-9d8e-4f5a-b6c7-d8e9f0a1b2c3",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    '"etag": "\\"33a64df551425fcc55e4d42a148795d9f25f89d4\\""',
    'integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"',
    'api_key = os.getenv("KEY")',
    "api_key = settings.API_KEY",
    "api_key=api_key",
    "password=password",
    "self.token = token",
    "token = get_token()",
    'token = response.json()["access_token"]',
    "password = user.password",
    "if password == confirm_password:",
    "assert token is not None",
    'secret = Secret.from_name("db")',
    'key = "user_id"',
    'keys = ["a", "b"]',
    'cache_key = f"user:{user_id}"',
    "primary_key=True",
    "key=lambda x: x.name",
    'sort_key="created_at"',
    "Authorization header is missing",
    "authorization: required",
    "Bearer token required",
    "Basic auth is deprecated",
    "cookie consent",
    "Cookie policy: we use cookies",
    "cookies: true",
    "auth: false",
    "auth = None",
    'auth="none"',
    "authentication: enabled",
    "credentials: true",
    'credentials="include"',
    "usage: prompt_tokens: 120, completion_tokens: 45",
    "max_tokens: 4096",
    "maxTokens=2048",
    '"max_tokens": 1024',
    "token_limit = 8192",
    "tokens_used: 1532",
    "num_tokens=77",
    "eos_token_id: 2",
    'pad_token: "[PAD]"',
    'next_page_token: "abcDEF123456789xyz"',
    "nextToken=abcDEF123456789xyzABC",
    'continuation_token: "abcDEF123456789"',
    "syncToken: CPDAlvWDx70CEPDAlvWDx70CGAU=",
    'public_key: "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7"',
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl user@host",
    "pk_test_TYooMQauvdEDq54NiTphI7jx",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
    "arn:aws:iam::123456789012:user/bob",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:MySecret-a1b2c3",
    "projects/p/secrets/s/versions/latest",
    "vault:secret/data/x#password",
    "op://vault/item/password",
    "password: ${DB_PASSWORD}",
    "password: {{ db_password }}",
    "password: $(DB_PASSWORD)",
    "PASSWORD=$PASSWORD",
    "TOKEN=<token>",
    "TOKEN=YOUR_TOKEN",
    'api_key: "YOUR_API_KEY"',
    'api_key="sk-..."',
    "api_key=sk-xxxx",
    "password=********",
    "password: [REDACTED]",
    "Authorization: Bearer <your token>",
    "Authorization: Bearer ${TOKEN}",
    "Authorization: Bearer YOUR_TOKEN",
    'curl -H "Authorization: Bearer $API_KEY"',
    "-p 8080:80",
    "-p 22",
    "mysql -u root -p",
    "ssh -p 2222 u@h",
    "tar -p x",
    "--password-file=/x/y",
    "--token-file /var/run/token",
    "--key-file key.pem",
    "--auth-type basic",
    "--secret-name foo",
    "https://example.com/login?redirect=/home",
    "https://example.com/reset?step=1",
    "https://x.com/a?page=2&sort=key",
    "https://user@example.com/",
    "git@github.com:a/b.git",
    "user@host:22",
    "redis://localhost:6379",
    "postgres://localhost/db",
    "mailto:a@b.c",
    "https://example.com:8080/x@y",
    "ALTER TABLE users ADD COLUMN password_hash varchar(60)",
    "SELECT password FROM users",
    "password VARCHAR(255)",
    "GRANT ALL ON x TO y",
    "PRIMARY KEY (id)",
    "FOREIGN KEY (token_id) REFERENCES tokens(id)",
    "CREATE INDEX idx_api_key ON keys (api_key)",
    "The keyboard is broken",
    "monkey business",
    "secretary of state",
    "passenger list",
    "compass north",
    "author: Jane",
    "tokenizer.json",
    "keynote",
    "turnkey",
    "hockey",
    "passage",
    "trespass",
    "bypass=true",
    "passive",
    "encompass",
    "keyword: foo",
    "keywords=[a,b]",
    "hotkey: ctrl+s",
    '"key": "value"',
    "key1=value1",
    "key: value",
    "Key: C major",
    "public key infrastructure",
    "secret sauce",
    "trade secrets act",
    "token ring",
    "token economy",
    "cookie dough",
    '{"errors": {"password": ["This field is required."]}}',
    '{"api_key": null, "token": ""}',
    '{"has_password": true, "password_set": false}',
    '{"type":"object","properties":{"password":{"type":"string"}}}',
    '{"name":"password","type":"string","required":true}',
    '{"in":"header","name":"X-API-Key"}',
    '{"field":"password","message":"invalid"}',
    '{"password_reset_url": "https://x.com/r"}',
    '{"token_type":"bearer","expires_in":3600}',
    '{"auth_provider":"google"}',
    '{"key_id":"abc123def456"}',
    '{"secret_name":"db-creds"}',
    '{"credential_type":"service_account"}',
    '{"cookie_domain":".x.com"}',
    '{"session_timeout":3600}',
    '{"access_level":"admin"}',
    '{"authorized":true}',
    '{"signature":"def foo(x)"}',
    '{"signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds"}',
    "Total tokens: 1,234",
    "cost per 1K tokens: $0.002",
    "tokens/sec: 45.2",
    "Token count = 55",
    "I have 3 API keys",
    "rotate keys every 90 days",
    "The API key should start with sk-",
    "Keys starting with AKIA are AWS keys",
    "Use ghp_ tokens",
    "pass the token to the function",
    "Please pass: 5 of 6 tests pass",
    "pass=12 fail=0",
    "PASS: test_login",
    "otp: one time password",
    "jwt: json web token",
    "2FA is enabled",
    "MFA required: yes",
    "pin: top left",
    "pat: personal access token",
    "PAT on the back",
    "E0123 10:11:12.123456 file.go:12] token expired",
    'level=error msg="invalid token" user=bob',
    "401 Unauthorized: invalid api key",
    "invalid password for user bob",
    "Access denied for user 'root'@'localhost' (using password: YES)",
    'password authentication failed for user "app"',
    "no password supplied",
    "fe_sendauth: no password supplied",
    'secret "db-creds" not found',
    'configmap "x" not found',
    "token validated in 12ms",
    "key not found: abc",
    "KeyError: 'token'",
    "cannot import name 'secrets'",
)
"""Names of secrets in few words: code, logs, prose, configuration, JSON."""


def _identifiers(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Identifiers and digests that are no secrets, with the names that they stand under."""
    yield from (
        ("trace_id", fill("{hex:32}", rng)),
        ("span_id", fill("{hex:16}", rng)),
        ("traceparent", fill("00-{hex:32}-{hex:16}-01", rng)),
        ("request_id", fill("req_{AN:24}", rng)),
        ("message_id", fill("msg_{AN:24}", rng)),
        ("tool_call_id", fill("call_{AN:24}", rng)),
        ("tool_use_id", fill("toolu_01{AN:22}", rng)),
        ("response_id", fill("resp_{hex:48}", rng)),
        ("completion_id", fill("chatcmpl-{AN:29}", rng)),
        ("thread_id", fill("thread_{AN:24}", rng)),
        ("run_id", fill("run_{AN:24}", rng)),
        ("assistant_id", fill("asst_{AN:24}", rng)),
        ("file_id", fill("file-{AN:24}", rng)),
        ("session_id", fill("{uuid}", rng)),
        ("user_id", fill("usr_{AN:16}", rng)),
        ("organization_id", fill("org-{AN:24}", rng)),
        ("project_id", fill("proj_{AN:24}", rng)),
        ("conversation_id", fill("{uuid}", rng)),
        ("commit", fill("{hex:40}", rng)),
        ("sha256", fill("{hex:64}", rng)),
        ("md5", fill("{hex:32}", rng)),
        ("etag", fill('W/"{hex:32}"', rng)),
        ("digest", fill("sha256:{hex:64}", rng)),
        ("integrity", fill("sha512-{B:86}==", rng)),
        ("image", fill("ghcr.io/acme/api@sha256:{hex:64}", rng)),
        ("arn", fill("arn:aws:iam::{d:12}:role/app", rng)),
        ("secret_arn", fill("arn:aws:secretsmanager:eu-west-1:{d:12}:secret:app-{AN:6}", rng)),
        ("ulid", fill("01{UN:24}", rng)),
        ("system_fingerprint", fill("fp_{hex:10}", rng)),
        ("checkpoint_id", fill("{uuid}", rng)),
        ("account_sid", fill("AC{hex:32}", rng)),
        ("stripe_customer", fill("cus_{AN:14}", rng)),
        ("payment_intent", fill("pi_{AN:24}", rng)),
        ("publishable_key", fill("pk_live_{AN:24}", rng)),
        ("langfuse_public_key", fill("pk-lf-{uuid}", rng)),
        ("posthog_project", fill("phc_{AN:43}", rng)),
        ("next_page_token", fill("{U:40}", rng)),
        ("nextPageToken", fill("{U:40}", rng)),
        ("sync_token", fill("{U:40}", rng)),
        ("continuation_token", fill("{B:40}", rng)),
        ("cursor", fill("{B:40}", rng)),
        ("page_token", fill("{U:32}", rng)),
        ("cache_key", fill("user:{hex:32}", rng)),
        ("idempotency_key", fill("{uuid}", rng)),
        ("s3_key", fill("uploads/{hex:32}/report.pdf", rng)),
        ("object_key", fill("data/{uuid}.parquet", rng)),
        ("partition_key", fill("tenant#{uuid}", rng)),
        ("key_id", fill("{AN:24}", rng)),
        ("api_key_id", fill("apikey_01{AN:22}", rng)),
        ("access_key_id_hash", fill("{hex:64}", rng)),
        ("fingerprint", fill("SHA256:{B:43}", rng)),
        ("kid", fill("{AN:24}", rng)),
        ("jti", fill("{uuid}", rng)),
        ("public_key", fill("{B:44}", rng)),
        ("thought_signature", fill("{B:200}", rng)),
        ("signature", fill("{B:300}==", rng)),
        ("encrypted_content", fill("gAAAAAB{U:200}", rng)),
        ("vector_store_id", fill("vs_{hex:32}", rng)),
        ("batch_id", fill("batch_{hex:32}", rng)),
        ("event_id", fill("evt_{AN:24}", rng)),
        ("deployment_id", fill("dpl_{AN:28}", rng)),
        ("build", fill("{hex:7}", rng)),
        ("version", "v1.2.3-rc.4+build.567"),
        ("model", "claude-sonnet-4-5-20250929"),
        ("model_id", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    )


def identifiers(rng: random.Random) -> Iterator[Case]:
    for name, value in _identifiers(rng):
        yield Case(f"identifiers/{name}/field", {name: value, "n": 1.0})
        yield Case(f"identifiers/{name}/json", json.dumps({"a": {name: value}, "n": 1}))
        yield Case(f"identifiers/{name}/text", f"{name}={value} status=ok")
        yield Case(f"identifiers/{name}/yaml", f"meta:\n  {name}: {value}\n  status: ok\n")
        yield Case(f"identifiers/{name}/prose", f"See {value} for details.")
        yield Case(
            f"identifiers/{name}/url",
            f"https://api.example.com/v1/items/{value.replace('#', '-').replace(' ', '-')}?expand=all"
            if "://" not in value and '"' not in value
            else value,
        )


def texts(_: random.Random) -> Iterator[Case]:
    for number, text in enumerate(HARMLESS_TEXTS):
        yield Case(f"texts/{number}/plain", text)
        yield Case(f"texts/{number}/message", {"messages": [{"role": "user", "content": text}]})
        yield Case(f"texts/{number}/json", json.dumps({"content": text, "n": 1.0}))
        yield Case(f"texts/{number}/twice", json.dumps({"body": json.dumps({"content": text})}))


PLACEHOLDERS = (
    "${API_KEY}",
    "$TOKEN",
    "$API_KEY",
    "{{ api_key }}",
    "{{secrets.api_key}}",
    "<your-key>",
    "<YOUR_KEY>",
    "<api_key>",
    "YOUR_API_KEY",
    "your-api-key",
    "your_password_here",
    "***",
    "********",
    "xxxx",
    "XXXXXXXX",
    "sk-...",
    "sk-xxxxxxxx",
    "[REDACTED]",
    "[redacted]",
    "[FILTERED]",
    "SecretStr('**********')",
    "env:API_KEY",
    "os.environ/API_KEY",
    "%API_KEY%",
    "...",
    "…",
    "",
    "None",
    "null",
    "<redacted>",
    "****1234",
    "sk-****abcd",
    "••••••••",
    "${{ secrets.TOKEN }}",
    "$(cat /run/secrets/token)",
    "{api_key}",
    "REPLACE_ME",
    "INSERT_KEY_HERE",
    "TODO",
    "CHANGE_ME",
)


def short_texts(_: random.Random) -> Iterator[Case]:
    for number, text in enumerate(SHORT_TEXTS):
        yield Case(f"short/{number}/plain", text)
        yield Case(f"short/{number}/field", {"content": text})
        yield Case(f"short/{number}/json", json.dumps({"content": text}))


def placeholders(_: random.Random) -> Iterator[Case]:
    for name in ("password", "api_key", "Authorization", "token", "client_secret"):
        for number, value in enumerate(dict.fromkeys(PLACEHOLDERS)):
            yield Case(f"placeholders/{name}/{number}/field", {name: value})
            if value and "\n" not in value:
                yield Case(f"placeholders/{name}/{number}/text", f'{name}="{value}"')
                yield Case(f"placeholders/{name}/{number}/json", json.dumps({name: value, "n": 1}))
    for value in (None, True, False, "", [], {}):
        for name in ("password", "api_key", "secret", "credentials", "token"):
            yield Case(f"placeholders/{name}/{value!r}", {name: value, "n": 1})


def usage(rng: random.Random) -> Iterator[Case]:
    """Token counts, limits, events and logprobs in the vendors' spellings."""
    number = rng.randint(100, 90000)
    shapes: tuple[Any, ...] = (
        {
            "usage": {
                "prompt_tokens": number,
                "completion_tokens": 96,
                "total_tokens": number + 96,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 12, "accepted_prediction_tokens": 0},
            }
        },
        {
            "usage": {
                "input_tokens": number,
                "output_tokens": 5,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": number,
                "server_tool_use": {"web_search_requests": 1},
            }
        },
        {
            "usageMetadata": {
                "promptTokenCount": number,
                "candidatesTokenCount": 12,
                "totalTokenCount": number + 12,
                "thoughtsTokenCount": 3,
            }
        },
        {"usage": {"inputTokens": number, "outputTokens": 1, "totalTokens": number + 1, "cacheReadInputTokenCount": 0}},
        {
            "max_tokens": 4096,
            "max_completion_tokens": 2048,
            "max_output_tokens": 8192,
            "maxTokens": 100,
            "max_new_tokens": 512,
            "budget_tokens": 1024,
            "token_budget": 9000,
            "thinking": {"type": "enabled", "budget_tokens": 10000},
        },
        {
            "logprobs": {
                "content": [
                    {
                        "token": "Hel",
                        "logprob": -0.31,
                        "bytes": [72, 101, 108],
                        "top_logprobs": [{"token": "lo", "logprob": -1.2}],
                    },
                    {"token": " secret", "logprob": -2.5},
                ]
            }
        },
        {
            "tokens": ["The", " password", " is", " hidden"],
            "token_ids": [464, 9206, 318, 7104],
            "token_logprobs": [-0.1, -2.0, -0.3, -4.0],
        },
        {
            "tokens": [1, 2, 3],
            "token": 15496,
            "eos_token": "</s>",
            "bos_token": "<s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "stop_token": "<|im_end|>",
            "special_tokens": ["<s>", "</s>"],
        },
        {
            "eos_token_id": 2,
            "pad_token_id": 0,
            "tokenizer": "cl100k_base",
            "tokenizer_class": "LlamaTokenizerFast",
            "vocab_size": 32000,
        },
        {"event": "token", "token": "Hello"},
        {"type": "token", "token": " world", "index": 3},
        {"event": "on_llm_new_token", "data": {"token": "key"}},
        {
            "tokens_per_second": 83.1,
            "tokens_remaining": 12,
            "token_count": 99,
            "num_tokens": 5,
            "n_tokens": 4,
            "tokens_used": 9,
            "total_tokens": 1.0,
        },
        {"tokens": {"input": 12, "output": 4, "total": 16}},
        {"tokens": 1523},
        {"token_usage": {"prompt": 1, "completion": 2}},
        {"llm.token_count.prompt": 12, "gen_ai.usage.input_tokens": 12},
        {
            "x-ratelimit-limit-tokens": "150000",
            "x-ratelimit-remaining-tokens": "149984",
            "x-ratelimit-reset-tokens": "6ms",
        },
        {
            "passed": 12,
            "pass": True,
            "pass_rate": 0.9,
            "key": "page",
            "keys": ["a", "b"],
            "auth": None,
            "secret": False,
        },
        {
            "author": "Jane Doe",
            "authors": ["Jane"],
            "authority": "example.com",
            "keyboard": "qwerty",
            "monkey": "bobo",
            "secretary": "Ann",
            "passenger": "Bob",
            "compass": "north",
            "bypass": True,
            "keywords": ["a"],
            "tokenize": True,
            "authenticated": True,
            "authorized": True,
            "is_secret": False,
            "has_password": True,
        },
        {
            "secret_name": "app/prod/db",
            "secret_id": "sm-123",
            "token_type": "bearer",
            "password_policy": "strong",
            "credential_type": "oauth2",
            "api_key_name": "ci",
            "key_type": "rsa",
            "auth_type": "oidc",
            "token_url": "https://idp.example.com/token",
            "token_endpoint": "https://idp.example.com/token",
            "secret_ref": "app-secrets",
            "password_env": "DB_PASSWORD",
            "api_key_env_var": "OPENAI_API_KEY",
            "password_hint": "street",
            "password_required": True,
            "token_expires_at": "2026-01-01T00:00:00Z",
            "secret_version": "3",
            "api_key_status": "active",
            "key_algorithm": "ES256",
            "credentials_provider": "aws",
            "token_expiry": 3600,
            "password_age_days": 12,
            "secret_rotation": "30d",
        },
        {"PWD": "/home/app", "OLDPWD": "/srv", "cwd": "/tmp", "HOME": "/root"},
        {
            "primary_key": "id",
            "foreign_key": "user_id",
            "sort_key": "created_at",
            "partition_key": "tenant",
            "cache_key": "a:b",
            "public_key": "MCowBQYDK2VwAyEA",
            "group_key": "g",
            "answer_key": "ABCD",
            "legend_key": "north",
            "translation_key": "home.title",
            "project_key": "PROJ",
            "issue_key": "PROJ-123",
            "hot_key": "ctrl+k",
            "shortcut_key": "F5",
            "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7V",
            "routing_key": "orders.created",
            "object_key": "a/b.txt",
            "group_by_key": "day",
        },
    )
    for index, value in enumerate(shapes):
        yield Case(f"usage/{index}/field", value)
        yield Case(f"usage/{index}/json", json.dumps(value))
        yield Case(f"usage/{index}/pretty", json.dumps(value, indent=2))
        yield Case(f"usage/{index}/nested", {"response": {"body": json.dumps({"data": value})}})
        yield Case(f"usage/{index}/repr", repr(value))


def schemas(_: random.Random) -> Iterator[Case]:
    """Descriptions of secrets: schemas, forms, labels, validation messages."""
    values: tuple[Any, ...] = (
        {
            "type": "object",
            "properties": {
                "password": {"type": "string", "minLength": 8, "description": "The account's password"},
                "api_key": {"type": "string"},
            },
            "required": ["password", "api_key"],
        },
        {
            "parameters": {
                "type": "object",
                "properties": {
                    "token": {"type": "string", "description": "Token to look up"},
                    "secret": {"$ref": "#/defs/Secret"},
                },
            }
        },
        {
            "name": "login",
            "description": "Logs in with user name and password",
            "input_schema": {"properties": {"password": {"title": "Password", "type": "string", "format": "password"}}},
        },
        {
            "components": {
                "securitySchemes": {
                    "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                    "bearer": {"type": "http", "scheme": "bearer"},
                }
            }
        },
        {"in": "header", "name": "Authorization", "required": True, "schema": {"type": "string"}},
        {"security": [{"apiKey": []}, {"bearerAuth": []}]},
        {"errors": {"password": "must be at least 8 characters", "api_key": "is required"}},
        {"errors": [{"field": "password", "message": "is too short"}]},
        {"labels": {"password": "Password", "api_key": "API key"}},
        {"translations": {"login.password": "Mot de passe", "login.token": "Jeton"}},
        {"placeholders": {"password": "Your password"}},
        {
            "fields": [
                {"name": "password", "type": "password", "label": "Password", "required": True},
                {"name": "token", "type": "text"},
            ]
        },
        {"columns": ["id", "email", "password", "token"]},
        {"required": ["username", "password"]},
        {"loc": ["body", "password"], "msg": "field required", "type": "value_error.missing"},
        {"detail": [{"loc": ["header", "x-api-key"], "msg": "Field required", "type": "missing", "input": None}]},
        {"key": "theme", "value": "dark"},
        {"name": "region", "value": "eu-west-1"},
        {"name": "max_tokens", "value": "4096"},
        {"name": "DB_HOST", "value": "db.internal"},
        {
            "headers": {
                "Accept": "text/plain",
                "Content-Type": "application/json",
                "User-Agent": "python-httpx/0.27",
                "X-Request-Id": "7b6c1f0e",
                "Vary": "Cookie, Authorization",
                "Access-Control-Allow-Headers": "Authorization, X-Api-Key",
            }
        },
        {"cookies": {"theme": "dark", "lang": "en"}},
        {"auth": {"type": "oauth2", "provider": "google", "user": "alice"}},
        {"auth": "none"},
        {"auth": "oauth2"},
        {"credentials": "include"},
        {"credentials": "same-origin"},
        {"tool": "read_file", "args": {"path": "/run/secrets/db_password"}},
        {"env": {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}},
        ["deploy", "--password-file", "/run/secrets/db", "--max-tokens", "4096"],
        ["python", "-m", "keyring", "get", "acme", "alice"],
        ["ssh", "-p", "2222", "-i", "/home/a/.ssh/id_ed25519", "host"],
        ["mysql", "-u", "root", "-p", "orders"],
        ["tool", "--token", "$TOKEN"],
        ["tool", "--api-key", "${API_KEY}", "--verbose"],
        ["curl", "-H", "Authorization: Bearer $TOKEN"],
        ["docker", "run", "-e", "API_KEY", "-p", "8080:80", "acme/api"],
        {
            "kty": "RSA",
            "kid": "key-1",
            "use": "sig",
            "alg": "RS256",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc",
            "e": "AQAB",
        },
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        {"query": "query { viewer { login } }", "variables": {"first": 10, "after": "Y3Vyc29yOnYyOpHOAAE"}},
        {"embedding": [0.0123, -0.0456, 1e-05, 1.0, 12345678901234567890]},
        {"n": 1.0, "big": 20000000000000000000, "exp": 1e5, "neg": -0.0},
        {
            "image_url": {
                "url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
            }
        },
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": "image/jpeg",
                "data": "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/",
            },
        },
        {
            "instance": "i-0abcd1234ef567890",
            "ami": "ami-0abcdef1234567890",
            "subnet": "subnet-0bb1c79de3EXAMPLE",
            "bucket": "acme-secrets-backup",
        },
        {"scopes": ["token:read", "secret:write", "api_key:admin"]},
        {"permissions": {"secrets": "read", "tokens": "write", "id-token": "write"}},
    )
    for index, value in enumerate(values):
        yield Case(f"schemas/{index}/field", value)
        yield Case(f"schemas/{index}/json", json.dumps(value))
        yield Case(f"schemas/{index}/pretty", json.dumps(value, indent=1))
        yield Case(f"schemas/{index}/prefix", "Tool result: " + json.dumps(value) + " done")


def blobs(rng: random.Random) -> Iterator[Case]:
    """Media, certificates, public keys and other long runs of random characters."""
    lines = "\n".join(characters(rng, "B", 64) for _ in range(8))
    yield Case("blobs/certificate", f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    yield Case("blobs/certificate_json", {"cert": f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"})
    yield Case("blobs/public_key", f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----")
    yield Case("blobs/rsa_public_key", f"-----BEGIN RSA PUBLIC KEY-----\n{lines}\n-----END RSA PUBLIC KEY-----")
    yield Case("blobs/pgp_message", f"-----BEGIN PGP SIGNATURE-----\n\n{lines}\n-----END PGP SIGNATURE-----")
    yield Case("blobs/ssh_public", f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ{characters(rng, 'B', 340)} ana@laptop")
    yield Case("blobs/ssh_ed25519", f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{characters(rng, 'B', 43)} ana@laptop")
    for size in (400, 4000, 40000):
        blob = characters(rng, "B", size)
        yield Case(f"blobs/image/{size}", {"type": "image", "data": blob})
        yield Case(f"blobs/data_url/{size}", f"![chart](data:image/png;base64,{blob})")
        yield Case(f"blobs/audio/{size}", {"input_audio": {"data": blob, "format": "wav"}})
        yield Case(f"blobs/hex/{size}", {"dump": characters(rng, "hex", size)})
        yield Case(f"blobs/url_safe/{size}", {"signature": characters(rng, "U", size)})
    for number in range(12):
        words = " ".join("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(60))
        yield Case(f"blobs/words/{number}", {"text": words})
        yield Case(
            f"blobs/minified/{number}",
            "var " + ",".join(f"{characters(rng, 'L', 2)}={rng.randint(0, 9999)}" for _ in range(40)) + ";",
        )
        yield Case(
            f"blobs/hashes/{number}",
            "\n".join(f"{characters(rng, 'hex', 64)}  dist/{characters(rng, 'an', 12)}.whl" for _ in range(6)),
        )
        yield Case(f"blobs/uuids/{number}", [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(5)])
        yield Case(f"blobs/base64_text/{number}", base64_of(" ".join(characters(rng, "L", 7) for _ in range(12))))
        yield Case(
            f"blobs/numbers/{number}",
            [rng.random() * 10 ** rng.randint(-9, 20) for _ in range(8)] + [rng.getrandbits(60)],
        )
        yield Case(
            f"blobs/paths/{number}",
            f"/srv/{characters(rng, 'an', 8)}/{characters(rng, 'hex', 40)}/sk-learn/{characters(rng, 'U', 30)}.py",
        )
        yield Case(
            f"blobs/embedded_prefix/{number}",
            f"task-{characters(rng, 'an', 24)} risk-{characters(rng, 'AN', 22)} desk_{characters(rng, 'hex', 44)} mask-ant-{characters(rng, 'an', 9)}",
        )


GROUPS = (
    identifiers,
    texts,
    short_texts,
    placeholders,
    usage,
    schemas,
    blobs,
    look_alikes,
    near.look_alikes,
    gate_cases.placeholders,
)


def negatives(seed: int = 20260521) -> list[Case]:
    """All cases without a secret; the same for the same seed."""
    return [case for number, group in enumerate(GROUPS) for case in group(random.Random(seed + 100 + number))]
