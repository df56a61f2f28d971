"""Runs the code blocks of a Markdown document, in order, in the working folder: what a reader would do who types them all.

    python run_document.py README.md

`python`   runs; the blocks of one document are one program and share their names. A block whose first line is a file's name in a
           comment (`# support.py`) is written to that file instead.
`toml`     is written to the file that its first line names.
`shell`    runs in bash and must succeed.
`text`     right after a `python` or `shell` block is that block's output: `...` stands for any text within a line, a line of `...`
           for any number of lines. Anywhere else it is a picture.

A block below the comment `<!-- run by .ci/run -->` is not run: it installs things, or starts the tests that start this. Neither is one
below the name of a test, `<!-- run by tests/bridges/datadog/test_readme.py -->`: it serves until it is stopped. The first block that
fails ends the run with exit code 1, its place, and what it printed.
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NamedTuple

_RUN_BY = re.compile(r"^<!-- run by (\S+) -->$")
CHECKS = ".ci/run"
_FENCE = re.compile(r"^```(\w*)$")
_FILE_NAME = re.compile(r"^# ([\w.-]+\.(?:py|toml))$")


class Block(NamedTuple):
    """One fenced block."""

    language: str
    line: int
    """Of its first line of code, counted from 1."""
    text: str
    run_by: str | None
    """What runs it, where that is not this."""
    expected: str | None
    """The output that the document shows."""

    @property
    def file_name(self) -> str | None:
        """The file that the block is the text of."""
        match = _FILE_NAME.match(self.text.partition("\n")[0])
        return match[1] if match else None


class DocumentError(Exception):
    """A block that is not understood, fails, or prints something else than the document shows."""


def read_blocks(text: str) -> list[Block]:
    """The fenced blocks of a document."""
    blocks: list[Block] = []
    lines = text.splitlines()
    number = 0
    last_text = ""  # the last line that is not blank, to see what a block follows
    while number < len(lines):
        line = lines[number]
        number += 1
        fence = _FENCE.match(line)
        if fence is None:
            last_text = line or last_text
            continue
        start = number
        while number < len(lines) and lines[number] != "```":
            number += 1
        if number == len(lines):
            raise DocumentError(f"line {start}: the block is not closed")
        code = "\n".join(lines[start:number]) + "\n"
        number += 1
        if fence[1] == "text" and last_text == "```" and blocks and blocks[-1].expected is None:
            blocks[-1] = blocks[-1]._replace(expected=code)
        else:
            run_by = _RUN_BY.match(last_text)
            blocks.append(Block(fence[1], start + 1, code, run_by and run_by[1], None))
        last_text = "```"
    return blocks


def output_matches(expected: str, actual: str) -> bool:
    """Whether `actual` is what a document shows, with `...` for what differs between runs."""
    pattern = ""
    for line in expected.strip("\n").splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += "[^\n]*?".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ \t]*\n"
    return re.fullmatch(r"\n*" + pattern + r"\n*", actual.rstrip("\n") + "\n") is not None


def code_blocks(document: Path) -> list[Block]:
    """The blocks of a document that are run here."""
    blocks = read_blocks(document.read_text(encoding="utf-8"))
    return [block for block in blocks if block.run_by is None and block.language != "text"]


def run(document: Path) -> int:
    """Runs a document's blocks and returns how many ran. Raises DocumentError."""
    blocks = code_blocks(document)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        place = f"{document.name}:{block.line}"
        if block.file_name is not None:
            Path(block.file_name).write_text(block.text, encoding="utf-8")
            output = ""
        elif block.language == "python":
            output = _run_python(block, place, names)
        elif block.language == "shell":
            output = _run_shell(block, place)
        else:
            raise DocumentError(f"{place}: nobody knows how to run a block of {block.language or 'no language'}")
        if block.expected is not None and not output_matches(block.expected, output):
            raise DocumentError(f"{place} printed\n{output}\nand the document shows\n{block.expected}")
    return len(blocks)


def _run_python(block: Block, place: str, names: dict[str, Any]) -> str:
    # The line numbers of a traceback are the document's.
    code = compile("\n" * (block.line - 1) + block.text, place, "exec")
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(code, names)
    except BaseException as error:
        raise DocumentError(f"{place} failed\n{printed.getvalue()}{traceback.format_exc()}") from error
    return printed.getvalue()


def _run_shell(block: Block, place: str) -> str:
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text], capture_output=True, text=True, encoding="utf-8"
    )
    if result.returncode != 0:
        raise DocumentError(f"{place} exited with {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{run(Path(sys.argv[1]))}\n")
    except DocumentError as failure:
        sys.exit(str(failure))
