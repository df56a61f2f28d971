import sqlite3
from contextlib import closing
from importlib.metadata import version

import pytest

from spanbridge.demo.memory import Memory
from spanbridge.demo.packages import TOOLS, Package, PackageDatabase, installed_packages

PACKAGES = [
    Package("alpha", "1.0", "the first", 3, 300, ["beta", "gamma"]),
    Package("beta", "2.0", "the second", 1, 100, ["gamma"]),
    Package("gamma", "3.0", "", 2, 200, []),
]


@pytest.fixture
def database():
    with closing(PackageDatabase(PACKAGES)) as opened:
        yield opened


def test_the_installed_distributions_are_read(tmp_path, monkeypatch):
    """Names in one spelling, sizes and files from the record, requirements without those of extras."""
    info = tmp_path / "Odd_Name-4.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Odd.Name\nVersion: 4.2\nSummary: An odd one\n"
        "Requires-Dist: Click_Thing>=8; python_version > '3'\nRequires-Dist: only-dev; extra == 'dev'\n"
    )
    (info / "RECORD").write_text('odd.py,sha256=x,1200\n"a,b.py",sha256=y,34\nodd-name.dist-info/RECORD,,\n')
    (tmp_path / "broken-1.dist-info").mkdir()
    (tmp_path / "bare-1.dist-info").mkdir()
    (tmp_path / "bare-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: bare\n")
    monkeypatch.syspath_prepend(tmp_path)
    packages = {package.name: package for package in installed_packages()}

    assert packages["odd-name"] == Package("odd-name", "4.2", "An odd one", 3, 1234, ["click-thing"])
    assert packages["bare"] == Package("bare", "", "", 0, 0, [])
    assert packages["pytest"].version == version("pytest")


def test_tools_ask_the_database(database):
    """Each tool that a model is offered is a method, and says what is installed."""
    for tool in TOOLS:
        assert callable(getattr(database, tool["function"]["name"]))
    assert database.list_distributions() == ["alpha", "beta", "gamma"]
    assert database.list_distributions(prefix="B") == ["beta"]
    assert database.list_distributions(limit=2) == ["alpha", "beta"]
    assert database.describe_distribution("Alpha")["requires"] == ["beta", "gamma"]
    assert database.describe_distribution("delta") == {"error": "delta is not installed"}
    assert database.query_packages("SELECT sum(size_bytes) AS size FROM distributions") == [{"size": 600}]
    assert database.most_demanding() == "alpha"
    assert database.totals() == {"distributions": 3, "files": 6, "size_bytes": 600, "requirements": 3}


@pytest.mark.parametrize(
    "sql", ["DELETE FROM distributions", "DROP TABLE requirements", "SELECT nothing FROM distributions"]
)
def test_a_model_cannot_change_the_database(database, sql):
    """What is no query of what is there fails, and leaves it as it is."""
    with pytest.raises(sqlite3.OperationalError):
        database.query_packages(sql)

    assert database.totals()["distributions"] == 3


def test_an_empty_machine():
    """Nothing installed is an answer too."""
    with closing(PackageDatabase([])) as empty:
        assert empty.most_demanding() is None
        assert empty.totals() == {"distributions": 0, "files": 0, "size_bytes": 0, "requirements": 0}


def test_memory_recalls_what_shares_words(captured_spans):
    """The best match comes first, what shares nothing does not come; each operation is a span."""
    with closing(Memory()) as memory:
        memory.save("Which distribution is the largest?", "numpy")
        memory.save("Which distribution requires click?", "spanbridge")
        facts = memory.recall("What requires click, and why?")
        nothing = memory.recall("Hello there")

    assert facts == ["Which distribution requires click? spanbridge"]
    assert nothing == []
    assert [span.attributes.get("message_count") for span in captured_spans.spans] == [None, None, 1, 0]
    assert [span.type for span in captured_spans.spans] == ["memory_operation"] * 4
