"""`spanbridge media`, and how `spanbridge show` writes a reference."""

import json
import os
import pty
import subprocess
from hashlib import sha256

import pytest

from media.samples import png

from .conftest import command

PNG = png()
SHA256 = sha256(PNG).hexdigest()


@pytest.fixture
def store(recorded, tmp_path) -> str:
    """A store with one span that holds an image."""
    address = f"sqlite:///{tmp_path}/traces.db"
    with recorded(address) as tracing, tracing.tool_call("draw", input={"prompt": "a cat"}) as tool:
        tool.set(output={"image": PNG})
    return address


@pytest.mark.parametrize("name", [SHA256, SHA256[:8], SHA256[:20].upper()])
def test_content_goes_to_standard_output(store, name):
    """As it was recorded, by the hash or the beginning of it."""
    result = subprocess.run(command("media", name, "--store", store), capture_output=True, timeout=60)

    assert (result.returncode, result.stdout, result.stderr) == (0, PNG, b"")


def test_content_goes_to_a_file(cli, store, tmp_path):
    """And the command says how much it was."""
    result = cli("media", SHA256, "--store", store, "--output", str(tmp_path / "cat.png"))

    assert result.output == f"{tmp_path}/cat.png: {len(PNG)} B\n"
    assert (tmp_path / "cat.png").read_bytes() == PNG


def test_json(cli, store):
    """The facts instead of the content."""
    result = cli("media", SHA256[:12], "--store", store, "--json")

    assert json.loads(result.stdout) == {"sha256": SHA256, "media_type": "image/png", "bytes": len(PNG)}


def test_a_terminal_gets_no_binary(store):
    """It is refused, with the way out."""
    ours, theirs = pty.openpty()
    try:
        result = subprocess.run(
            command("media", SHA256, "--store", store), stdout=theirs, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)

    assert result.returncode == 2
    assert b"name a file with --output" in result.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0" * 64, "the store holds no media"),
        ("0" * 8, "the store holds no media"),
        ("abc", "give its first 8 hexadecimal characters"),
        ("not a hash", "give its first 8 hexadecimal characters"),
        ("../../etc/passwd", "give its first 8 hexadecimal characters"),
    ],
)
def test_what_is_not_there(cli, store, name, message):
    """One line, and exit code 1."""
    result = cli("media", name, "--store", store)

    assert result.exit_code == 1
    assert message in result.output


def test_a_file_that_cannot_be_written(cli, store, tmp_path):
    """The error names it."""
    result = cli("media", SHA256, "--store", store, "-o", str(tmp_path / "no" / "cat.png"))

    assert result.exit_code == 1
    assert f"cannot write {tmp_path}/no/cat.png: No such file or directory" in result.output


def test_show_writes_references_readably(cli, store):
    """The beginning of the hash in the tree, all of it for one span, the reference itself in JSON."""
    tree, document = cli("show", "--last", "--store", store), cli("show", "--last", "--store", store, "--json")
    span = json.loads(document.stdout)["spans"][0]
    one = cli("show", "--last", "--span", span["span_id"], "--store", store)

    assert f'out {{"image": "[image/png, {len(PNG)} B, sha256 {SHA256[:12]}...]"}}' in tree.output
    assert f"[image/png, {len(PNG)} B, sha256 {SHA256}]" in one.output
    assert span["output"] == {"image": {"media": {"sha256": SHA256, "media_type": "image/png", "bytes": len(PNG)}}}
