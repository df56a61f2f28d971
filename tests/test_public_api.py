"""The public API: one list of names, each of which is there, and an import that stays light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import spanbridge

HEAVY = {
    "asyncio",
    "click",
    "concurrent.futures",
    "ddtrace",
    "email",
    "genai_prices",
    "http",
    "importlib.metadata",
    "multiprocessing",
    "numpy",
    "opentelemetry",
    "platformdirs",
    "pydantic",
    "pytest",
    "re2",
    "hyperscan",
    "rich",
    "socket",
    "sqlite3",
    "ssl",
    "tempfile",
    "tomllib",
    "urllib.request",
    "wrapt",
}
"""Modules that load when they are first used, never with the package."""


def run_python(code: str) -> object:
    """What `code` prints as JSON, in an interpreter of its own."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def imported_names() -> set[str]:
    """The public names that `spanbridge/__init__.py` imports or defines, those for type checkers included."""
    assert spanbridge.__file__ is not None
    tree = ast.parse(Path(spanbridge.__file__).read_text(encoding="utf-8"))
    own_modules = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module is not None]
    imported = {alias.name for node in own_modules if str(node.module).startswith("spanbridge") for alias in node.names}
    return imported | {"__version__"}


def test_all_is_sorted_and_complete() -> None:
    """`__all__` names exactly what the package's first file imports, in alphabetical order, each once."""
    assert spanbridge.__all__ == sorted(imported_names())


@pytest.mark.parametrize("name", spanbridge.__all__)
def test_every_public_name_resolves(name: str) -> None:
    """Each public name is there, also one that loads on first use, and it is the object that its module defines."""
    value = getattr(spanbridge, name)

    assert value is not None
    module = spanbridge._LAZY.get(name)
    if module is not None:
        assert value is getattr(sys.modules[module], name)


def test_lazy_names_are_those_that_type_checkers_see() -> None:
    """What loads on first use is imported for type checkers, from the same module."""
    assert spanbridge.__file__ is not None
    tree = ast.parse(Path(spanbridge.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert typed == spanbridge._LAZY


def test_lazy_names_are_listed_before_they_load() -> None:
    """`dir(spanbridge)` shows every public name, so that completion finds those that have not loaded yet."""
    names = run_python("import json, spanbridge; print(json.dumps(dir(spanbridge)))")

    assert isinstance(names, list)
    assert set(spanbridge.__all__) <= set(names)


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that the package does not have raises what Python raises for any module."""
    with pytest.raises(AttributeError, match="module 'spanbridge' has no attribute 'agent_runn'"):
        _ = spanbridge.agent_runn


def test_import_is_light() -> None:
    """`import spanbridge`, and spans while nothing is configured, load no heavy module."""
    code = (
        "import json, sys, spanbridge as sb\n"
        "with sb.agent_run('support', input={'q': 1}) as run: run.set(output='done')\n"
        "print(json.dumps(list(sys.modules)))"
    )

    loaded = run_python(code)

    assert isinstance(loaded, list)
    assert sorted(HEAVY & set(loaded)) == []


def test_pytest_plugin_is_light() -> None:
    """The plugin that pytest loads at every start brings no heavy module with it."""
    code = (
        "import json, sys, pytest\n"
        "before = set(sys.modules)\n"
        "import spanbridge.testing\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )

    loaded = run_python(code)

    assert isinstance(loaded, list)
    assert sorted(HEAVY & set(loaded)) == []
