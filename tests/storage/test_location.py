"""Addresses of stores."""

from __future__ import annotations

import stat
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from spanbridge.errors import ConfigurationError, StoreError
from spanbridge.storage import location
from spanbridge.storage.location import open_store, sqlite_path

from .contract import span, trace_ids


def test_three_slashes_are_relative_four_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative address keeps its meaning when the working directory changes later."""
    monkeypatch.chdir(tmp_path)
    with open_store("sqlite:///traces.db", create=True) as store:
        monkeypatch.chdir("/")
        store.write([span()])

    assert (tmp_path / "traces.db").exists()
    assert sqlite_path("sqlite:////var/x.db") == Path("/var/x.db")
    with open_store(f"sqlite:///{tmp_path}/traces.db") as store:
        assert len(store.list_traces()) == 1


@pytest.mark.parametrize(
    "address", ["traces.db", "/var/x.db", "sqlite:traces.db", "sqlite://traces.db", "sqlite:/x.db", "", "://"]
)
def test_what_is_no_address_is_named_with_the_fix(address: str) -> None:
    """The error shows the value and how to write it."""
    with pytest.raises(ConfigurationError, match=r"sqlite:///traces\.db") as caught:
        open_store(address, create=True)
    assert repr(address) in str(caught.value)


@pytest.mark.parametrize("address", ["sqlite:///", "sqlite:////", "sqlite:///:memory:", "sqlite:///a\0b"])
def test_an_address_without_a_file_is_refused(address: str) -> None:
    """A store in memory would be lost without a word."""
    with pytest.raises(ConfigurationError, match="names no file"):
        open_store(address, create=True)


def test_an_unknown_scheme_lists_the_known_ones_and_hides_the_rest() -> None:
    """The address may hold a password: only its scheme is shown."""
    with pytest.raises(ConfigurationError, match=r"'nosuch'.*installed are: .*sqlite") as caught:
        open_store("nosuch://user:hunter2@host/db")
    assert "hunter2" not in str(caught.value)


class PluginStore:
    def __init__(self, address: str, *, create: bool) -> None:
        self.opened = (address, create)


def test_a_plugin_opens_its_own_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other stores come in through the entry points `spanbridge.stores`."""
    plugin = EntryPoint("other", f"{__name__}:PluginStore", location.ENTRY_POINT_GROUP)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda *, group: [plugin] if group == plugin.group else [])

    assert open_store("other://host/db", create=True).opened == ("other://host/db", True)


def test_the_default_is_a_private_file_in_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without an address, and without anything set up, the file lies in a folder that only its user can enter."""
    monkeypatch.setattr(location, "default_path", lambda: tmp_path / "state" / "spanbridge" / "traces.db")
    with pytest.raises(StoreError, match="no store at"):
        open_store()
    with open_store(create=True) as store:
        store.write([span()])
        store.close()

        assert trace_ids(store.list_traces()) == [span().trace_id]
    assert stat.S_IMODE((tmp_path / "state" / "spanbridge").stat().st_mode) == 0o700


def test_the_default_path_is_the_users_own() -> None:
    """It names spanbridge and is absolute."""
    path: Any = location.default_path()

    assert path.is_absolute()
    assert path.parts[-2:] == ("spanbridge", "traces.db")


@pytest.mark.parametrize("address", [Path("traces.db"), b"sqlite:///traces.db", 5, ["sqlite:///traces.db"]])
def test_what_is_no_text_is_no_address(address: Any) -> None:
    """The error says how to write a path."""
    with pytest.raises(
        ConfigurationError, match=r"store=.* is not an address: write text such as sqlite:///traces\.db"
    ):
        open_store(address)
