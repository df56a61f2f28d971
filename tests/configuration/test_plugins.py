import sys
from pathlib import Path

import pytest

import spanbridge as sb
from spanbridge.configuration import plugins
from spanbridge.configuration.plugins import EXPORTER, load_bridge, load_exporter, load_store, plugin_names
from spanbridge.errors import ConfigurationError


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution with entry points and modules, for one test."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install_distribution(name: str, entry_points: str, **modules: str) -> None:
        metadata = tmp_path / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(entry_points)
        for module, source in modules.items():
            (tmp_path / f"{module}.py").write_text(source)
            monkeypatch.delitem(sys.modules, module, raising=False)

    return install_distribution


def test_loads_what_is_named_and_nothing_else(install):
    """A plugin's module is imported when its name is asked for; its neighbours are not."""
    install(
        "example",
        "[spanbridge.exporters]\nwanted = plugin_wanted:Exporter\nother = plugin_other:Exporter\n"
        "[spanbridge.bridges]\nwanted = plugin_wanted:Bridge\n[spanbridge.stores]\nwanted = plugin_wanted:Store\n",
        plugin_wanted="class Exporter: pass\nclass Bridge: pass\nclass Store: pass\n",
        plugin_other="class Exporter: pass\n",
    )

    exporter, bridge, store = load_exporter("wanted"), load_bridge("wanted"), load_store("wanted")

    assert [exporter.__name__, bridge.__name__, store.__name__] == ["Exporter", "Bridge", "Store"]
    assert "plugin_other" not in sys.modules
    assert {"wanted", "other"} <= set(plugin_names(EXPORTER))


def test_unknown_name(install):
    """An unknown name is an error with the closest name and the installed ones."""
    install("example", "[spanbridge.exporters]\nkafka = plugin_kafka:Exporter\n")

    with pytest.raises(ConfigurationError) as caught:
        load_exporter("kafak")

    assert "There is no exporter 'kafak'. Did you mean 'kafka'? Installed: " in str(caught.value)
    assert "kafka" in str(caught.value).partition("Installed: ")[2]


@pytest.mark.parametrize(
    ("load", "name", "meant"), [(load_bridge, "datadogg", "datadog"), (load_exporter, "olpt", "otlp")]
)
def test_a_misspelt_name_of_an_extra_that_is_not_installed(monkeypatch, load, name, meant):
    """It is known all the same."""
    monkeypatch.setattr(plugins, "_entry_points", lambda kind: [])
    monkeypatch.setattr(plugins, "plugin_names", lambda kind: ["another"])

    with pytest.raises(ConfigurationError, match=f"Did you mean '{meant}'"):
        load(name)


@pytest.mark.parametrize(
    ("load", "name"), [(load_exporter, "kafka"), (load_bridge, "zipkin"), (load_store, "clickhouse")]
)
def test_what_nothing_brings_is_not_advised(load, name):
    """What is not installed is not known: no name is guessed at that could not be installed."""
    with pytest.raises(ConfigurationError, match=rf"^There is no \w+ '{name}'\. Installed: [\w, ]+\.$"):
        load(name)


def test_missing_metadata(monkeypatch):
    """A copy of spanbridge without its metadata says so, instead of "unknown"."""
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [])

    with pytest.raises(ConfigurationError, match="copied rather than installed"):
        load_store("sqlite")


def test_a_plugin_that_needs_a_missing_package(install):
    """A plugin whose own dependency is absent names that package and how to get it."""
    install(
        "example", "[spanbridge.exporters]\nkafka = plugin_kafka:Exporter\n", plugin_kafka="import no_such_package_x\n"
    )

    with pytest.raises(ConfigurationError) as caught:
        load_exporter("kafka")

    assert str(caught.value) == (
        "The exporter 'kafka' needs the package 'no_such_package_x', which is not installed: install it, or remove the plugin's name."
    )
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize("source", ["raise RuntimeError('boom')", "Wrong = 1"])
def test_a_plugin_that_fails(install, source):
    """A plugin that raises on import, or lacks what it registered, is an error that names it."""
    install("example", "[spanbridge.exporters]\nbad = plugin_bad:Exporter\n", plugin_bad=source)

    with pytest.raises(ConfigurationError, match=r"The exporter 'bad' \(plugin_bad:Exporter\) cannot be loaded: "):
        load_exporter("bad")


def test_two_plugins_of_one_name(install):
    """Which of two plugins is meant is not guessed."""
    install("one", "[spanbridge.exporters]\ntwin = plugin_one:Exporter\n")
    install("two", "[spanbridge.exporters]\ntwin = plugin_two:Exporter\n")

    with pytest.raises(ConfigurationError, match="plugin_one:Exporter, plugin_two:Exporter"):
        load_exporter("twin")


def test_own_exporters_come_in_by_the_same_door(install):
    """What pyproject.toml registers for the core's exporters can be loaded."""
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    table = project.partition('[project.entry-points."spanbridge.exporters"]')[2].partition("\n[")[0]
    install("spanbridge_copy", "[spanbridge.exporters]\n" + table.replace('"', ""))

    loaded = [load_exporter(name).__name__ for name in ("console", "jsonl", "memory")]

    assert loaded == ["ConsoleExporter", "JsonLinesExporter", "InMemoryExporter"]


@pytest.mark.parametrize("from_variable", [False, True])
@pytest.mark.parametrize(
    ("setting", "value"), [("exporters", ["console", "nope"]), ("bridge", "nope"), ("store", "nope://h/x")]
)
def test_the_error_names_the_setting(monkeypatch, setting, value, from_variable):
    """Which setting, which value, and whether it came from the code or from a variable."""
    word = ",".join(value) if isinstance(value, list) else value
    if from_variable:
        monkeypatch.setenv(f"SPANBRIDGE_{setting.upper()}", word)

    with pytest.raises(ConfigurationError) as caught:
        sb.Observability(**{"store": False, setting: value} if not from_variable else {})

    origin = f"environment variable SPANBRIDGE_{setting.upper()}" if from_variable else "argument"
    assert str(caught.value).startswith(f"The setting {setting} = {value!r} ({origin}): ")
    assert "nstalled" in str(caught.value)
