"""More rows of the kinds in `places.py`: calls that take a secret by any name, driven browsers, lists, changes."""

from __future__ import annotations

CALLS = (
    ("k", 'jwt.encode(claims, "§", algorithm="HS256")'),
    ("k", "jwt.sign(payload, '§')"),
    ("k", "jwt.verify(raw, '§', { algorithms: ['HS256'] })"),
    ("k", "const mac = createHmac('sha256', '§').update(body)"),
    ("k", 'hmac.new(b"§", body, "sha256")'),
    ("p", "SELECT pgp_sym_decrypt(card, '§') FROM cards"),
    ("p", 'SecretStr("§")'),
    ("k", 'client.get(address).bearer_auth("§")'),
    ("p", 'client.get(address).basic_auth("bob", Some("§"))'),
    ("p", 'keyring.set_password("svc", "bob", "§")'),
    ("p", 'WiFi.begin("office", "§");'),
    ("p", "new PDO($dsn, 'root', '§');"),
    ("p", 'curl_setopt($ch, CURLOPT_USERPWD, "bob:§");'),
    ("k", 'const key = process.env.API_KEY || "§";'),
    ("k", "const key = process.env.API_KEY ?? '§';"),
    ("w", "    storePassword '§'\n    keyAlias 'app'"),
    ("w", "CREATE USER MAPPING FOR bob SERVER s OPTIONS (user 'bob', password '§')"),
)
BROWSERS = (
    ("w", "await page.fill('#password', '§')"),
    ("p", 'await page.type("input[type=password]", "§");'),
    ("p", "cy.get('#password').type('§')"),
    ("w", "await page.getByLabel('Password').fill('§')"),
    ("p", 'driver.find_element(By.ID, "passwd").send_keys("§")'),
    ("p", 'browser_type(ref="e3", element="Password field", text="§")'),
    ("p", 'browser_type(element="Password textbox", ref="e12", text="§")'),
)
TEXTS = (
    ("p", "password changed from § to something else"),
    ("p", "password changed from hunter2 to §"),
    ("p", 'The password was rotated from "old1pass" to "§".'),
    ("k", "the webhook secret should be §"),
    ("k", 'api_keys = ["AbC123dEf456GhI789jK", "§"]'),
    ("k", 'tokens = ["§", "AbC123dEf456GhI789jK"]'),
    ("p", "PASSWORDS = ['hunter2', '§']"),
    ("k", "secrets:\n  db: §\n  mail: smtp"),
    ("p", "password: !!str §"),
    ("k", "<property><name>fs.s3a.secret.key</name><value>§</value></property>"),
    ("k", '<input name="csrf_token" type="hidden" value="§">'),
    ("k", "https://example.com/reset-password/§"),
    (
        "k",
        "1 validation error for Settings\napi_key\n  Extra inputs [type=extra_forbidden, input_value='§', input_type=str]",
    ),
    ("k", "next=https%3A%2F%2Fexample.com%2F%3Faccess_token%3D§%26page%3D7"),
)
LOOK_ALIKES = (
    # Calls without a secret, fields that are none.
    'jwt.encode(claims, key, algorithm="HS256")',
    "jwt.verify(raw, publicKey, { algorithms: ['RS256'] })",
    "createHmac('sha256', key)",
    'hmac.new(key, body, "sha256")',
    "hmac.new(key, body, hashlib.sha256)",
    'SecretStr("**********")',
    'keyring.get_password("svc1", "bob2")',
    "new PDO($dsn, $user, $pass);",
    "await page.fill('#shipping-address', '12 Main St')",
    "await page.fill('#password', process.env.PW)",
    "await page.fill('#password', password)",
    "await page.type('#spinner', 'a1b2')",
    "cy.get('#password').should('be.visible')",
    "expect(page.getByLabel('Password')).toBeVisible('2s')",
    'Typed "bobby7" into the user name field',
    'const key = process.env.API_KEY || "";',
    "const key = process.env.API_KEY ?? 'your-api-key';",
    # What was masked, and what goes on.
    "WARN  auth: password=*** user=ana",
    "auth=oauth2 token_type=bearer expires_in=3600",
    'grep -r "password=" src/',
    "-----BEGIN RSA PRIVATE KEY----- marks the start of a key.",
    "password changed from the old one to the new one",
    "The password must be 8-64 characters.",
    # Names of secrets, published keys, labels.
    "existingSecret: my-secret-1",
    "imagePullSecret: registry-cred-2",
    "NEXT_PUBLIC_STRIPE_KEY=pk_live_abcdefghijklmnop1234",
    "secrets:\n  - DB_PASSWORD\n  - API_KEY",
    "secrets:\n  db:\n    file: ./db1.txt",
    "token_count\n  Input should be a number [type=int_parsing, input_value='abc12', input_type=str]",
    '{"password": ["This field is required."]}',
    '{"secrets": ["DB_PASSWORD", "API_KEY"]}',
    '{"api_key": {"type": "string", "examples": ["<key>"]}}',
    '{"password": "Passwort", "n": 1}',
    "https://example.com/reset-password/confirmation",
)
STRINGS = (
    ("p", 'db:\n  user: "bob"\n  password: §\n'),
    ("k", 'Authorization: Digest username="bob", realm="x", nonce="n1", uri="/", response="§"'),
    ("w", 'variable "db_password" {\n  default = "§"\n}'),
    ("p", "id;user;password\n1;bob;§"),
    ("k", 'secret = """§"""'),
    ("p", "user/pass: admin/§"),
)
"""What a tool answered, as JSON's strings pass it on: quotes and line breaks escaped once, twice, three times."""
