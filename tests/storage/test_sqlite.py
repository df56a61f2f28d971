"""The SQLite store: the contract of all stores, and what only files have."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forking import in_child, needs_fork
from spanbridge import forks
from spanbridge.errors import StoreError
from spanbridge.exporters.storage_exporter import StorageExporter
from spanbridge.protocols import Rejected
from spanbridge.storage import connections, migrations, sqlite, sqlite_writer
from spanbridge.storage.filters import TraceQuery
from spanbridge.storage.migrations import APPLICATION_ID, SCHEMA_VERSION
from spanbridge.storage.span_rows import DAMAGED_KEY, MAX_TOKENS
from spanbridge.storage.sqlite import SQLiteStore
from spanbridge.storage.sqlite_reader import list_statement
from spanbridge.storage.trace_rows import RECENT_TERMS

from .contract import MATCHING, TRACE, StoreContract, hex_id, matching, span, trace_ids

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "traces.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    with SQLiteStore(path, create=True) as store:
        yield store


def execute(path: Path, statement: str, *parameters: Any) -> list[Any]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(statement, parameters).fetchall()
    finally:
        connection.close()


def present_as(monkeypatch: pytest.MonkeyPatch, path: Path, *, uid: int | None = None, gid: int | None = None) -> None:
    """Lets `os.stat` and `os.lstat` report another owner for `path`: a test cannot give a file away unless it runs as root."""
    for name in ("stat", "lstat"):
        real = getattr(os, name)

        def report(target: Any, *arguments: Any, _real: Any = real, **options: Any) -> os.stat_result:
            status = _real(target, *arguments, **options)
            if target != path:
                return status
            fields = list(status)
            fields[4] = status.st_uid if uid is None else uid
            fields[5] = status.st_gid if gid is None else gid
            return os.stat_result(fields)

        monkeypatch.setattr(os, name, report)


@pytest.fixture(params=["indexed", "recent"])
def store_in_each_state(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, store: SQLiteStore
) -> SQLiteStore:
    """A store whose traces enter the indexes at once, and one whose traces are all recent."""
    if request.param == "indexed":
        monkeypatch.setattr(sqlite_writer, "RECENT_TRACES", 0)
    return store


class TestContract(StoreContract):
    @pytest.fixture
    def store(self, store_in_each_state: SQLiteStore) -> SQLiteStore:
        return store_in_each_state


class TestIndexes:
    @pytest.mark.parametrize("order", ["-started_at", "duration", "-tokens", "cost"])
    @pytest.mark.parametrize("key", [*MATCHING, "started_before"])
    def test_every_filter_uses_an_index(self, path: Path, store: SQLiteStore, key: str, order: str) -> None:
        """No filter reads all traces, on the first page and on later ones."""
        store.write([span(trace_id=hex_id(number)) for number in (1, 2)])
        value = MATCHING.get(key, 1)
        cursor = store.list_traces(order=order, limit=1).next_cursor

        for position in (None, cursor):
            query = TraceQuery.from_arguments(**{key: value}, order=order, cursor=position)
            statement, parameters = list_statement(query)
            plan = [row[-1] for row in execute(path, f"EXPLAIN QUERY PLAN {statement}", *parameters)]
            scans = [step for step in plan if step.startswith("SCAN traces")]
            assert not scans, plan

    @pytest.mark.parametrize("order", ["-started_at", "duration", "-tokens", "cost"])
    def test_every_order_comes_from_an_index(self, path: Path, store: SQLiteStore, order: str) -> None:
        """An unfiltered list sorts nothing: it reads as many rows as it shows."""
        store.write([span()])

        statement, parameters = list_statement(TraceQuery.from_arguments(order=order))
        plan = [row[-1] for row in execute(path, f"EXPLAIN QUERY PLAN {statement}", *parameters)]
        indexed_arm = plan[: plan.index("SCAN (subquery-1)")]
        assert [step for step in indexed_arm if step.startswith("SCAN traces USING INDEX")], plan
        assert not [step for step in indexed_arm if "TEMP B-TREE" in step], plan

    def test_recent_traces_enter_the_indexes_together(self, path: Path, store: SQLiteStore) -> None:
        """However many are written, only a few stand outside the indexes."""
        for first in range(1, 2001, 100):
            store.write([span(trace_id=hex_id(number)) for number in range(first, first + 100)])

        ((recent,),) = execute(path, "SELECT count(*) FROM recent_traces")
        assert recent <= sqlite_writer.RECENT_TRACES
        assert len(store.list_traces(status="ok", limit=1000)) == 1000

    def test_a_trace_that_is_written_again_stands_in_one_place(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, store: SQLiteStore
    ) -> None:
        """It leaves the indexes with all that is in them, is found as it is now, and enters them again with the others."""
        monkeypatch.setattr(sqlite_writer, "RECENT_TRACES", 0)
        store.write([matching(hex_id(1)), span(trace_id=hex_id(2))])
        monkeypatch.setattr(sqlite_writer, "RECENT_TRACES", 500)
        store.write([span(2, parent=1, trace_id=hex_id(1), status="error", model="other", tokens=(1, 2))])

        places = ("traces", "recent_traces", "trace_terms")
        counts = [execute(path, f"SELECT count(*) FROM {table}")[0][0] for table in places]
        assert counts == [1, 1, 0]
        for filters in (MATCHING, {"model": "other"}, {"tags": "beta", "min_tokens": 113}):
            assert trace_ids(store.list_traces(**filters)) == [hex_id(1)]
        (moved,) = store.list_traces(status="error")
        assert (moved.span_count, moved.error_count, moved.models, moved.tags) == (
            2,
            2,
            ("gpt-5.4", "other"),
            ("beta", "vip"),
        )

        monkeypatch.setattr(sqlite_writer, "RECENT_TRACES", 0)
        store.write([span(trace_id=hex_id(3))])
        assert execute(path, "SELECT count(*) FROM recent_traces") == [(0,)]
        assert store.list_traces(status="error")[0] == moved
        assert trace_ids(store.list_traces(**MATCHING)) == [hex_id(1)]

    @pytest.mark.parametrize(("size", "most"), [(256, 26), (2048, 20)])
    def test_a_batch_takes_few_steps(self, store: SQLiteStore, size: int, most: int) -> None:
        """Each statement releases the interpreter, and a backlog waits for it: the larger batch takes fewer."""
        store.write([span(trace_id=hex_id(9))])
        statements: list[str] = []
        store._writer.connection.set_trace_callback(statements.append)
        store.write([span(n % 8 + 1, parent=n % 8 or None, trace_id=hex_id(100 + n // 8)) for n in range(size)])

        assert len(statements) <= most
        assert store.aggregate().spans == size + 1


class TestSums:
    @settings(max_examples=40)
    @given(
        st.lists(
            st.lists(
                st.builds(
                    span,
                    st.integers(1, 4),
                    trace_id=st.sampled_from([hex_id(1), hex_id(2)]),
                    parent=st.sampled_from([None, 1, 2]),
                    at=st.integers(0, 3),
                    status=st.sampled_from(["ok", "error", "running"]),
                    model=st.sampled_from([None, "a", "b"]),
                    tokens=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 3)),
                    cost=st.none() | st.sampled_from([0.25, 0.5]),
                    phase=st.sampled_from([None, None, None, "dropped"]),
                    tags=st.lists(st.sampled_from(["x", "y"]), max_size=2),
                ),
                min_size=1,
                max_size=4,
            ),
            max_size=6,
        )
    )
    def test_increments_agree_with_the_spans(
        self, tmp_path_factory: pytest.TempPathFactory, batches: list[Any]
    ) -> None:
        """After any series of writes, rewrites and drops a trace's row is what its spans add up to."""
        with SQLiteStore(tmp_path_factory.mktemp("sums") / "traces.db", create=True) as store:
            for batch in batches:
                store.write(batch)

            summaries = list(store.list_traces())
            assert len(summaries) == len(set(trace_ids(summaries)))
            for summary in summaries:
                trace = store.get_trace(summary.trace_id)
                roots = [item for item in trace.spans if item.parent_span_id is None]
                assert summary.span_count == len(trace.spans)
                assert summary.error_count == sum(item.status == "error" for item in trace.spans)
                assert (summary.input_tokens, summary.output_tokens) == trace.usage
                assert summary.cost == trace.cost
                assert summary.models == tuple(sorted({item.model for item in trace.spans} - {None}))
                assert summary.started_at == (roots or trace.spans)[0].started_at
                shown = next(item for item in trace.spans if item.span_id == summary.span_id)
                assert (shown.parent_span_id is None) == bool(roots)
                assert summary.status == (shown.status if roots else "running")
                assert list(summary.tags) == sorted(set(shown.tags))
            assert store.aggregate().spans == sum(summary.span_count for summary in summaries)
            assert len(store.tail(0).spans) == store.aggregate().spans


class TestFiles:
    def test_files_are_private_whatever_the_umask(self, tmp_path: Path) -> None:
        """The file and its log have mode 0600, a folder that had to be made 0700."""
        path = tmp_path / "new" / "deeper" / "traces.db"
        before = os.umask(0)
        try:
            with SQLiteStore(path, create=True) as store:
                store.write([span()])
                modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in (*path.parent.iterdir(), path.parent)}
        finally:
            os.umask(before)

        assert modes == {"traces.db": 0o600, "traces.db-wal": 0o600, "traces.db-shm": 0o600, "deeper": 0o700}
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700

    @pytest.mark.parametrize("target_exists", [True, False])
    def test_a_symbolic_link_is_refused(self, tmp_path: Path, path: Path, target_exists: bool) -> None:
        """A planted link never makes the store write elsewhere."""
        target = tmp_path / "target"
        if target_exists:
            target.touch()
        path.symlink_to(target)

        with pytest.raises(StoreError, match="symbolic link"):
            SQLiteStore(path, create=True).write([span()])
        assert not target_exists or target.read_bytes() == b""
        assert target.exists() == target_exists

    def test_a_hard_link_is_refused(self, tmp_path: Path, path: Path) -> None:
        """A planted second name never makes the store write into another file."""
        target = tmp_path / "target"
        target.touch()
        path.hardlink_to(target)

        with pytest.raises(StoreError, match="hard link"):
            SQLiteStore(path, create=True).write([span()])
        assert target.read_bytes() == b""

    def test_an_existing_file_is_made_private(self, path: Path, store: SQLiteStore) -> None:
        """A store that others could read is closed to them before the next writer adds to it; reading changes nothing."""
        store.write([span(1)])
        store.close()
        path.chmod(0o664)
        store.list_traces()
        before = stat.S_IMODE(path.stat().st_mode)
        store.write([span(2, parent=1)])

        assert before == 0o664
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert store.list_traces()[0].span_count == 2

    @pytest.mark.parametrize(("mode", "group_is_private"), [(0o777, True), (0o702, True), (0o770, False)])
    def test_a_folder_that_others_can_write_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, group_is_private: bool
    ) -> None:
        """The error says what to do; a folder of its own inside it is private."""
        folder = tmp_path / "shared"
        folder.mkdir()
        folder.chmod(mode)
        if not group_is_private:
            present_as(monkeypatch, folder, gid=os.geteuid() + 1)
        with pytest.raises(StoreError, match=r"shared is writable by other users; name .*shared/spanbridge/traces\.db"):
            SQLiteStore(folder / "traces.db", create=True).write([span()])
        with SQLiteStore(folder / "spanbridge" / "traces.db", create=True) as store:
            store.write([span()])

        assert [item.name for item in folder.iterdir()] == ["spanbridge"]
        assert stat.S_IMODE((folder / "spanbridge").stat().st_mode) == 0o700

    @pytest.mark.parametrize("mode", [0o1777, 0o3777, 0o1770])
    def test_a_folder_where_each_user_keeps_his_own(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int
    ) -> None:
        """As /tmp: others can write there, and can neither remove nor replace a private file."""
        folder = tmp_path / "shared"
        folder.mkdir()
        folder.chmod(mode)
        present_as(monkeypatch, folder, uid=0, gid=os.getegid() + 1)
        store = SQLiteStore(folder / "traces.db", create=True)
        store.write([span()])
        store.media.put("ab" * 32, "png", b"image")

        modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in folder.iterdir()}
        assert modes == {"traces.db": 0o600, "traces.db-wal": 0o600, "traces.db-shm": 0o600, "traces.db-media": 0o700}
        store.close()

    @pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal", "-media"])
    def test_what_others_put_beside_a_store_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, store: SQLiteStore, suffix: str
    ) -> None:
        """SQLite would read another user's log as the store's own, and write spans into it."""
        store.write([span()])
        store.close()
        planted = path.with_name(path.name + suffix)
        planted.touch()
        with monkeypatch.context() as patch:
            present_as(patch, planted, uid=os.geteuid() + 1)
            with pytest.raises(StoreError, match=rf"traces.db{suffix} belongs to user .* remove it") as of_writer:
                store.write([span(2, parent=1)])
            with pytest.raises(StoreError, match=rf"traces.db{suffix} belongs to user"), SQLiteStore(path) as reader:
                reader.list_traces()
        planted.unlink()

        assert of_writer.value.reason == "store_not_private"
        assert store.list_traces()[0].span_count == 1

    def test_another_users_folder_and_file_are_refused(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: Path, store: SQLiteStore
    ) -> None:
        """Whoever owns them could read or change what is written."""
        store.write([span()])
        store.close()
        with monkeypatch.context() as patch:
            present_as(patch, path, uid=os.geteuid() + 1)
            with pytest.raises(StoreError, match="belongs to user") as of_file:
                store.write([span(2, parent=1)])
        with monkeypatch.context() as patch:
            present_as(patch, tmp_path, uid=os.geteuid() + 1)
            with pytest.raises(StoreError, match=r"the folder .* belongs to user") as of_folder:
                store.write([span(2, parent=1)])

        assert of_file.value.reason == of_folder.value.reason == "store_not_private"
        assert store.list_traces()[0].span_count == 1

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        """A path that is no regular file is named as such."""
        with pytest.raises(StoreError, match="not a regular file"):
            SQLiteStore(tmp_path, create=True).write([span()])

    def test_a_missing_file_is_an_error_that_says_what_to_do(self, path: Path) -> None:
        """Reading never creates a file by accident."""
        with pytest.raises(StoreError, match=r"no store at .*traces\.db: run an application"):
            SQLiteStore(path)
        assert not path.exists()

    def test_a_new_store_can_be_read_before_it_is_written(self, store: SQLiteStore) -> None:
        """With `create` the first read makes an empty store."""
        assert len(store.list_traces()) == 0

    @pytest.mark.parametrize("action", ["delete", "replace"])
    def test_a_file_that_goes_away_is_made_again(self, path: Path, store: SQLiteStore, action: str) -> None:
        """What is written after the file was deleted or replaced is in the file that is there now."""
        store.write([span(1)])
        store.list_traces()
        if action == "delete":
            for name in ("traces.db", "traces.db-wal", "traces.db-shm"):
                (path.parent / name).unlink()
        else:
            other = path.with_name("other.db")
            with SQLiteStore(other, create=True) as replacement:
                replacement.write([span(1, trace_id=hex_id(3))])
            path.with_name("traces.db-wal").unlink()
            path.with_name("traces.db-shm").unlink()
            other.replace(path)
        store.write([span(1, trace_id=hex_id(2))])

        expected = {hex_id(2)} | ({hex_id(3)} if action == "replace" else set())
        assert set(trace_ids(store.list_traces())) == expected
        with SQLiteStore(path) as reader:
            assert set(trace_ids(reader.list_traces())) == expected

    def test_a_shared_file_system_gets_no_write_ahead_log(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        """WAL needs memory that all processes share; elsewhere the rollback journal is used."""
        monkeypatch.setattr(connections, "is_local", lambda path: False)
        with SQLiteStore(path, create=True) as store:
            store.write([span()])

            # The file does not say which rollback journal its writers use.
            assert execute(path, "PRAGMA journal_mode") == [("delete",)]
            assert store._writer.connection.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
            assert trace_ids(store.list_traces()) == [TRACE]

    def test_a_local_file_uses_wal_and_large_pages(self, path: Path, store: SQLiteStore) -> None:
        """The settings that make a write cheap are really on."""
        store.write([span()])

        assert execute(path, "PRAGMA page_size") == [(connections.PAGE_BYTES,)] == [(8192,)]
        assert execute(path, "PRAGMA journal_mode") in ([("wal",)], [("truncate",)])


class TestSchema:
    def test_a_newer_schema_is_refused(self, path: Path, store: SQLiteStore) -> None:
        """A file of a newer version is left alone, for reading and for writing."""
        store.write([span()])
        store.close()
        execute(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")

        for use in (lambda: store.write([span(2)]), store.list_traces):
            with pytest.raises(StoreError, match="newer spanbridge"):
                use()
        assert execute(path, "SELECT count(*) FROM spans") == [(1,)]

    @pytest.mark.parametrize("create", [True, False])
    @pytest.mark.parametrize("kind", ["rollback journal", "write-ahead log", "another id", "newer store", "text"])
    def test_a_foreign_file_is_refused_untouched(self, path: Path, kind: str, create: bool) -> None:
        """Of another program's file neither a byte nor the mode is changed, and nothing is left beside it."""
        if kind == "text":
            path.write_bytes(b"root:x:0:0:root:/root:/bin/sh\n" * 200)
        else:
            execute(path, "CREATE TABLE mine (x)")
        for statement in {
            "write-ahead log": ["PRAGMA journal_mode = wal"],
            "another id": ["PRAGMA application_id = 252006673"],
            "newer store": [f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {SCHEMA_VERSION + 1}"],
        }.get(kind, []):
            execute(path, statement)
        path.chmod(0o644)
        before = path.read_bytes()

        with SQLiteStore(path, create=create) as store:
            for use in (lambda: store.write([span()]), store.compact):
                with pytest.raises(StoreError, match=r"another program|newer spanbridge|not a database"):
                    use()

        assert path.read_bytes() == before
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert [item.name for item in path.parent.iterdir()] == [path.name]

    def test_a_file_that_is_no_database_is_refused(self, path: Path) -> None:
        """The reason tells it apart from a full disk or a lock."""
        path.write_bytes(b"not a database, and longer than a header of SQLite" * 100)

        with SQLiteStore(path) as store:
            for use in (lambda: store.write([span()]), store.list_traces):
                with pytest.raises(StoreError, match=r"not a database; move the file .* or name another") as caught:
                    use()
                assert caught.value.reason == "store_damaged"

    def test_a_later_step_is_applied_to_an_older_file(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, store: SQLiteStore
    ) -> None:
        """A reader of an older file brings it up to date, and keeps what it holds."""
        store.write([span()])
        store.close()
        steps = (*migrations.MIGRATIONS, ("CREATE TABLE later (x)",))
        monkeypatch.setattr(migrations, "MIGRATIONS", steps)
        monkeypatch.setattr(migrations, "SCHEMA_VERSION", len(steps))
        monkeypatch.setattr(sqlite, "SCHEMA_VERSION", len(steps))

        with SQLiteStore(path) as reader:
            assert trace_ids(reader.list_traces()) == [TRACE]
        assert execute(path, "PRAGMA user_version") == [(len(steps),)]
        assert execute(path, "SELECT count(*) FROM later") == [(0,)]

    def test_a_step_that_fails_changes_nothing(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, store: SQLiteStore
    ) -> None:
        """Each step is one transaction."""
        store.write([span()])
        store.close()
        steps = (*migrations.MIGRATIONS, ("CREATE TABLE later (x)", "CREATE TABLE later (x)"))
        monkeypatch.setattr(migrations, "MIGRATIONS", steps)
        monkeypatch.setattr(migrations, "SCHEMA_VERSION", len(steps))

        with pytest.raises(StoreError, match="already exists"):
            store.write([span(2)])
        assert execute(path, "PRAGMA user_version") == [(1,)]
        assert execute(path, "SELECT count(*) FROM sqlite_master WHERE name = 'later'") == [(0,)]

    def test_threads_that_open_a_new_file_at_once_agree(self, path: Path) -> None:
        """However many open an empty file together, its schema is made once and every batch arrives."""
        stores = [SQLiteStore(path, create=True) for _ in range(6)]
        start = threading.Barrier(len(stores))
        errors: list[Exception] = []

        def write(store: SQLiteStore, number: int) -> None:
            start.wait()
            try:
                store.write([span(trace_id=hex_id(number))])
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=write, args=(store, n)) for n, store in enumerate(stores, start=1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for store in stores:
            store.close()

        assert errors == []
        with SQLiteStore(path) as reader:
            assert len(reader.list_traces()) == len(stores)


WRITER = """
import sys
sys.path[:0] = sys.argv[3:]
from storage.contract import hex_id, span
from spanbridge.storage.sqlite import SQLiteStore

first = int(sys.argv[2])
with SQLiteStore("sqlite:///" + sys.argv[1], create=True) as store:
    sys.stdin.readline()
    for number in range(first, first + 30):
        store.write([span(1, trace_id=hex_id(1), tokens=(1, 0)), span(2, parent=1, trace_id=hex_id(number), tokens=(1, 0))])
        store.write([span(1, trace_id=hex_id(number), tokens=(1, 0))])
"""


class TestProcesses:
    def test_processes_write_the_same_file(self, path: Path) -> None:
        """Three processes write at once; nothing fails, nothing is lost, and what all of them write counts once."""
        tests = str(Path(__file__).parents[1])
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(path), str(first), tests, *sys.path], stdin=subprocess.PIPE
            )
            for first in (1000, 2000, 3000)
        ]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
        for process in processes:
            process.communicate(timeout=60)

        assert [process.returncode for process in processes] == [0, 0, 0]
        with SQLiteStore(path) as store:
            summary = store.aggregate()
            assert (summary.traces, summary.spans, summary.input_tokens) == (91, 181, 181)
            assert len(store.tail(0).spans) == 181

    @needs_fork
    def test_a_forked_child_uses_its_own_connections(self, store: SQLiteStore) -> None:
        """Parent and child go on writing and reading."""
        store.write([span(trace_id=hex_id(1))])
        store.list_traces()
        inherited = (store._writer, store._reader)

        def use_in_child() -> bool:
            store.write([span(trace_id=hex_id(2))])
            fresh = store._writer is not inherited[0] and inherited[0].connection.total_changes > 0
            store.close()
            return fresh and len(store.list_traces()) == 2

        assert in_child(use_in_child)
        store.write([span(trace_id=hex_id(3))])
        assert (store._writer, store._reader) == inherited
        assert len(store.list_traces()) == 3

    @needs_fork
    @pytest.mark.parametrize("lock", ["_read_lock", "_write_lock"])
    def test_a_child_forked_in_the_middle_of_a_call_is_cut_off(
        self, monkeypatch: pytest.MonkeyPatch, store: SQLiteStore, lock: str
    ) -> None:
        """SQLite's locks may stay taken in it: it says so at once, and so does its exporter, instead of trying for ever."""
        monkeypatch.setattr(forks, "FORK_WAIT_S", 0.01)
        store.write([span(trace_id=hex_id(1))])

        def use_in_child() -> bool:
            for use in (lambda: store.write([span(2)]), store.list_traces):
                with pytest.raises(StoreError, match="forked while") as caught:
                    use()
                assert caught.value.reason == "store_forked"
            store.close()
            return StorageExporter(store).export([span(2)]) == Rejected("store_forked")

        with getattr(store, lock):
            assert in_child(use_in_child)
        store.write([span(trace_id=hex_id(3))])
        assert len(store.list_traces()) == 2

    @needs_fork
    def test_a_write_that_waits_for_another_process_gives_way_to_a_fork(self, path: Path, store: SQLiteStore) -> None:
        """It stops waiting, and the fork finds the store at rest."""
        store.write([span(trace_id=hex_id(1))])
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        reasons: list[str] = []

        def write() -> None:
            try:
                store.write([span(trace_id=hex_id(2))])
            except StoreError as error:
                reasons.append(error.reason)

        writer = threading.Thread(target=write)
        writer.start()
        while not store._write_lock.locked():
            pass
        try:
            assert in_child(lambda: len(store.list_traces()) == 1)
        finally:
            holder.close()
        writer.join()

        assert reasons == ["store_locked"]

    def test_threads_read_and_write_one_store(self, store: SQLiteStore) -> None:
        """Readers never see half a batch, whichever threads they run in."""
        store.write([span(trace_id=hex_id(1))])
        done = threading.Event()
        seen: list[int] = []
        errors: list[Exception] = []

        def read() -> None:
            try:
                while not done.is_set():
                    seen.append(store.aggregate().spans)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(20):
            store.write([span(n + 10 * number, parent=1, trace_id=hex_id(1)) for n in range(10, 20)])
        done.set()
        for thread in threads:
            thread.join()

        assert errors == []
        assert {count % 10 for count in seen} == {1}


class TestFaults:
    def test_a_locked_store_says_so_and_keeps_nothing(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, store: SQLiteStore
    ) -> None:
        """Another process that holds the file gives a StoreError with path and reason; afterwards all is well."""
        monkeypatch.setattr(connections, "BUSY_TIMEOUT_S", 0.01)
        store.write([span(1)])
        holder = sqlite3.connect(path, isolation_level=None)
        try:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match=r"traces\.db: database is locked") as caught:
                store.write([span(2, parent=1)])
            holder.execute("ROLLBACK")
        finally:
            holder.close()

        assert caught.value.reason == "store_locked"
        store.write([span(3, parent=1)])
        assert [item.name for item in store.get_trace(TRACE).spans] == ["span 1", "span 3"]

    def test_a_new_store_waits_for_whoever_makes_it(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        """Its tables are made under the same patience as every write: several tries, each refused until the other process is done."""
        monkeypatch.setattr(connections, "_TRY_S", 0.001)
        path.touch(0o600)
        holder = connections.open_writing(path, 2**30)
        holder.execute("BEGIN IMMEDIATE")
        refusals: list[None] = []

        def is_waiting() -> bool:
            refusals.append(None)
            if len(refusals) == 3:
                holder.execute("ROLLBACK")
            return False

        monkeypatch.setattr(connections.forks, "is_waiting", is_waiting)
        try:
            with SQLiteStore(path, create=True) as store:
                store.write([span(1)])
                assert len(store.list_traces()) == 1
        finally:
            holder.close()
        assert len(refusals) == 3

    def test_a_full_disk_says_so_and_keeps_nothing(self, store: SQLiteStore) -> None:
        """A batch is written whole or not at all."""
        store.write([span(1)])
        connection = store._writer.connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreError, match="full") as caught:
            store.write([span(2, parent=1), span(3, parent=1, output="x" * 200_000)])
        connection.execute("PRAGMA max_page_count = 1000000")

        assert caught.value.reason == "store_full"
        assert [item.name for item in store.get_trace(TRACE).spans] == ["span 1"]
        store.write([span(2, parent=1)])
        assert store.list_traces()[0].span_count == 2

    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE spans SET document = replace(CAST(document AS TEXT), 'secret', 'sacred') WHERE sequence = 2",
            "UPDATE spans SET crc32 = crc32 + 1 WHERE sequence = 2",
            "UPDATE spans SET document = x'' WHERE sequence = 2",
            "UPDATE spans SET type = 'nonsense' WHERE sequence = 2",
            "UPDATE spans SET status = x'ff' WHERE sequence = 2",
            "UPDATE spans SET details = '{' WHERE sequence = 2",
        ],
    )
    def test_a_damaged_row_is_shown_as_damaged(self, path: Path, store: SQLiteStore, damage: str) -> None:
        """One bad row never hides the others, and what it held wrongly is never shown as if it were right."""
        store.write([span(1), span(2, parent=1, output="secret"), span(3, parent=1)])
        execute(path, damage)

        spans = store.get_trace(TRACE).spans
        assert [item.span_id for item in spans] == [f"{number:016x}" for number in (1, 2, 3)]
        assert [DAMAGED_KEY in item.metadata for item in spans] == [False, True, False]
        assert spans[1].output in {None, "secret"}
        assert spans[1].to_dict()["attributes"] == {}

    @pytest.mark.parametrize(
        ("field", "value", "stored"),
        [
            ("input_tokens", 2**70, None),
            ("output_tokens", Decimal(3), None),
            ("billed_input_tokens", "many", 0),
            ("billed_input_tokens", 2**70, 0),
            ("billed_output_tokens", Decimal(3), 0),
            ("cost", Decimal("0.5"), None),
            ("billed_cost", float("nan"), 0.0),
            ("started_at", 2**70, 2**63 - 1),
            ("ended_at", 2**64, 2**63 - 1),
            ("service_name", "bot \ud800", "bot ?"),
            ("model", "m \ud800", "m ?"),
            ("external_parent_span_id", "\udfff", "?"),
            ("redactions", {"email": 2**70}, {"email": 0}),
        ],
        ids=str,
    )
    def test_a_value_that_does_not_fit_is_left_out_alone(
        self, store: SQLiteStore, field: str, value: Any, stored: Any
    ) -> None:
        """One span with such a value takes neither its batch nor its own other fields with it."""
        store.write([span(1)])
        odd = span(3, parent=1, model="gpt-5.4", output="kept")
        setattr(odd, field, value)
        store.write([span(2, parent=1), odd, span(1, trace_id=hex_id(2))])

        counts = {item.trace_id: item.span_count for item in store.list_traces()}
        assert counts == {TRACE: 3, hex_id(2): 1}
        read = store.get_span(TRACE, odd.span_id)
        assert getattr(read, field) == stored
        assert (read.output, read.parent_span_id, read.status) == ("kept", f"{1:016x}", "ok")
        assert vars(odd)[field] is value

    def test_a_long_name_of_a_model_is_cut(self, store: SQLiteStore) -> None:
        """In lists and filters; it is found whole and cut, and the span's attributes keep all of it."""
        name = "m" * 100_000
        store.write([span(1, model=name, attributes={"model": name})])

        (summary,) = store.list_traces(model=name)
        assert summary.models == (name[:200],)
        assert trace_ids(store.list_traces(model=name[:200])) == [TRACE]
        read = store.get_span(TRACE, f"{1:016x}")
        assert (read.model, read.attributes["model"]) == (name[:200], name)

    def test_what_no_care_can_store_is_said_to_be_a_span(self, store: SQLiteStore) -> None:
        """Trying again is no use: the reason tells."""
        odd = span(2, parent=1)
        odd.document = None  # pyright: ignore[reportAttributeAccessIssue] - what no chain hands over
        with pytest.raises(StoreError) as caught:
            store.write([span(1), odd])

        assert caught.value.reason == "invalid_span"
        store.write([span(1)])
        assert store.list_traces()[0].span_count == 1

    def test_sums_stay_numbers(self, store: SQLiteStore) -> None:
        """Counts at the limit add up without passing 64 bits."""
        largest = MAX_TOKENS
        store.write([span(number, parent=1, tokens=(largest, largest)) for number in range(2, 502)])

        (summary,) = store.list_traces()
        assert (summary.input_tokens, summary.output_tokens) == (500 * largest, 500 * largest)

    def test_a_repeated_batch_of_another_writer_counts_once(self, path: Path, store: SQLiteStore) -> None:
        """A writer that never saw the earlier rows replaces them all the same, and keeps what came first of an ended span."""
        batch = [span(1, status="running"), span(2, parent=1, tokens=(5, 6), cost=0.5), span(1, trace_id=hex_id(2))]
        store.write(batch)
        with SQLiteStore(path) as other:
            other.write([*batch, span(3, parent=1)])
            other.write([span(1), span(2, parent=1, status="running")])
        store.write([span(1), span(4, parent=3)])

        summary = next(item for item in store.list_traces() if item.trace_id == TRACE)
        assert (summary.span_count, summary.input_tokens, summary.cost, summary.status) == (4, 5, 0.5, "ok")
        assert [item.status for item in store.get_trace(TRACE).spans] == ["ok"] * 4

    def test_a_failed_write_leaves_the_writer_usable(self, store: SQLiteStore) -> None:
        """What a write that was rolled back had added (a new service, a running span) is added again by the next one."""
        store.write([span(1)])
        connection = store._writer.connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        batch = [span(2, parent=1, service_name="new", status="running", output="x" * 200_000)]
        with pytest.raises(StoreError, match="full"):
            store.write(batch)
        connection.execute("PRAGMA max_page_count = 1000000")
        store.write(batch)
        store.write([span(2, parent=1, service_name="new")])

        read = store.get_span(TRACE, f"{2:016x}")
        assert (read.service_name, read.status) == ("new", "ok")
        assert store.list_traces()[0].span_count == 2


class TestRetention:
    def test_the_oldest_ended_traces_go_first(self, path: Path) -> None:
        """The file stays within its bound: running traces and the newest stay, pages are used again, and the loss is counted."""
        bound = 2_000_000
        with SQLiteStore(path, create=True, max_bytes=bound) as store:
            store.write([span(1, trace_id=hex_id(1), status="running", output="x" * 20_000)])
            written = 1
            for _ in range(40):
                batch = [
                    span(1, trace_id=hex_id(n), at=n, output="x" * 20_000, tags=["t"], metadata={"a": 1}, model="m")
                    for n in range(written + 1, written + 11)
                ]
                store.write(batch)
                written += 10
            store.close()

            kept = [int(trace_id, 16) for trace_id in trace_ids(store.list_traces(order="started_at", limit=1000))]
            assert store.expired_count == written - len(kept) > 0
            assert kept == [1, *range(written - len(kept) + 2, written + 1)]
            assert path.stat().st_size < bound * 1.5
            assert execute(path, "SELECT count(*) FROM spans") == [(len(kept),)]
            terms = [execute(path, f"SELECT count(*) FROM {table}")[0][0] for table in ("trace_terms", RECENT_TERMS)]
            assert sum(terms) == 3 * (len(kept) - 1)

    def test_the_log_of_a_small_store_is_small(self, path: Path) -> None:
        """What stands in the write-ahead log is moved into the file sooner, where the file's own bound is small."""
        with SQLiteStore(path, create=True, max_bytes=2**21) as store:
            for number in range(1, 400):
                store.write([span(number, trace_id=hex_id(number), input=os.urandom(4_000).hex())])

            # A part of the bound, and the last write.
            assert path.with_name("traces.db-wal").stat().st_size < 2**20

    def test_traces_that_never_end_are_bounded_too(self, path: Path) -> None:
        """Where nothing has ended the oldest running traces go: the bound holds whatever was left behind by crashes."""
        with SQLiteStore(path, create=True, max_bytes=1_000_000) as store:
            for number in range(1, 101):
                store.write([span(1, trace_id=hex_id(number), at=number, status="running", output="x" * 20_000)])

            kept = trace_ids(store.list_traces(order="started_at"))
            assert 0 < len(kept) < 100
            assert kept[-1] == hex_id(100)

    def test_one_write_deletes_a_bounded_number(self, path: Path) -> None:
        """A bound that shrank is reached over several writes, not by one long one."""
        with SQLiteStore(path, create=True) as store:
            store.write([span(1, trace_id=hex_id(n), at=n) for n in range(1, 3001)])
            store.max_bytes = 1
            store.write([span(1, trace_id=hex_id(9999), at=9999)])
            first = store.expired_count

            assert 0 < first < 2000
            store.write([span(1, trace_id=hex_id(9999), at=9999)])
            assert store.expired_count > first
