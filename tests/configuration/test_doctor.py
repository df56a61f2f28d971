import json
import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

import spanbridge as sb
from spanbridge.cli.application import application
from spanbridge.configuration import canary
from spanbridge.configuration.canary import PLACES
from spanbridge.configuration.doctor import PARTS, examine
from spanbridge.storage.files import create_private_folder
from spanbridge.storage.location import default_path


def by_part(checks):
    """The checks by their part; fails where two have the same."""
    parts = {check.part: check for check in checks}
    assert len(parts) == len(checks)
    return parts


@pytest.fixture
def short_deadlines(monkeypatch):
    """For exits that never take the canary."""
    monkeypatch.setattr(canary, "DELIVERY_TIMEOUT_S", 0.1)
    monkeypatch.setattr(canary, "SHUTDOWN_TIMEOUT_S", 0.1)


class Exit:
    """An exporter that answers what it is told to, and keeps what it was given."""

    def __init__(self, answer=None, name="exit"):
        self.answer = answer
        self.name = name
        self.records = []
        self.is_shut_down = False

    def export(self, batch):
        self.records.extend(batch)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def flush(self, deadline):
        pass

    def shutdown(self, deadline):
        self.is_shut_down = True


def test_nothing_is_configured(monkeypatch):
    """It says that spanbridge is off until `configure` is called, and that the defaults work."""
    monkeypatch.delenv("SPANBRIDGE_EXIT_TIMEOUT_S")
    parts = by_part(examine())

    assert parts["configuration"].state == "off"
    assert "spanbridge is off until spanbridge.configure(...) is called" in parts["configuration"].fix
    assert not [part for part, check in parts.items() if check.state == "problem"]
    assert parts["store"].why.startswith(f"{default_path()} (default) will be created with the first span")
    assert parts["canary in the store"].state == "on"
    assert "redacted" in parts["canary in the store"].why


def test_every_part_is_examined():
    """Each function of the table says something about a configuration in which one thing is set."""
    settings = sb.Observability(disabled=True).settings
    silent = [part.__name__ for part in PARTS if not list(part(settings))]

    assert silent == []


def test_settings_are_shown_with_their_origin(tmp_path, monkeypatch):
    """Each setting that is not the default says who set it."""
    (tmp_path / "spanbridge.toml").write_text('service_name = "bot"\nsampling = 0.5\n')
    monkeypatch.setenv("DD_ENV", "staging")
    parts = by_part(examine())

    assert parts["configuration"].state == "on"
    assert "takes effect when the application calls spanbridge.configure(...)" in parts["configuration"].why
    assert parts["setting sampling"].why == f"0.5 ({tmp_path / 'spanbridge.toml'})"
    assert parts["service name"].why == f"'bot' ({tmp_path / 'spanbridge.toml'})"
    assert parts["environment"].why == "'staging' (environment variable DD_ENV)"
    assert parts["sampling"].why == f"0.5 ({tmp_path / 'spanbridge.toml'})"
    assert parts["canary in the store"].state == "on"


def test_a_wrong_configuration():
    """The error is the report: what cannot be resolved cannot be examined."""
    first, *rest = examine(environ={"SPANBRIDGE_SAMPLING": "many"})

    assert (first.part, first.state) == ("configuration", "problem")
    assert "The setting sampling cannot be 'many' (environment variable SPANBRIDGE_SAMPLING)" in first.why
    assert {check.part for check in rest} >= {"python", "orjson"}


def test_the_kill_switch():
    """Where all tracing is off, that is said, and no canary is sent."""
    exporter = Exit()
    parts = by_part(examine({"disabled": True, "exporters": [exporter]}))

    assert parts["tracing"].state == "off"
    assert parts["tracing"].fix == "remove disabled (argument)"
    assert not [part for part in parts if part.startswith("canary")]
    assert exporter.records == []


def test_a_store_in_use(tmp_path):
    """Its path, schema and size are shown; the canary leaves no byte in it, and no file beside it."""
    address = f"sqlite:///{tmp_path}/traces.db"
    with sb.Observability(store=address) as tracing, tracing.agent_run("mine"):
        pass
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    parts = by_part(examine({"store": address}))

    assert parts["store"].state == "on"
    assert parts["store"].why.startswith(f"{tmp_path}/traces.db (argument), schema 1, ")
    assert ", writable; " in parts["store"].why
    assert parts["canary in the store"].state == "on"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".spanbridge")) == []


def test_a_store_that_is_no_store(tmp_path):
    """A database of another program is a problem."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")

    check = by_part(examine({"store": f"sqlite:///{tmp_path}/other.db"}))["store"]

    assert check.state == "problem"
    assert "is a SQLite database of another program" in check.why


def test_a_store_of_a_newer_version(tmp_path):
    """A schema that this version does not know is a problem."""
    address = f"sqlite:///{tmp_path}/traces.db"
    with sb.open_store(address, create=True) as store:
        store.write([])
    with closing(sqlite3.connect(tmp_path / "traces.db")) as connection:
        connection.execute("PRAGMA user_version = 999")

    check = by_part(examine({"store": address}))["store"]

    assert check.state == "problem"
    assert "has schema version 999, written by a newer spanbridge" in check.why


def test_a_store_that_is_no_database(tmp_path):
    """A file that SQLite does not understand is a problem."""
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be taken for one " * 20)

    check = by_part(examine({"store": f"sqlite:///{tmp_path}/notes.txt"}))["store"]

    assert check.state == "problem"
    assert "cannot be written: file is not a database" in check.why


def test_a_store_that_another_process_writes(tmp_path, monkeypatch):
    """A lock that is held too long is a problem."""
    monkeypatch.setattr("spanbridge.configuration.doctor.LOCK_TIMEOUT_S", 0.05)
    address = f"sqlite:///{tmp_path}/traces.db"
    with sb.open_store(address, create=True) as store:
        store.write([])
    with closing(sqlite3.connect(tmp_path / "traces.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        check = by_part(examine({"store": address}))["store"]

    assert check.state == "problem"
    assert "cannot be written: database is locked" in check.why


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    """The first span would fail: that is said before."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    check = by_part(examine({"store": f"sqlite:///{folder}/traces.db"}))["store"]

    assert check.state == "problem"
    assert f"{folder} cannot be written" in check.why


@pytest.mark.skipif(os.name != "posix", reason="rights of others exist on POSIX only")
def test_a_folder_that_others_may_write(tmp_path):
    """A store is refused there when the first span comes: that is said before."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    check = by_part(examine({"store": f"sqlite:///{folder}/traces.db"}))["store"]

    assert check.state == "problem"
    assert f"the folder {folder} is writable by other users; name a file in a folder of its own" in check.why


def test_a_missing_folder_is_not_created():
    """Examining creates nothing: the store makes its folder when it is needed."""
    examine()

    assert not default_path().parent.exists()
    create_private_folder(default_path().parent)
    assert by_part(examine())["canary in the store"].state == "on"


def test_a_store_whose_plugin_is_missing():
    """Its address is shown without its password, and the stores that there are."""
    checks = examine({"store": "clickhouse://user:hunter2@host/traces"})
    parts = by_part(checks)

    assert parts["store"].state == "problem"
    assert parts["store"].why == "There is no store 'clickhouse'. Installed: sqlite."
    assert "hunter2" not in repr(checks)


def test_the_store_is_off():
    """Without a store the exporters get the canary."""
    exporter = Exit()
    parts = by_part(examine({"store": False, "exporters": [exporter]}))

    assert parts["store"].state == "off"
    assert parts["canary at exit"].state == "on"
    assert "canary in the store" not in parts


def test_where_media_are_kept(tmp_path):
    """The folder beside the store: to be made, in use, in the way; or why there is none."""

    def media(**settings):
        return by_part(examine({"store": f"sqlite:///{tmp_path}/traces.db", **settings}))["media"]

    folder = tmp_path / "traces.db-media"
    assert (media().state, str(folder) in media().why) == ("on", True)
    with sb.Observability(store=f"sqlite:///{tmp_path}/traces.db") as observability, observability.generic("a") as span:
        span.set(output=b"\x89PNG\r\n\x1a\n" + bytes(992))
    assert media(store_media_max_bytes=2**20).why == f"{folder}, 1,000 of at most 1,048,576 bytes"
    assert media(media=False).state == media(store=False).state == "off"
    shutil.rmtree(folder)
    folder.write_text("in the way")
    assert (media().state, "SPANBRIDGE_MEDIA=false" in media().fix) == ("problem", True)


def test_the_filter_is_off():
    """A secret that arrives unredacted is a problem at each exit; the report does not repeat it."""
    exporter = Exit()
    checks = examine({"sensitive_data": False, "exporters": [exporter]})
    parts = by_part(checks)
    (record,) = exporter.records
    secret = record.input["api_key"]

    assert parts["sensitive-data filter"].state == "off"
    assert parts["canary in the store"].state == "problem"
    assert parts["canary in the store"].why == (
        f"the secret arrived unredacted, in the bytes of canary.db ({', '.join(PLACES)})"
    )
    assert parts["canary at exit"].why == (f"the secret went out unredacted in {', '.join(PLACES)}; redacted in none")
    assert secret.startswith("sk-proj-")
    assert secret not in repr(checks)


def forget(record, *kept):
    """Takes all content of a record but that of `kept`."""
    empty = {"name": "x", "attributes": {}, "metadata": {}, "tags": [], "links": [], "events": []}
    others = dict.fromkeys(["input", "output", "error", "session_id", "entity_id", "entity_name"])
    for field, value in {**empty, **others}.items():
        if field not in kept:
            setattr(record, field, value)
    return record


@pytest.mark.parametrize(
    ("field", "places"),
    [
        ("name", ["name"]),
        ("input", ["input", "text", "mapping keys"]),
        ("output", ["output"]),
        ("attributes", ["attributes"]),
        ("metadata", ["metadata"]),
        ("tags", ["tags"]),
        ("session_id", ["correlation fields"]),
        ("entity_id", ["entity fields"]),
        ("entity_name", ["entity fields"]),
        ("links", ["links"]),
        ("events", ["events"]),
        ("error", ["error", "error causes"]),
    ],
)
def test_each_place_is_reported(field, places):
    """A filter that overlooks one field: the report names the places that leak, and those that do not."""
    exporter = Exit()
    parts = by_part(examine({"sensitive_data": lambda record: forget(record, field), "exporters": [exporter]}))
    redacted = [place for place in PLACES if place not in places]

    assert parts["canary at exit"].why == (
        f"the secret went out unredacted in {', '.join(places)}; redacted in {', '.join(redacted)}"
    )
    assert f"canary.db ({', '.join(places)})" in parts["canary in the store"].why


def test_a_suppressed_caller():
    """The canary is recorded wherever the doctor is called."""
    with sb.suppress():
        parts = by_part(examine())

    assert parts["canary in the store"].state == "on"


def test_a_filter_of_your_own():
    """The engine is told of a SensitiveDataFilter that was passed, the class of anything else."""
    mine = by_part(examine({"sensitive_data": sb.SensitiveDataFilter(extra_patterns={"ticket": "TICKET-[0-9]+"})}))
    other = by_part(examine({"sensitive_data": forget}))

    assert mine["sensitive-data filter"].why == "(argument), engines re2 and hyperscan"
    assert other["sensitive-data filter"].why == "the function forget (argument)"


def test_the_filter_names_its_engine(monkeypatch):
    """With what is missing it works all the same, and says what would be faster."""
    fast = by_part(examine())["sensitive-data filter"]
    monkeypatch.setitem(__import__("sys").modules, "hyperscan", None)
    slower = by_part(examine())["sensitive-data filter"]
    monkeypatch.setitem(__import__("sys").modules, "re2", None)
    slow = by_part(examine())["sensitive-data filter"]

    assert fast.why == "(default), engines re2 and hyperscan"
    assert (slower.why, slower.fix) == (
        "(default), engine re2: the same verdicts, slower with new text",
        "install hyperscan, where it has a wheel for this platform",
    )
    assert (slow.state, slow.why) == ("on", "(default), engine re: the same verdicts, slower")


def test_each_exporter_reports_its_delivery():
    """What went out was redacted, and each exporter is shut down afterwards."""
    exits = [Exit(name="first"), Exit(sb.Delivered(), name="second")]
    parts = by_part(examine({"exporters": exits}))

    assert parts["canary at first"].state == parts["canary at second"].state == "on"
    assert parts["canary at first"].why.startswith(f"delivered, redacted in {', '.join(PLACES)}: ")
    assert [len(exporter.records) for exporter in exits] == [1, 1]
    assert all(exporter.is_shut_down for exporter in exits)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (sb.Rejected("bad_request"), "it was rejected: bad_request"),
        (sb.Retry(reason="connection_refused"), "it was tried again until the time was over: connection_refused"),
        (OSError("no route to host"), "it raised OSError: no route to host"),
        ("fine", "it returned what is no result: str"),
    ],
    ids=["rejected", "retry", "raised", "nonsense"],
)
def test_an_exporter_that_does_not_deliver(short_deadlines, contained_errors, answer, why):
    """Why the canary did not arrive; the other exits are not affected."""
    parts = by_part(examine({"exporters": [Exit(answer, name="broken"), Exit(name="whole")]}))
    contained_errors.clear()

    assert (parts["canary at broken"].state, parts["canary at broken"].why) == ("problem", why)
    assert parts["canary at whole"].state == "on"
    assert parts["canary in the store"].state == "on"


def test_an_exporter_that_quotes_the_secret(short_deadlines, contained_errors):
    """An error that repeats what was sent does not bring it into the report."""

    class Quoting(Exit):
        def export(self, batch):
            self.records.extend(batch)
            raise OSError(f"refused: {batch[0].input['api_key']}")

    exporter = Quoting()
    checks = examine({"exporters": [exporter], "sensitive_data": False})
    contained_errors.clear()

    assert exporter.records[0].input["api_key"] not in repr(checks)


def test_an_exporter_by_name_is_built(tmp_path):
    """Named exporters are made, and get the canary too."""
    parts = by_part(examine({"exporters": ["memory", "console"]}))

    assert parts["exporter memory"].state == "on"
    assert parts["canary at memory"].state == "on"
    assert parts["canary at console"].state == "on"


def test_an_exporter_that_is_not_installed():
    """Its name, and the extra that brings it."""
    parts = by_part(examine({"exporters": ["otlp-of-tomorrow"]}))

    assert parts["exporter otlp-of-tomorrow"].state == "problem"
    assert "There is no exporter 'otlp-of-tomorrow'" in parts["exporter otlp-of-tomorrow"].why
    assert parts["canary"].state == "problem"


def test_a_processor_that_drops_the_canary():
    """Then nothing could be checked, which is said."""

    def drop_all(record):
        return None

    parts = by_part(examine({"processors": [drop_all]}))

    assert parts["processor drop_all"].state == "on"
    assert (parts["canary"].state, parts["canary"].why) == (
        "off",
        "dropped on its way (processor): nothing could be checked",
    )


def test_a_processor_that_fails(contained_errors):
    """The content was withheld: that is a problem with a name."""

    def broken(record):
        raise ValueError

    parts = by_part(examine({"processors": [broken]}))
    contained_errors.clear()

    assert parts["canary in the store"].state == "problem"
    assert parts["canary in the store"].why == "a processor failed, and the content was withheld: broken (ValueError)"


def test_sampling_does_not_drop_the_canary():
    """A configuration that records nothing is examined all the same."""
    parts = by_part(examine({"sampling": 0}))

    assert parts["sampling"].fix == "set sampling above 0 to record"
    assert parts["canary in the store"].state == "on"


def test_a_bridge_that_is_not_installed():
    """Its name, and what to do."""
    parts = by_part(examine({"bridge": "bridge-of-tomorrow"}))

    assert parts["bridge"].state == "problem"
    assert "There is no bridge 'bridge-of-tomorrow'" in parts["bridge"].why
    assert parts["canary"].why.startswith("spanbridge.configure(...) refuses it: The setting bridge = ")


def test_the_command_fails_when_something_is_wrong(monkeypatch):
    """Exit code 1, also where the report is JSON; what is well gives 0."""
    well = CliRunner().invoke(application, ["doctor", "--json"])
    monkeypatch.setenv("SPANBRIDGE_SENSITIVE_DATA", "off")
    wrong = CliRunner().invoke(application, ["doctor", "--json"])
    text = CliRunner().invoke(application, ["doctor"])

    assert (well.exit_code, json.loads(well.stdout)["healthy"]) == (0, True)
    assert (wrong.exit_code, json.loads(wrong.stdout)["healthy"]) == (1, False)
    assert text.exit_code == 1
    assert "canary in the store" in text.stdout
    assert "sk-proj-" not in text.stdout + wrong.stdout


def test_console_output_stays_out_of_the_report(monkeypatch):
    """An exporter that prints does not spoil the JSON document."""
    monkeypatch.setenv("SPANBRIDGE_EXPORTERS", "console")
    result = CliRunner().invoke(application, ["doctor", "--json"])
    parts = {check["part"]: check for check in json.loads(result.stdout)["checks"]}

    assert result.exit_code == 0
    assert parts["canary at console"]["state"] == "on"
