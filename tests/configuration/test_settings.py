import inspect
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import spanbridge as sb
from spanbridge.configuration.settings import SETTINGS, resolve_settings, settings_markdown, settings_rows
from spanbridge.errors import ConfigurationError
from spanbridge.pipeline.tail_sampling import TailSampling


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty repository, so that no file above it is found."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def error_of(arguments=None, environ=None, folder: Path | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        resolve_settings(arguments or {}, environ=environ or {}, folder=folder)
    return str(caught.value)


def test_defaults(folder, monkeypatch):
    """Without arguments, variables and files every setting has its default, and says so."""
    monkeypatch.setattr(sys, "argv", ["/app/support_bot.py"])

    settings = resolve_settings({}, environ={}, folder=folder)

    assert settings.service_name == "support_bot"
    assert settings.environment == "development"
    assert settings.store is None
    assert settings.exporters == []
    assert settings.sensitive_data is True
    assert settings.sampling == 1.0
    assert settings.write_interval_ms == 50
    assert settings.store_max_bytes == 2**30
    assert settings.queue_max_bytes == 64 * 2**20
    assert settings.max_payload_bytes == 8 * 2**20
    assert set(settings.origins.values()) == {"default"}
    assert set(settings.origins) == set(SETTINGS)


def test_defaults_are_not_shared(folder):
    """A list that one configuration fills is not the next one's default."""
    first = resolve_settings({}, environ={}, folder=folder)
    first.exporters.append("console")

    assert resolve_settings({}, environ={}, folder=folder).exporters == []


def test_precedence(folder):
    """Arguments win over variables, variables over files, files over defaults; each value says where it came from."""
    (folder / "spanbridge.toml").write_text('service_name = "file"\nwrite_interval_ms = 100\nmax_items = 7\n')
    environ = {"SPANBRIDGE_SERVICE_NAME": "variable", "SPANBRIDGE_WRITE_INTERVAL_MS": "200"}

    settings = resolve_settings({"service_name": "argument", "max_items": None}, environ=environ, folder=folder)

    assert (settings.service_name, settings.origins["service_name"]) == ("argument", "argument")
    assert (settings.write_interval_ms, settings.origins["write_interval_ms"]) == (
        200,
        "environment variable SPANBRIDGE_WRITE_INTERVAL_MS",
    )
    assert (settings.max_items, settings.origins["max_items"]) == (7, str(folder / "spanbridge.toml"))
    assert (settings.max_depth, settings.origins["max_depth"]) == (64, "default")


def test_blank_variables_are_absent(folder):
    """A blank variable neither sets a value nor hides the next source."""
    (folder / "spanbridge.toml").write_text("max_items = 7\n")
    environ = {
        "SPANBRIDGE_MAX_ITEMS": "  ",
        "SPANBRIDGE_SERVICE_NAME": "",
        "DD_SERVICE": "dd",
        "SPANBRIDGE_UNKNOWN": "",
    }

    settings = resolve_settings({}, environ=environ, folder=folder)

    assert settings.max_items == 7
    assert (settings.service_name, settings.origins["service_name"]) == ("dd", "environment variable DD_SERVICE")


@pytest.mark.parametrize(
    ("variable", "word", "name", "value"),
    [
        ("SPANBRIDGE_STORE", "sqlite:///t.db", "store", "sqlite:///t.db"),
        ("SPANBRIDGE_STORE", "off", "store", False),
        ("SPANBRIDGE_STORE", "FALSE", "store", False),
        ("SPANBRIDGE_EXPORTERS", "otlp, console", "exporters", ["otlp", "console"]),
        ("SPANBRIDGE_EXPORTERS", "off", "exporters", []),
        ("SPANBRIDGE_BRIDGE", "datadog", "bridge", "datadog"),
        ("SPANBRIDGE_BRIDGE", "none", "bridge", None),
        ("SPANBRIDGE_SENSITIVE_DATA", "false", "sensitive_data", False),
        ("SPANBRIDGE_SAMPLING", "0.25", "sampling", 0.25),
        ("SPANBRIDGE_SAMPLING", "never", "sampling", 0.0),
        ("SPANBRIDGE_SAMPLING", "Always", "sampling", 1.0),
        ("SPANBRIDGE_REQUEST_CONTEXT_KEYS", "tenant_id,user.plan", "request_context_keys", ["tenant_id", "user.plan"]),
        ("SPANBRIDGE_DISABLED", "1", "disabled", True),
        ("SPANBRIDGE_STRICT_ATTRIBUTES", "on", "strict_attributes", True),
        ("SPANBRIDGE_EXIT_TIMEOUT_S", "0.5", "exit_timeout_s", 0.5),
        ("OTEL_SERVICE_NAME", "otel", "service_name", "otel"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=my%20bot", "service_name", "my bot"),
        ("DD_ENV", "production", "environment", "production"),
    ],
)
def test_variables(folder, variable, word, name, value):
    """Each kind of setting is read from its variable's text."""
    settings = resolve_settings({}, environ={variable: word}, folder=folder)

    assert getattr(settings, name) == value


class Anything:
    """Has whatever a plugin must have."""

    write = export = activate = process = should_sample = lambda *_: None


@pytest.mark.parametrize(
    ("name", "value", "resolved"),
    [
        ("store", False, False),
        ("store", "postgres://h/db", "postgres://h/db"),
        ("bridge", False, None),
        ("sampling", 1, 1.0),
        ("sampling", print, print),
        ("processors", (print,), [print]),
        ("sensitive_data", print, print),
        ("prices", {"m": {"input": 1}}, {"m": {"input": 1}}),
        ("exit_timeout_s", 0, 0.0),
        ("service_name", " bot ", "bot"),
    ],
)
def test_arguments(folder, name, value, resolved):
    """What code may pass is taken as it is, in its plain form."""
    assert getattr(resolve_settings({name: value}, environ={}, folder=folder), name) == resolved


@pytest.mark.parametrize(
    ("word", "root"), [("parent_based", "AlwaysSampling()"), ("Parent_Based:0.25", "RatioSampling(0.25)")]
)
def test_parent_based_sampling_by_name(folder, word, root):
    """In a variable, a file or code alike, a word stands for the sampler that follows the parent."""
    from_variable = resolve_settings({}, environ={"SPANBRIDGE_SAMPLING": word}, folder=folder)
    from_code = resolve_settings({"sampling": word}, environ={}, folder=folder)
    (folder / "spanbridge.toml").write_text(f'sampling = "{word}"')
    from_file = resolve_settings({}, environ={}, folder=folder)

    assert {repr(settings.sampling) for settings in (from_variable, from_code, from_file)} == {
        f"ParentBasedSampling({root})"
    }


@pytest.mark.parametrize("name", ["store", "bridge", "sampling", "sensitive_data"])
def test_objects_as_arguments(folder, name):
    """Where a plugin may be an instance, the instance is passed on."""
    plugin = Anything()

    assert getattr(resolve_settings({name: plugin}, environ={}, folder=folder), name) is plugin


@pytest.mark.parametrize("name", ["exporters", "processors"])
def test_lists_of_objects(folder, name):
    """Lists of plugins keep the instances and their order."""
    plugins = [Anything(), Anything()]

    assert getattr(resolve_settings({name: plugins}, environ={}, folder=folder), name) == plugins


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service_name", ""),
        ("service_name", 5),
        ("environment", "  "),
        ("store", True),
        ("store", "traces.db"),
        ("store", object()),
        ("store", Path("traces.db")),
        ("store_max_bytes", 1),
        ("exporters", "otlp"),
        ("exporters", [print]),
        ("exporters", [Anything]),
        ("exporters", [""]),
        ("bridge", True),
        ("bridge", 5),
        ("processors", print),
        ("processors", [Anything(), 3]),
        ("processors", [Anything]),
        ("sensitive_data", "yes"),
        ("sensitive_data", 1),
        ("sampling", 1.01),
        ("sampling", -0.1),
        ("sampling", True),
        ("sampling", float("nan")),
        ("sampling", "sometimes"),
        ("sampling", "parent_based:2"),
        ("sampling", "parent_based:"),
        ("sampling", "always:1"),
        ("sampling", TailSampling()),
        ("request_context_keys", "tenant_id"),
        ("request_context_keys", ["a", 1]),
        ("prices", []),
        ("prices", {1: 2}),
        ("strict_attributes", 1),
        ("disabled", "true"),
        ("write_interval_ms", 9),
        ("write_interval_ms", 5001),
        ("write_interval_ms", 50.0),
        ("write_interval_ms", True),
        ("exit_timeout_s", -1),
        ("exit_timeout_s", float("inf")),
        ("max_depth", 0),
        ("max_depth", 65),
    ],
)
def test_wrong_arguments(folder, name, value):
    """A wrong value is an error that names the setting, its source, what is expected and the way out."""
    message = error_of({name: value}, folder=folder)

    assert message.startswith(f"The setting {name} cannot be ")
    assert "(argument)" in message
    assert f"expected {SETTINGS[name].kind.expected}." in message
    assert f"remove it for the default ({SETTINGS[name].default_text})" in message


@pytest.mark.parametrize(
    ("variable", "word"),
    [
        ("SPANBRIDGE_MAX_ITEMS", "many"),
        ("SPANBRIDGE_MAX_ITEMS", "1.5"),
        ("SPANBRIDGE_DISABLED", "maybe"),
        ("SPANBRIDGE_SAMPLING", "2"),
        ("SPANBRIDGE_SAMPLING", "nan"),
        ("SPANBRIDGE_STORE", "traces.db"),
        ("SPANBRIDGE_STORE", "true"),
        ("SPANBRIDGE_PROCESSORS", "app:drop"),
        ("SPANBRIDGE_PRICES", "/does/not/exist.json"),
    ],
)
def test_wrong_variables(folder, variable, word):
    """A variable that cannot be read is an error that names the variable and its value."""
    message = error_of(environ={variable: word}, folder=folder)

    assert f"cannot be {word!r} (environment variable {variable}): expected " in message


@pytest.mark.parametrize(
    "line",
    [
        'max_items = "7"',
        "disabled = 1",
        'processors = ["app:drop"]',
        "exporters = 'otlp'",
        "store = true",
        "bridge = 1",
    ],
)
def test_wrong_values_in_a_file(folder, line):
    """A wrong value in a file is an error that names the file."""
    (folder / "spanbridge.toml").write_text(line)

    assert f"({folder / 'spanbridge.toml'}): expected " in error_of(folder=folder)


def test_values_in_a_file(folder):
    """A file may hold every setting that is not a Python object."""
    (folder / "pyproject.toml").write_text(
        """
        [tool.spanbridge]
        store = false
        exporters = ["otlp"]
        bridge = "off"
        sampling = "never"
        sensitive_data = true
        exit_timeout_s = 1
        request_context_keys = ["tenant_id"]
        [tool.spanbridge.prices."my-model"]
        input = 1.5
        """
    )

    settings = resolve_settings({}, environ={}, folder=folder)

    assert settings.store is False
    assert settings.exporters == ["otlp"]
    assert settings.bridge is None
    assert settings.sampling == 0.0
    assert settings.exit_timeout_s == 1.0
    assert settings.prices == {"my-model": {"input": 1.5}}
    assert settings.origins["prices"] == f"[tool.spanbridge] in {folder / 'pyproject.toml'}"


def test_code_only_settings_say_so(folder):
    """Processors are Python objects; a variable that tries to set them is told where they go."""
    message = error_of(environ={"SPANBRIDGE_PROCESSORS": "app:drop"}, folder=folder)

    assert "It holds Python objects: pass it to spanbridge.configure(...)." in message


def test_a_class_instead_of_an_instance_is_explained(folder):
    """The usual slip, a class without parentheses, is named as such."""
    assert "This is the class itself: call it, Anything(...)." in error_of({"exporters": [Anything]}, folder=folder)


def test_unknown_argument(folder):
    """An unknown argument is an error with the closest known one."""
    message = error_of({"expoters": ["otlp"]}, folder=folder)

    assert message == (
        "Unknown setting expoters = ['otlp'] (argument of spanbridge.configure(...)). Did you mean exporters?"
    )


def test_unknown_argument_of_configure():
    """The public function refuses it as the settings do, and shows its own arguments to those who ask."""
    with pytest.raises(ConfigurationError, match=r"Unknown setting servce_name = 'x' .*Did you mean service_name\?"):
        sb.configure(servce_name="x")

    assert list(inspect.signature(sb.configure).parameters) == [*SETTINGS]


def test_unknown_key_in_a_file(folder):
    """An unknown key of a file is an error that names the file."""
    (folder / "spanbridge.toml").write_text("max_item = 7\n")

    message = error_of(folder=folder)

    assert message == (f"Unknown setting max_item = 7 ({folder / 'spanbridge.toml'}). Did you mean max_items?")


def test_unknown_variable(folder):
    """An unknown SPANBRIDGE_ variable is an error; without a close match it lists the known ones."""
    assert "Did you mean SPANBRIDGE_MAX_ITEMS?" in error_of(environ={"SPANBRIDGE_MAX_ITEM": "7"}, folder=folder)
    message = error_of(environ={"SPANBRIDGE_ZZZ": "7"}, folder=folder)
    assert message.startswith(
        "Unknown setting SPANBRIDGE_ZZZ = '7' (environment variable). Remove it; the settings are "
    )
    assert "SPANBRIDGE_STORE" in message
    resolve_settings({}, environ={"SPAN_BRIDGE_X": "7"}, folder=folder)


def test_prices_from_a_variable(folder):
    """The variable for prices names a JSON or TOML file."""
    as_json, as_toml, broken = folder / "p.json", folder / "p.toml", folder / "broken.json"
    as_json.write_text(json.dumps({"m": {"input": 1}}))
    as_toml.write_text("[m]\ninput = 1\n")
    broken.write_text("{")

    for file in (as_json, as_toml):
        settings = resolve_settings({}, environ={"SPANBRIDGE_PRICES": str(file)}, folder=folder)
        assert settings.prices == {"m": {"input": 1}}
    assert "The file is not valid JSON" in error_of(environ={"SPANBRIDGE_PRICES": str(broken)}, folder=folder)


SECRET = "s3cr3t-canary"


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        ({"max_items": f"postgres://user:{SECRET}@host/db"}, {}),
        ({"max_items": f"postgres://user:p/{SECRET}@host/db"}, {}),
        ({"max_items": f"https://host/?key={SECRET}"}, {}),
        ({"max_items": f"host=h password={SECRET}"}, {}),
        ({"max_items": [f"//u:{SECRET}@h"]}, {}),
        ({"api_key": SECRET}, {}),
        ({}, {"SPANBRIDGE_API_KEY": SECRET}),
        ({}, {"SPANBRIDGE_STORE": f"postgres//u:{SECRET}@h"}),
        ({"exporters": [{"headers": SECRET}]}, {}),
    ],
)
def test_errors_hide_secrets(folder, arguments, environ):
    """An error's text holds no password: not that of an address, nor one assigned, nor a value whose name says secret."""
    assert SECRET not in error_of(arguments, environ, folder)


def test_settings_show_no_secrets(folder):
    """`repr` and the rows for people mask what an address hides; the setting itself keeps it."""
    address = f"postgres://user:{SECRET}@host/db?sslpassword={SECRET}"

    settings = resolve_settings({"store": address}, environ={}, folder=folder)

    assert settings.store == address
    assert SECRET not in repr(settings)
    rows = {row.name: row for row in settings_rows(settings)}
    assert (rows["store"].value, rows["store"].origin) == ("'postgres://***@host/db?***'", "argument")
    assert rows["bridge"].value == "none"
    assert list(rows) == list(SETTINGS)


def test_the_table_documents_every_setting():
    """Each setting has a row with its own variable, its default and its help."""
    lines = settings_markdown().splitlines()

    assert len(lines) == 2 + len(SETTINGS)
    for setting, line in zip(SETTINGS.values(), lines[2:], strict=True):
        own_variable = f"`SPANBRIDGE_{setting.name.upper()}`"
        assert line.startswith(f"| `{setting.name}` | ")
        assert own_variable in line or "only in code" in line
        assert line.count(" | ") == 4
        assert setting.help.endswith(".")


ANY_VALUE = st.one_of(st.text(), st.integers(), st.just(10**5000), st.floats(), st.booleans(), st.lists(st.text()))


@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)), ANY_VALUE))
def test_any_argument_is_taken_or_refused(arguments):
    """Whatever is passed, the result is settings or a ConfigurationError, never another error."""
    try:
        settings = resolve_settings(arguments, environ={}, folder=Path(os.sep))
    except ConfigurationError:
        return
    assert set(settings.origins) == set(SETTINGS)


@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)), st.text()))
def test_any_variable_is_taken_or_refused(words):
    """Whatever a variable holds, the result is settings or a ConfigurationError, never another error."""
    environ = {f"SPANBRIDGE_{name.upper()}": word for name, word in words.items()}
    try:
        settings = resolve_settings({}, environ=environ, folder=Path(os.sep))
    except ConfigurationError:
        return
    assert set(settings.origins) == set(SETTINGS)
