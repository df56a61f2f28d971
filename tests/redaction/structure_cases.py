"""A secret under its name in every structure that holds names and values, and in every way that languages print one."""

# ruff: noqa: E501 - a row of a table is one line

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .cases import Case
from .generating import fill

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

NAMES = (
    "password", "api_key", "clientSecret", "access_token", "DB_PASSWORD", "private-key", "refreshToken", "db.password", "X-Api-Key", "passphrase", "secret", "psk", "SMTP_PASS",
    "jwtSecret", "userPassword",
)  # fmt: skip
VALUES = ("{L:9}{d:1}{L:5}", "{AN:32}")


def _records(name: str, value: str) -> Iterator[tuple[str, Any]]:
    """Mappings, lists and pairs; each holds a user and a number beside."""
    rest: dict[str, Any] = {"user": "bobby", "n": 42}
    yield "mapping", {name: value, **rest}
    yield "nested", {"a": [{"b": {name: value, **rest}}]}
    yield "list", {name: [value, value], **rest}
    yield "deep", {name: {"x": {"y": [value]}}, **rest}
    yield "pairs", [[name, value], ["user", "bobby"], ["n", "42"]]
    yield "tuples", [(name, value), ("user", "bobby"), ("n", "42")]
    for key, held in (
        ("name", "value"), ("key", "value"), ("Name", "Value"), ("Key", "Value"), ("k", "v"), ("field", "value"), ("label", "value"), ("parameterName", "parameterValue"),
        ("headerName", "headerValue"), ("variable", "value"), ("setting", "value"), ("attribute", "value"), ("config", "value"), ("property", "value"), ("option", "value"),
        ("title", "value"), ("fieldName", "fieldValue"), ("column", "value"), ("key", "val"), ("ParameterKey", "ParameterValue"), ("OptionName", "Value"), ("name", "default"),
    ):  # fmt: skip
        yield f"{key} and {held}", [{key: name, held: value}, {key: "user", held: "bobby"}, {key: "n", held: "42"}]
    yield (
        "value first",
        [{"value": value, "name": name}, {"value": "bobby", "name": "user"}, {"value": "42", "name": "n"}],
    )
    for member in ("stringValue", "string_value"):
        texts = ((name, value), ("user", "bobby"), ("n", "42"))
        yield f"attributes of {member}", {"attributes": [{"key": key, "value": {member: text}} for key, text in texts]}
    yield (
        "attribute list",
        {"attributes": [{"key": name, "value": {"arrayValue": {"values": [{"stringValue": value}]}}}], **rest},
    )
    yield "typed", {name: {"S": value}, "user": {"S": "bobby"}, "n": {"N": "42"}}
    yield "patch", {"op": "replace", "path": f"/{name}", "value": value, **rest}
    yield "old and new", {"field": name, "old_value": value, "new_value": value, **rest}
    yield "change", {"changes": [{"field": name, "old": value, "new": value}], **rest}
    yield "from and to", {"changes": {name: {"from": value, "to": value}}, **rest}
    yield "variables", {"query": "mutation", "variables": {"input": {name: value, **rest}}}
    for columns, rows in (("columns", "rows"), ("columns", "data"), ("fields", "records"), ("headers", "values")):
        yield f"{columns} and {rows}", {columns: ["user", name, "n"], rows: [["bobby", value, 42], ["ana", value, 7]]}
    yield "described columns", {"columns": [{"name": "user"}, {"name": name}], "rows": [["bobby 42", value]]}
    yield "JSON", json.dumps({name: value, **rest})
    yield "JSON twice", json.dumps(json.dumps({name: value, **rest}))
    yield "JSON in lines", json.dumps({name: value, **rest}, indent=2)


PRINTED: dict[str, str] = {
    "Python": "{{'user': 'bobby', '{name}': '{value}', 'n': 42}}",
    "Python bytes": "b'{{\"user\": \"bobby\", \"{name}\": \"{value}\", \"n\": 42}}'",
    "Python ordered": "OrderedDict([('user', 'bobby'), ('{name}', '{value}'), ('n', 42)])",
    "Python default": "defaultdict(<class 'str'>, {{'user': 'bobby', '{name}': '{value}', 'n': 42}})",
    "Python headers": "Headers({{'user': 'bobby', '{name}': '{value}', 'n': '42'}})",
    "Python raw headers": "[(b'user', b'bobby'), (b'{name}', b'{value}'), (b'n', b'42')]",
    "Go map": "map[n:42 {name}:{value} user:bobby]",
    "Ruby": '{{"user"=>"bobby", "{name}"=>"{value}", "n"=>42}}',
    "Java map": "{{user=bobby, {name}={value}, n=42}}",
    "Java record": "Config[user=bobby, {name}={value}, n=42]",
    "Java": "Config{{user='bobby', {name}='{value}', n=42}}",
    "Lombok": "Config(user=bobby, {name}={value}, n=42)",
    "PHP print_r": "Array\n(\n    [user] => bobby\n    [{name}] => {value}\n    [n] => 42\n)",
    "PHP var_dump": 'array(3) {{\n  ["user"]=>\n  string(5) "bobby"\n  ["{name}"]=>\n  string(9) "{value}"\n  ["n"]=>\n  int(42)\n}}',
    "PHP var_export": "array (\n  'user' => 'bobby',\n  '{name}' => '{value}',\n  'n' => 42,\n)",
    "Lua": '{{user="bobby", ["{name}"]="{value}", n=42}}',
    "protobuf": 'user: "bobby"\n{name}: "{value}"\nn: 42',
    "header": "user: bobby\r\n{name}: {value}\r\nn: 42\r\n",
    "YAML": "user: bobby\n{name}: '{value}'\nn: 42\n",
    "TOML": 'user = "bobby"\n{name} = "{value}"\nn = 42\n',
    "INI": "user = bobby\n{name} = {value}\nn = 42\n",
    "query": "user=bobby&{name}={value}&n=42",
    "form": "{name}={value}&user=bobby&n=42",
    "XML attribute": '<c user="bobby" {name}="{value}" n="42"/>',
    "logfmt": "level=info user=bobby {name}={value} n=42",
    "multipart": '--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nbobby 42\r\n--b--',
}  # fmt: skip
"""Maps and messages, whose names may be anything."""

PRINTED_OBJECTS: dict[str, str] = {
    "dataclass": "Config({name}='{value}', user='bobby', n=42)",
    "pydantic": "{name}='{value}' user='bobby' n=42",
    "Namespace": "Namespace(n=42, user='bobby', {name}='{value}')",
    "call": 'connect(n=42, user="bobby", {name}="{value}")',
    "Go struct": "{{User:bobby {name}:{value} N:42}}",
    "Go pointer": '&main.Config{{User:"bobby", {name}:"{value}", N:42}}',
    "Rust": 'Config {{ user: "bobby", {name}: "{value}", n: 42 }}',
    "C#": "Config {{ User = bobby, {name} = {value}, N = 42 }}",
    "Ruby symbols": '{{:user=>"bobby", :{name}=>"{value}", :n=>42}}',
    "Ruby 3": '{{user: "bobby", {name}: "{value}", n: 42}}',
    "Elixir": '%{{user: "bobby", {name}: "{value}", n: 42}}',
}
"""Objects, whose members are identifiers."""


def structures(rng: random.Random) -> Iterator[Case]:
    """Every name in every structure."""
    for name in NAMES:
        for number, template in enumerate(VALUES):
            value = fill(template, rng)
            for what, record in _records(name, value):
                yield Case(f"structures/{what}/{name}/{number}", record, (value,), () if what == "deep" else ("42",))
            printed = PRINTED | (PRINTED_OBJECTS if name.isidentifier() else {})
            for language, text in printed.items():
                case = f"printed/{language}/{name}/{number}"
                yield Case(case, text.format(name=name, value=value), (value,), ("bobby", "42"))
