# ruff: noqa: E501 - a row of a table is one line; some letters look like others
"""Further rows of the kinds in `places.py`: rare names in every spelling of text, operators and types of languages, calls, changes, colours."""

from __future__ import annotations

import html
import json
import urllib.parse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_RARE_NAMES = {
    "w": ("security_answer", "recoveryAnswer", "jelszo", "lozinka", "kodeord", "sifre", "contraseña", "Contraseña"),
    "k": ("csrf", "xsrf", "sid", "seed", "wallet_seed", "sas", "client_assertion", "Jenkins-Crumb", "parola"),
    "c": ("user_pin", "cardPin", "simPuk"),
    "3": ("cvv", "cvc", "CVV2", "card_cvc"),
}
"""By the kind of their values."""
_TEXTS: dict[str, Callable[[str, str], str]] = {
    "cut_json": lambda name, value: json.dumps({"n": 42, name: value, "note": "cut off"})[:-6],
    "representation": lambda name, value: f"called with { ({'n': 42, name: value})!r}",
    "bytes": lambda name, value: repr(json.dumps({"n": 42, name: value}, ensure_ascii=False).encode()),
    "html": lambda name, value: f"<code>{html.escape(json.dumps({'n': 42, name: value}))}</code>",
    "percent": lambda name, value: f"data={urllib.parse.quote(json.dumps({name: value}))}&n=42",
    "form": lambda name, value: f"n=42&{urllib.parse.urlencode({name: value})}&lang=en",
    "toml": lambda name, value: f'n = 42\n{name} = "{value}"\n',
    "header": lambda name, value: f"Content-Length: 42\n{name}: {value}\nHost: example.com\n",
}
NAMES_IN_TEXTS = tuple(
    (kind, name, write)
    for kind, names in _RARE_NAMES.items()
    for name in names
    for form, write in _TEXTS.items()
    if kind != "w" or form != "header"
)
"""The kind of a value, its name, and how both are written; on a line of its own a mere word is no value."""

OPERATORS = (
    ("k", 'ENV["API_KEY"] ||= "§"'),
    ("k", 'options.apiKey ??= "§"'),
    ("k", 'TOKEN: Final[str] = "§"'),
    ("k", 'token: Optional[str] = "§"'),
    ("k", 'api_key: Annotated[str, Field()] = "§"'),
    ("p", 'password: Annotated[str, Field()] = "§"'),
    ("p", 'let password = r#"§"#;'),
    ("k", 'const KEY: &[u8] = b"x"; let api_key = br##"§"##;'),
    ("k", '<script>window.__TOKEN__ = "§";</script>'),
    ("b", '{"stdout": "password: §", "rest": "cut'),
)
CALLS = (
    ("p", 'SSHClient().connect("db.internal", 22, "bob", "§")'),
    ("p", "ftp = FTP('ftp.example.com', 'bob', '§')"),
    ("p", 'smtp.PlainAuth("", "bob@example.com", "§", "mail.example.com")'),
    ("p", 'ldap3.Connection(server, "cn=admin,dc=example", "§")'),
    ("p", 'trino.auth.BasicAuthentication("bob", "§")'),
    ("k", 'tweepy.OAuthHandler(key, "§")'),
    ("k", "http -A bearer -a § https://example.com/x"),
    ("p", "podman secret create db1 - <<< §"),
    ("h", 'AESGCM(bytes.fromhex("§"))'),
    ("h", 'AES.new(binascii.unhexlify("§"), AES.MODE_GCM)'),
    ("h", 'ChaCha20Poly1305(base64.b64decode("§"))'),
)
SENTENCES = (
    ("p", "Here's the password you'll need: §"),
    ("p", "The password for the admin account (ann@example.com) is §."),
    ("p", "its password being §"),
    ("p", "Password must be exactly: §"),
    ("k", "Application ID: 42\nClient secret value: §"),
    ("c", "<#> Your ExampleApp code is: §"),
    ("c", "Your Acme Bank code is § for now"),
    ("k", "Token de acceso: §"),
    ("k", "Token di accesso per il server: §"),
    ("p", "Mon mot de passe c'est §"),
    ("p", "мой пароль §"),
    ("p", "mein Passwort §"),
    ("p", "Username\r\nbob\r\nPassword\r\n§"),
    ("p", "bob:§@tcp(db.example.com:3306)/crm?parseTime=true"),
    ("p", "bob:§@unix(/run/mysqld.sock)/crm"),
    ("z", "| user | bob |\n| password | § |\n"),
    ("p", "| user | bob |\n| password | a*b*§ |\n"),
    ("p", "I tried § as the password but it was rejected."),
    ("p", "Use § as your new password."),
    ("p", "The following generated password will be used: §"),
    ("k", "Save this secret, it is shown only once: §"),
    ("p", "He changed the password from § to §"),
    ("p", "updated my db password from § to §."),
    ("p", "Login failed with bob:§ on port 22"),
    ("p", "connect with bob:§@db.example.com:5432 please"),
    ("p", "proxy svc_app:§@proxy.internal:3128"),
    ("p", "Lösenordet är §"),
    ("p", "Lösenord är §"),
    ("p", "Adgangskoden er §"),
    ("p", "Logging in as bob using password §..."),
    ("p", '{"stdout": "A senha \\u00e9 §", "rest": "cut'),
    ("k", '{"stdout": "Voici le jeton d\'acc\\u00e8s : §", "rest": "cut'),
    ("k", '{"stdout": "\\u041a\\u043b\\u044e\\u0447 API: §", "rest": "cut'),
    ("p", "<pre>db creds: bob / §</pre>"),
    ("p", "<pre>Array\n(\n    [user] =&gt; bob\n    [password] =&gt; §\n)</pre>"),
    ("p", "<pre>bindpw §</pre>"),
    ("p", "<code>enable secret §</code>"),
    ("m", "login: bob\npassword: §\nport: 22\n"),
)
_COLOURED = (
    ("p", "password: §"),
    ("p", "sshpass -p § ssh db1"),
    ("p", "bindpw §"),
    ("p", "Logging in as bob using password §..."),
    ("p", 'psk="§"\nssid="office"'),
    ("p", "DB_PASSWORD=§"),
)
COLOURS = tuple(
    (kind, f"{colour}{template}{end}")
    for kind, template in _COLOURED
    for colour, end in (("\x1b[32m", "\x1b[0m"), ("\x1b[1;31m", "\x1b[K"), ("\\u001b[32m", "\\u001b[0m"))
)
GROUPS_OF_CREDENTIALS = (
    ("k", "auth:\n  client_id: bc4419d3-a29e-4125-b28c-9ce46950990d\n  client_secret: §\n"),
    ("k", '{"auth": {"client_id": "bc4419d3-a29e-4125-b28c-9ce46950990d", "client_secret": "§"}}'),
    ("k", '{"tokens": {"account_id": "bc4419d3-a29e-4125-b28c-9ce46950990d", "access": "§"}}'),
)
LOOK_ALIKES = (
    "<p>secret recipe2go</p>",
    "<li>password policy-2025 &gt; rules</li>",
    "a -&gt; b, password =&gt; required",
    "oc login https://api.example.com:6443 -u admin",
    "docker login https://registry.example.com:5000/v2",
    "go.sum: github.com/golang-jwt/jwt v3.2.2+incompatible h1:abc",
    "github.com/golang-jwt/jwt v5.0.0-rc.2",
    "headers = {&quot;Authorization&quot;: f&quot;Bearer {token}&quot;}",
    "Your zip code is 90210",
    "Your employee code is 48213",
    "Your Python code is 4821 lines long",
    "Password must be 12 characters long.",
    "The password you'll need: see the vault",
    "mein Passwort ist abgelaufen",
    "мой пароль устарел",
    "Token de acceso: requerido",
    "secret value: required",
    "user@tcp(db.example.com:3306)/crm",
    'smtp.PlainAuth("", user, password, host)',
    'ldap3.Connection(server, "cn=admin,dc=example")',
    "podman secret create db1 ./file1.txt",
    "Das Passwort lautet [REDACTED] und der Server ist db1.example.com.",
    "Das Passwort ist abgelaufen und der Server ist db1.example.com.",
    "Lösenordet är för kort.",
    "Adgangskoden er udløbet",
    "changed the password from the settings page",
    "He changed the token type from Bearer to MAC",
    "mkpasswd --method=sha-512",
    "gpasswd -a bob1 docker",
    "passwd --expire bob1",
    "DELETE /users/42/password 200",
    "Use SHA-256 as the password hash",
    "Use bcrypt as the password hasher",
    "mailto:bob.smith99@example.com",
    "sip:alice99@pbx.example.com:5060",
    "ssh:deploy_2@host.example.com:22",
    "email:bob_smith99@example.com:25",
    "image:app-1.2.3@registry.example.com:5000",
    "https://example.com:8443/@scope/app1:443",
    "token: Final[str] = field(default='')",
    'TOKEN_URL: Final[str] = "https://example.com/oauth/token"',
    "api_key: Annotated[str, Field()]",
    'options.apiKey ??= ""',
    'ENV["API_KEY"] ||= ENV["OTHER_KEY"]',
    'let password = r"^[a-z]{8}$";',
    "windows.token_window = tokens.window",
    "\x1b[32mtest_password_reset PASSED\x1b[0m",
    "\x1b[1;31mInvalid token\x1b[0m in line 42",
    "security_answer: required",
    '{"security_answer": {"type": "string"}}',
    "The CSRF check failed; csrf: enabled",
    "seed: 42",
    "seed=1234567890",
    "pin: 5 mm",
    "GPIO pin=17, user_pin: null",
    "sid: AC00000000000000000000000000000000",
    "the answer: 42x7",
    "cvv: required",
    "cvc_check: pass",
    "parola: required",
    '.connect("db.internal", 22, timeout=5)',
    'FTP("ftp.example.com", timeout=30)',
    "AESGCM(AESGCM.generate_key(bit_length=128))",
    "Login failed with status: 403 on port 22",
    "Passwort: erforderlich\nName: optional\n",
    "Passwort: falsch\n",
    "Contraseña: incorrecta\n",
    "mot de passe : obligatoire\n",
    "senha: inválida\n",
    "Incorrect API key provided: sk-proj-********************1234.",
    '{"n": 1, "text": "password 200 ok", "rest": "cut',
    '{"password": {"type": "string", "description": "The user password", "format": "cut',
    "Das Pr\\u00fcfungsergebnis: bestanden, Schl\\u00fcsselw\\u00f6rter: Haus1, Baum2",
)
