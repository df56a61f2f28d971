import os
from pathlib import Path

import pytest

from spanbridge.configuration.sources import find_configuration_file
from spanbridge.errors import ConfigurationError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "app" / "inner").mkdir(parents=True)
    return tmp_path / "repository"


def test_searches_upwards(repository):
    """The file of a parent folder holds for the folders below it."""
    (repository / "spanbridge.toml").write_text('store = "sqlite:///a.db"')

    found = find_configuration_file(repository / "app" / "inner")

    assert found is not None
    assert found.values == {"store": "sqlite:///a.db"}
    assert found.origin == str(repository / "spanbridge.toml")


def test_the_nearest_file_wins(repository):
    """Files are not merged: the first one found holds alone."""
    (repository / "spanbridge.toml").write_text("max_items = 1\nmax_depth = 1")
    (repository / "app" / "pyproject.toml").write_text("[tool.spanbridge]\nmax_items = 2")

    found = find_configuration_file(repository / "app" / "inner")

    assert found is not None
    assert found.values == {"max_items": 2}
    assert found.origin == f"[tool.spanbridge] in {repository / 'app' / 'pyproject.toml'}"


def test_spanbridge_toml_wins_over_pyproject(repository):
    """In one folder spanbridge.toml is used and pyproject.toml is not."""
    (repository / "spanbridge.toml").write_text("max_items = 1")
    (repository / "pyproject.toml").write_text("[tool.spanbridge]\nmax_items = 2")

    found = find_configuration_file(repository)

    assert found is not None
    assert found.values == {"max_items": 1}


def test_a_pyproject_without_our_table_is_passed_over(repository):
    """A pyproject.toml that does not mention spanbridge does not end the search."""
    (repository / "spanbridge.toml").write_text("max_items = 1")
    (repository / "app" / "pyproject.toml").write_text("[tool.ruff]\nline-length = 120")

    found = find_configuration_file(repository / "app")

    assert found is not None
    assert found.values == {"max_items": 1}


def test_stops_at_the_repository(repository):
    """A file above the repository's root is not looked at."""
    (repository.parent / "spanbridge.toml").write_text("max_items = 1")

    assert find_configuration_file(repository / "app") is None


def test_the_working_folder_is_the_start(repository, monkeypatch):
    """Without a folder the search starts at the working folder; a deleted one has no file."""
    (repository / "spanbridge.toml").write_text("max_items = 1")
    monkeypatch.chdir(repository / "app" / "inner")

    found = find_configuration_file()
    (repository / "app" / "inner").rmdir()

    assert found is not None
    assert found.values == {"max_items": 1}
    assert find_configuration_file() is None


@pytest.mark.parametrize("content", [b"max_items = ", b"\xff\xfe", b"[tool"])
@pytest.mark.parametrize("name", ["spanbridge.toml", "pyproject.toml"])
def test_broken_files(repository, name, content):
    """A file that is not TOML is an error that names it."""
    (repository / name).write_bytes(content)

    with pytest.raises(ConfigurationError, match="is not valid TOML") as caught:
        find_configuration_file(repository)

    assert str(repository / name) in str(caught.value)


def test_a_table_that_is_no_table(repository):
    """`spanbridge = true` under [tool] is an error."""
    (repository / "pyproject.toml").write_text("[tool]\nspanbridge = true")

    with pytest.raises(ConfigurationError, match="is not a table"):
        find_configuration_file(repository)


def test_a_folder_in_place_of_the_file(repository):
    """What cannot be read as a file is an error, not an absent file."""
    (repository / "spanbridge.toml").mkdir()

    with pytest.raises(ConfigurationError, match="cannot be read"):
        find_configuration_file(repository)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a POSIX notion")
def test_a_pipe_in_place_of_the_file(repository):
    """A planted pipe is an error at once; nothing waits for its writer."""
    os.mkfifo(repository / "spanbridge.toml")

    with pytest.raises(ConfigurationError, match="not a regular file"):
        find_configuration_file(repository)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="ownership is a POSIX notion")
class TestForeignFiles:
    """A file that somebody else could have written is refused, whichever of the two it is."""

    @pytest.fixture(
        params=[("spanbridge.toml", "max_items = 1"), ("pyproject.toml", "[tool.spanbridge]\nmax_items = 1")]
    )
    def file(self, request, repository) -> Path:
        name, content = request.param
        path = repository / name
        path.write_text(content)
        path.chmod(0o644)
        return path

    def test_world_writable(self, file):
        """A file that every user may write is refused, with the command that repairs it."""
        file.chmod(0o666)

        with pytest.raises(ConfigurationError, match=f"chmod o-w {file}"):
            find_configuration_file(file.parent)

    def test_of_another_user(self, file, monkeypatch):
        """A file that belongs to another user is refused; root's file is not."""
        owner = file.stat().st_uid
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

        if owner == 0:
            assert find_configuration_file(file.parent) is not None
            os.chown(file, 12345, -1)
        with pytest.raises(ConfigurationError, match="belongs to another user"):
            find_configuration_file(file.parent)

    def test_a_foreign_pyproject_without_our_table(self, repository):
        """A pyproject.toml that sets nothing of ours is nobody's threat."""
        path = repository / "pyproject.toml"
        path.write_text("[tool.ruff]")
        path.chmod(0o666)

        assert find_configuration_file(repository) is None
