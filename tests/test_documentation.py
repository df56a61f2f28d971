"""The documentation is true: every code block runs and prints what it shows, tables are current, names and links exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import spanbridge
from run_document import CHECKS, code_blocks, output_matches, read_blocks
from spanbridge.configuration.environment import environment_variables_markdown
from spanbridge.configuration.settings import settings_markdown

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL_PAGES = [*DOCUMENTS, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]

_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
_USED_NAME = re.compile(r"\bsb\.([a-zA-Z_]\w*)")
_NAMED = re.compile(r"`(?:sb\.|spanbridge\.)?(\w+)[^`]*`")


def page_name(page: Path) -> str:
    """How a page is called in the list of tests."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("document", [page for page in DOCUMENTS if code_blocks(page)], ids=page_name)
def test_code_blocks_run_and_print_what_is_shown(document: Path, tmp_path: Path) -> None:
    """Whoever types a document's blocks into an empty folder, in order, gets the output that it shows."""
    scripts = sysconfig.get_path("scripts")
    environment = {
        "HOME": str(tmp_path / "home"),
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
        "PYTEST_ADDOPTS": "-p no:ddtrace",  # as in this project: it takes longer to load than all that is shown
        "PYTHONUTF8": "1",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    folder = tmp_path / "reader"
    folder.mkdir()

    result = subprocess.run(
        [sys.executable, ROOT / "tests" / "run_document.py", document],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )

    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=page_name)
def test_files_in_blocks_are_used(document: Path) -> None:
    """A block that is written to a Python file is run by a later block, or imported by one."""
    blocks = read_blocks(document.read_text(encoding="utf-8"))
    for number, block in enumerate(blocks):
        if block.file_name is not None and block.language == "python":
            module = block.file_name.removesuffix(".py")
            later = "\n".join(other.text for other in blocks[number + 1 :])

            assert re.search(rf"\b{module}\b", later), f"{document.name}:{block.line}"


def test_commands_that_are_not_run_here_are_run_by_the_checks() -> None:
    """What the README tells a developer to type, and what would start these tests again, stands in .ci/run as it is."""
    elsewhere = [
        line
        for page in ALL_PAGES
        for block in read_blocks(page.read_text(encoding="utf-8"))
        if block.run_by == CHECKS
        for line in block.text.splitlines()
    ]
    checks = {line.strip() for line in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()}

    assert len(elsewhere) > 1
    assert [line for line in elsewhere if line not in checks] == []


def test_settings_table_is_current() -> None:
    """The documentation holds the table of settings as the code has it."""
    assert settings_markdown() in (ROOT / "docs/configuration.md").read_text(encoding="utf-8")


def test_environment_table_is_current() -> None:
    """The documentation holds the ordered list of variables that name the environment, as the code has it."""
    assert environment_variables_markdown() in (ROOT / "docs/configuration.md").read_text(encoding="utf-8")


def test_every_public_name_is_documented() -> None:
    """docs/api.md names every public name, and no name that does not exist."""
    text = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    first_cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = {name for cell in first_cells for name in _NAMED.findall(cell)}

    assert named == set(spanbridge.__all__)


@pytest.mark.parametrize("page", ALL_PAGES, ids=page_name)
def test_names_in_the_text_exist(page: Path) -> None:
    """Every `sb.name` that a page mentions is public."""
    assert set(_USED_NAME.findall(page.read_text(encoding="utf-8"))) <= set(spanbridge.__all__)


@pytest.mark.parametrize("page", ALL_PAGES, ids=page_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Every relative link leads to a file of the repository and, where it names one, to a heading in it."""
    for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        file = page if not target else page.parent / target

        assert file.exists(), target
        if anchor:
            assert anchor in headings(file.read_text(encoding="utf-8")), f"{target}#{anchor}"


def headings(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    ("expected", "actual", "matches"),
    [
        ("one\ntwo\n", "one\ntwo\n", True),
        ("one\n", "one\ntwo\n", False),
        ("one ... three\n", "one two three\n", True),
        ("one ... three\n", "one\ntwo three\n", False),
        ("one\n...\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n...\nfour\n", "one\nfour\n", True),
        ("one\n...\nfour\n", "one\ntwo\n", False),
        ("a.b\n", "axb\n", False),
    ],
)
def test_shown_output_is_compared_exactly_but_for_ellipses(expected: str, actual: str, matches: bool) -> None:
    """`...` stands for any text in a line, a line of it for any lines; everything else is literal."""
    assert output_matches(expected, actual) is matches


def test_blocks_are_read_with_their_places_and_outputs() -> None:
    """A `text` block belongs to the block right before it; prose between them, or a second one, does not."""
    text = "# T\n\n```python\nx = 1\n```\n\n```text\nout\n```\n\n<!-- run by .ci/run -->\n```shell\npip\n```\n"

    first, second = read_blocks(text)

    assert (first.language, first.line, first.text, first.expected, first.run_by) == (
        "python",
        4,
        "x = 1\n",
        "out\n",
        None,
    )
    assert (second.language, second.run_by, second.expected) == ("shell", CHECKS, None)
