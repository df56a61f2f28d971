"""The exporter that writes to a store."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

import spanbridge as sb
from spanbridge.errors import ConfigurationError
from spanbridge.exporters.storage_exporter import StorageExporter
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType
from spanbridge.protocols import Delivered, Retry
from spanbridge.storage import connections, location
from spanbridge.storage.sqlite import SQLiteStore

if TYPE_CHECKING:
    from pathlib import Path

START = 1_763_000_000_000_000_000


def record(trace_id: str = "a" * 32) -> SpanRecord:
    result = SpanRecord(
        trace_id=trace_id,
        span_id="b" * 16,
        type=SpanType.GENERIC,
        started_at=START,
        ended_at=START + 1,
        content={"name": "work"},
    )
    result.encode_document()
    return result


def test_a_batch_is_in_the_store_when_export_returns(tmp_path: Path) -> None:
    """The file appears with the first batch, not before; shutdown lets go of it."""
    path = tmp_path / "traces.db"
    exporter = StorageExporter(f"sqlite:///{path}")
    existed = path.exists()

    assert not existed
    assert exporter.export([record()]) == Delivered()
    with SQLiteStore(path) as reader:
        assert reader.list_traces()[0].name == "work"
    exporter.flush(0.0)
    exporter.shutdown(0.0)
    assert {item.name for item in tmp_path.iterdir()} == {"traces.db"}


def test_an_open_store_is_used_as_it_is(tmp_path: Path) -> None:
    """A store object keeps its own settings."""
    store = SQLiteStore(tmp_path / "traces.db", create=True, max_bytes=10_000_000)
    exporter = StorageExporter(store)

    exporter.export([record()])
    assert exporter.store is store
    assert exporter.address == store.address
    exporter.shutdown(0.0)


def test_without_an_address_the_default_file_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The floor needs no configuration."""
    monkeypatch.setattr(location, "default_path", lambda: tmp_path / "state" / "traces.db")
    exporter = StorageExporter()

    exporter.export([record()])
    exporter.shutdown(0.0)
    assert (tmp_path / "state" / "traces.db").exists()


def test_a_wrong_address_is_refused_at_once() -> None:
    """Not at the first batch, when nobody looks."""
    with pytest.raises(ConfigurationError, match=r"traces\.db"):
        StorageExporter("traces.db")


def test_a_locked_store_asks_for_another_try(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reason is the word that the runner counts under; the next try succeeds."""
    monkeypatch.setattr(connections, "BUSY_TIMEOUT_S", 0.01)
    exporter = StorageExporter(f"sqlite:///{tmp_path}/traces.db")
    exporter.export([record()])
    holder = sqlite3.connect(tmp_path / "traces.db", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        locked = exporter.export([record("c" * 32)])
    finally:
        holder.close()

    assert locked == Retry(reason="store_locked")
    assert exporter.export([record("c" * 32)]) == Delivered()
    assert len(exporter.store.list_traces()) == 2
    exporter.shutdown(0.0)


def test_a_store_that_cannot_be_opened_asks_for_another_try(tmp_path: Path) -> None:
    """A folder in the way today may be gone tomorrow."""
    path = tmp_path / "traces.db"
    path.mkdir()
    exporter = StorageExporter(f"sqlite:///{path}")
    blocked = exporter.export([record()])
    path.rmdir()

    assert blocked == Retry(reason="store_error")
    assert exporter.export([record()]) == Delivered()
    exporter.shutdown(0.0)


@pytest.mark.parametrize("kind", ["folder", "link", "hard link"])
def test_an_unsafe_place_is_an_error_of_the_configuration(tmp_path: Path, kind: str) -> None:
    """Nothing could be stored there: that is told at once, with the setting, its value, and the way out."""
    path = tmp_path / "traces.db"
    if kind == "folder":
        tmp_path.chmod(0o777)
    elif kind == "link":
        path.symlink_to(tmp_path / "other.db")
    else:
        (tmp_path / "other.db").touch()
        path.hardlink_to(tmp_path / "other.db")
    address = f"sqlite:///{path}"

    with pytest.raises(ConfigurationError, match=rf"the store '{address}' is not safe: .*; name .*file"):
        StorageExporter(address)
    with pytest.raises(ConfigurationError, match=rf"^The setting store = '{address}' \(argument\): .* is not safe"):
        sb.Observability(store=address)
    assert kind != "folder" or not path.exists()


def test_the_default_store_stops_no_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who named no store is not stopped by the place of the default one; spans that cannot be stored are counted."""
    (tmp_path / "spanbridge").mkdir()
    (tmp_path / "spanbridge").chmod(0o777)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert StorageExporter().export([record()]) == Retry(reason="store_not_private")
