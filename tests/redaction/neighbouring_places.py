# ruff: noqa: E501 - a row of a table is one line; signs of other languages look like others
"""Further rows of the kinds in `places.py`: names with more behind them, what encodes a login, national quotes, pairs of elements, tables, files of systems."""

from __future__ import annotations

NAMES = (
    *(("k", f'{{"{name}": "§", "n": 42}}') for name in ("API_KEY_EU", "apiKeyUsEast1", "client-secret-apac", "access_token_qa", "SECRET_KEY_UAT", "API_KEY_STRIPE", "auth.token.github", "OKTA_CLIENT_TOKEN")),
    *(("w", f"{name}=§\nPORT=42") for name in ("MY_APP_PASS", "LEGACY_CRM_PASS", "JIRA_PASS", "PROD_PASS", "PORTAL_PASS", "SQL_PASS")),
    ("c", '{"two_factor_code": "§"}'),
    ("c", '{"gateKeypadCode": "§"}'),
)  # fmt: skip
ENCODED = (
    ("p", "headers: { Authorization: 'Basic ' + btoa('bob:§') }"),
    ("p", "Buffer.from('bob:§').toString('base64')"),
    ("p", "Buffer.from(`bob:§`)"),
    ("p", "Base64.strict_encode64('bob:§')"),
    ("p", "base64.b64encode(b'bob:§').decode()"),
    ("p", 'Base64.getEncoder().encodeToString("bob:§".getBytes())'),
    ("p", "base64_encode('bob:§')"),
    ("p", 'base64.StdEncoding.EncodeToString([]byte("bob:§"))'),
    ("p", 'Convert.ToBase64String(Encoding.ASCII.GetBytes("bob:§"))'),
    ("p", 'Base.encode64("bob:§")'),
    ("p", 'base64::encode("bob:§")'),
)
QUOTES = (
    ("p", "mon mot de passe est « § »"),
    ("p", "Le mot de passe est «\u202f§\u202f»."),
    ("p", "lösenordet är ”§”"),
    ("p", "Пароль: «§»"),
    ("p", "Das Passwort lautet »§«."),
    ("p", "hasło to „§”"),
    ("p", "salasana on §"),
)
ELEMENTS = (
    ("p", "<member><name>password</name><value><string>§</string></value></member>"),
    ("k", "<key>APIToken</key>\n\t<string>§</string>"),
    ("p", "<key>Password</key>\n<data>§</data>"),
    ("p", "<init-param>\n<param-name>password</param-name>\n<param-value>§</param-value>\n</init-param>"),
    ("p", "<dt>Password:</dt><dd>§</dd>"),
    ("p", "<td>Password:</td> <td>§</td>"),
)
TABLES = (
    ("k", "Name | Value\n--- | ---\nAPI_KEY | §\n"),
    ("p", "Env | Value\n--- | ---\nDB_PASSWORD | §\nPORT | 42\n"),
    ("p", "-[ RECORD 1 ]\nuser     | bob\npassword | §"),
    ("p", "<tr><th>User</th><th>Password</th></tr><tr><td>alice</td><td>§</td></tr></table>"),
    (
        "k",
        "<table><thead><tr><th>User</th><th><b>API key</b></th></tr></thead>\n<tbody>\n<tr>\n<td>bob</td>\n<td><code>§</code></td>\n</tr></tbody></table>",
    ),
    ("k", "User name,Access key ID,Secret access key\nbob,42,§\n"),
)
FILES = (
    ("p", 'reg add "HKLM\\SOFTWARE\\Winlogon" /v DefaultPassword /t REG_SZ /d § /f'),
    ("p", "setenv DB_PASSWORD §"),
    ("p", "SetEnv DB_PASSWORD §"),
    ("p", "PASSWORD=$(cat <<EOF\n§\nEOF\n)"),
    ("k", "read -r API_KEY <<'EOF'\n§\nEOF"),
    ("p", "docker login -u bob --password-stdin <<EOF\n§\nEOF"),
    ("p", "stats auth admin:§"),
    ("p", 'random_password.db: result = "§"'),
    ("p", '-define(PASSWORD, "§").'),
    ("p", '{password, "§"}'),
    ("p", '{password, <<"§">>}'),
    ("p", '{:password, "§"}'),
    ("p", "{ password:: '§' }"),
    ("p", "userPassword:: §"),
    ("p", "password => Sensitive('§'),"),
    ("k", "xh post x.example.com n==42 api_key==§"),
    ("p", "could not reach postgres://bob:§"),
    ("p", "see amqps://bob:§…"),
    ("c", "Use § to verify your account."),
    ("c", "Enter § to sign in"),
    ("p", 'Fill in "§" for "Password"'),
    ("p", 'I enter "§" in the "Password" field'),
)
LOOK_ALIKES = (
    *(f'{{"{name}": "q8Zr4TnW2yLk6PvX1bHs"}}' for name in ("api_key_eu_id", "secret_us_name", "password_qa_url", "aws_client_token", "client_token", "token_eu_count", "api_key_stripe_id")),
    *(f'{{"{name}": "Level42"}}' for name in ("render_pass", "boarding_pass", "first_pass", "compiler_pass")),
    "Buffer.from('hello world')",
    "btoa('data:text1')",
    "base64.b64encode(b'sha256:9f86d081')",
    "if (api_key == expected_key2) return;",
    "http.get(x) if token==None42 else y",
    "cat tokens | sha256sum",
    "redis://cache:6379",
    "postgres://db:5432/app",
    "docker://alpine:3.19a1",
    "<tr><th>Token</th><th>Count</th></tr><tr><td>hello</td><td>42</td></tr>",
    "<tr><th>Password policy</th><th>Length</th></tr><tr><td>strong</td><td>12</td></tr>",
    "<key>PasswordRequired</key>\n<true/>",
    "<name>password</name><value><int>3</int></value>",
    "{password, string}",
    "-define(TOKEN_TYPE, \"v2a\").",
    "reg query HKLM /v Version7 /d",
    "cat > tokens.txt <<EOF\nhello\nEOF",
    "Use 4096 to store the cache.",
    "Enter 2048 as the size.",
    "random_password.db: length = 16",
)  # fmt: skip
