# ruff: noqa: E501, RUF001 - a row of a table is one line; full-width signs are what some languages write
"""Rows of the kinds in `places.py`, most of them generated: headers in text, tests, declarations, mappings in source, manifests.

Further kinds: `v` a header's value of letters, dots, colons or slashes, `i` a password with the signs of a template,
`o` a plain word in lower case.
"""

from __future__ import annotations

from itertools import product

_HEADERS = (
    "X-Api-Key",
    "X-Auth-Token",
    "x-api-key",
    "X-Access-Token",
    "PRIVATE-TOKEN",
    "X-Vault-Token",
    "DD-API-KEY",
    "Ocp-Apim-Subscription-Key",
)
_REQUESTS = (
    "GET /orders HTTP/1.1\r\nHost: example.com\r\n{}: §\r\nAccept: */*\r\n\r\n",
    "{}: §\nContent-Type: application/json",
    "> GET /orders\n> {}: §\n> Accept: */*",
    "curl -s -H '{}: §' https://example.com/orders",
    'curl -H "Accept: */*" -H "{}: §" https://example.com/orders',
    'http GET example.com --header="{}: §" --follow',
)
HEADERS = tuple((kind, form.format(name)) for form, name, kind in product(_REQUESTS, _HEADERS, "vk"))

_MAPPINGS = (
    "requests.get(url, cookies={{'{name}': '§'}})",
    'client.get(url, cookies={{"theme": "dark", "{name}": "§"}}, timeout=5)',
    'cookies=dict({name}="§", theme="dark")',
    'const jar = {{ cookies: {{ {name}: "§" }} }}',
)
COOKIES = (
    *(
        ("n", form.format(name=name))
        for form, name in product(_MAPPINGS, ("sessionid", "sid", "session", "auth_token"))
    ),
    ("n", 'response.set_cookie("session", "§", httponly=True)'),
    ("n", "res.setCookie('sid', '§')"),
)
_GROUPS = (
    'api_keys = {"openai": "§", "region": "eu-west-1"}',
    "passwords = {'bob': '§'}",
    "secrets = dict(stripe='§', name='billing')",
    "secrets: {stripe: '§', owner: 'billing'}",
    "credentials={'user': 'bob', 'password': '§'}",
    'auth={"username": "bob", "password": "§"}',
)
GROUPS = (
    *((kind, form) for form, kind in product(_GROUPS, "pk")),
    *(
        ("p", form)
        for form in ("credentials=('bob','§')", 'credentials = ("bob", "§")', 'auth=("bob", "§")', 'creds=("bob", "§")')
    ),
)
_NAMES = ("password", "user.password", "config.api_key", "apiKey", "resp.json()['secret']")
_COMPARISONS = (
    'expect({}).toBe("§")',
    "expect({}).toStrictEqual('§')",
    'expect({}).to.equal("§")',
    'expect({}).to eq("§")',
    'assertThat({}).isEqualTo("§");',
    'self.assertEqual({}, "§")',
    "assert.equal({}, '§')",
    'assert_eq!({}, "§");',
    'assert {} == "§"',
    'if (strcmp({}, "§") == 0) {{',
)
COMPARISONS = (
    *((kind, form.format(name)) for form, name, kind in product(_COMPARISONS, _NAMES, "pk")),
    *(("n", form.format("token")) for form in _COMPARISONS if "strcmp" not in form),
    ("p", 'assertEquals("§", user.password);'),
    ("p", 'assert.Equal(t, "§", cfg.Password)'),
    ("k", 'if (password.equals("§")) {'),
    ("p", 'user.password.should.equal("§")'),
    ("p", 'expect(screen.getByLabelText("Password")).toHaveValue("§")'),
)
DECLARED = (
    *(
        (kind, form)
        for form, kind in product(
            (
                'char kApiKey[] = "§";',
                'static const char* API_KEY[] = {"§"};',
                'static const char kPassword[32] = "§";',
                'wchar_t password[] = L"§";',
                'auto password = u8"§";',
                'private static final String[] PASSWORDS = {"§", "§"};',
                "SET @password = N'§';",
                "ALTER LOGIN bob WITH PASSWORD = N'§';",
                "EXEC sp_addlogin @loginame = N'bob', @passwd = N'§'",
                "DECLARE @pwd nvarchar(50) = N'§'",
            ),
            "wk",
        )
    ),
    *(("n", f"{name}=§\n") for name in ("serviceaccountkey", "clientsecretkey", "awssecretaccesskey", "openaiapikey", "sshprivatekey", "sharedaccesskey")),
)  # fmt: skip
GENITIVES = tuple(
    (kind, f"{label}§")
    for label, kind in product(
        (
            "Passwort der Datenbank: ", "Das Passwort des Servers: ", "Das Passwort des Servers ist ", "Kennwort vom WLAN: ", "mot de passe de la base : ",
            "Mot de passe de la base de données : ", "mot de passe administrateur : ", "contraseña de la base de datos: ", "senha do banco: ",
            "senha do servidor é ", "wachtwoord van de database: ", "hasło do bazy danych: ", "hasło bazy: ", "пароль базы данных: ", "Пароль от базы: ",
            "heslo databáze: ", "heslo k databázi: ", "lösenord för databasen: ", "adgangskode til databasen: ", "salasana tietokantaan: ",
            "jelszó az adatbázishoz: ", "passord til databasen: ", "kata sandi basis data: ", "mật khẩu cơ sở dữ liệu: ", "パスワード（データベース）：",
        ),
        "pk",
    )
)  # fmt: skip
JSON_PASSWORDS = tuple(
    ("i", form)
    for form in (
        '{"password":"§"}',
        '{"user": "bob", "password": "§", "n": 1.0}',
        'body: {"db": {"host": "h1", "api_key": "§"}}',
    )
)
_MANIFEST = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  labels:\n    tier: web\ntype: Opaque\n"
MANIFESTS = tuple(
    (kind, form)
    for form, kind in product(
        (
            f"{_MANIFEST}data:\n  endpoint: §\n  username: bob\n",
            f'{_MANIFEST}stringData:\n  endpoint: "§"\n',
            f"{_MANIFEST}stringData:\n  config.ini: |\n    §\n",
            f"{_MANIFEST}data:\n  region: §\n---\napiVersion: v1\nkind: ConfigMap\ndata:\n  zone: europe\n",
            "items:\n- apiVersion: v1\n  kind: Secret\n  data:\n    region: §\n- apiVersion: v1\n  kind: ConfigMap\n  data:\n    zone: europe\n",
            '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "data": {"endpoint": "§", "username": "bob"}}',
        ),
        "ok",
    )
)
SOURCES = {
    "headers": HEADERS, "cookies": COOKIES, "groups": GROUPS, "comparisons": COMPARISONS, "declared": DECLARED, "genitives": GENITIVES,
    "json_passwords": JSON_PASSWORDS, "manifests": MANIFESTS,
}  # fmt: skip
LOOK_ALIKES = (
    # Headers without a value of their own.
    *(
        form.format(name).replace("§", value)
        for form, name, value in product(
            _REQUESTS[:4], _HEADERS[:3], ("<your-key>", "${API_KEY}", "$API_KEY", "{{api_key}}", "required", "string", "YOUR_API_KEY", "***")
        )
    ),
    "X-CSRF-Token: Fetch\nAccept: */*",
    "Vary: X-Api-Key\nX-Cache-Key: user:abc\nIdempotency-Key: order.spring.a\nSurrogate-Key: blog.posts",
    "Access-Control-Allow-Headers: X-Api-Key, X-Auth-Token",
    "X-Api-Key: the key of your account",
    "The X-Api-Key: header is required.",
    "curl -H 'X-Page-Token: abc.def' -H 'Accept: */*' https://example.com",
    # Mappings in source.
    "cookies={'theme': 'dark', 'lang': 'en-US'}",
    "cookies=dict(theme='dark', consent='all')",
    'tokens = {"prompt": 812, "completion": 96}',
    "tokens: {max: 4096, kind: 'prompt'}",
    "credentials = {'user': 'bob', 'type': 'basic'}",
    "auth={'username': user, 'password': password}",
    'auth = {"type": "bearer", "username": "bob"}',
    'api_keys = {"openai": os.environ["OPENAI_API_KEY"]}',
    'api_keys = {"openai": "OPENAI_API_KEY", "groq": "${GROQ_API_KEY}"}',
    "secrets = {'name': 'billing', 'path': '/run/secrets/billing'}",
    'labels = {"password": "Password", "token": "Token"}',
    'credentials=("user", password)',
    'auth=("username", "password")',
    'auth=("bob", os.environ["PW"])',
    # Tests that compare with something else.
    *(
        form.format(name).replace("§", value)
        for form, name, value in product(_COMPARISONS[:8], ("errors.password", "token"), ("required", "is too short", "access_token", "tooShort"))
    ),
    "expect(token.value).toBe('while')",
    "assertEqual(token.type, 'NAME')",
    "expect(password).toBe(process.env.PASSWORD)",
    "assertEqual(secret_name, 'db-1')",
    'assertEquals("foo2x", lexer.token)',
    "expect(fields.password.type).toBe('text')",
    # Declarations.
    "char password[64];",
    'char token[] = "";',
    'static const char* TOKENS[] = {"if", "else", "while"};',
    'const char *passwords[] = {"password", "passwd"};',
    'static const char kTokenType[] = "bearer";',
    'static const char kApiKeyHeader[] = "X-Api-Key";',
    'String[] SECRETS = {"db-password", "api-key"};',
    "SET @password = N'';",
    "DECLARE @token nvarchar(50) = N'next';",
    "primarykey=Zk3v8QmT1xLp9RsW4yBn",
    # What is said of passwords in other languages.
    "Passwort des Benutzers: nicht gesetzt",
    "Passwort der Datenbank: siehe Vault",
    "Das Passwort des Servers ist abgelaufen seit 2024-01-01",
    "Das Passwort der Nutzer ist mindestens 12 Zeichen lang",
    "Passwort vergessen: https://example.com/reset1",
    "mot de passe de la base : voir le coffre",
    "Le mot de passe de la base est expiré depuis 3 jours",
    "senha do usuário: mínimo 8 caracteres",
    "heslo k účtu: minimálně 8 znaků",
    "Пароль от базы: см. раздел 4",
    # Values that are templates as a whole.
    *(
        '{"password": "§", "n": 1}'.replace("§", value)
        for value in ("{{ db_password }}", "${DB_PASSWORD}", "prefix-{{env}}-key", "{{user}}:{{pass}}", "%s", "%(password)s", "{{tokens.v2}}", "<%= pw %>")
    ),
    # Manifests of other kinds, and without values.
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  endpoint: orders\n",
    "kind: SecretStore\nmetadata:\n  name: app\ndata:\n  endpoint: orders\n",
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  namespace: prod\ntype: Opaque\n",
    "kind: Secret\ndata:\n  endpoint: {{ .Values.endpoint | b64enc }}\n  region: ${REGION}\n",
    '{"kind": "ConfigMap", "data": {"endpoint": "orders"}}',
    "The manifest has kind: Secret and data: values in base64.",
)  # fmt: skip
