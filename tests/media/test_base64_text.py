"""Base64: found fast, decoded whole or not at all."""

from __future__ import annotations

import base64
import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanbridge.media.base64_text import SHORTEST_RUN, decode, holds_run, runs


def pause() -> None:
    """Nobody waits."""


LARGE = bytes(range(256)) * 5000


@given(st.binary(min_size=1))
def test_every_spelling_is_read(data):
    """Both alphabets, with and without padding, wrapped or not."""
    standard, url_safe = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()

    assert decode(standard) == decode(url_safe) == decode(standard.rstrip("=")) == decode(url_safe.rstrip("=")) == data
    assert decode(base64.encodebytes(data).decode()) == data
    assert decode("\r\n".join(textwrap.wrap(standard, 64)) + "\r\n") == data


def test_large_content_is_decoded_in_parts():
    """With pauses between them."""
    pauses: list[int] = []

    assert decode(base64.b64encode(LARGE).decode(), lambda: pauses.append(1)) == LARGE
    assert len(pauses) > 10


@pytest.mark.parametrize("broken", ["*", " ", "é", "\\", "=", "====", "\0", '"', "%2B"], ids=lambda text: ascii(text))
@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 700_001])
def test_broken_base64_is_not_decoded(broken, at):
    """Not a part of it either: nothing is skipped."""
    text = base64.b64encode(LARGE).decode()

    assert decode(f"A{text[:at]}{broken}{text[at:]}") is None


@pytest.mark.parametrize("text", ["A", "AAAAA", "AAAAA==="])
def test_a_length_that_no_base64_has(text):
    """One character cannot be the rest of a byte."""
    assert decode(text) is None


@given(st.text(), st.integers(0, 3 * SHORTEST_RUN), st.text())
def test_runs_are_found_where_they_are(before, length, after):
    """The prefilter fires where there is a run that is long enough, and the run is found."""
    run = "a" * length
    text = f"{before} {run} {after}"

    found = [text[start:end] for start, end in runs(text)]

    assert (run in found) == (length >= SHORTEST_RUN)
    assert holds_run(text.encode(), pause) == bool(found)


@pytest.mark.parametrize("at", [0, 64 * 1024 - SHORTEST_RUN, 64 * 1024 - 10, 64 * 1024, 200_000])
def test_runs_in_large_payloads(at):
    """Also where a run lies across two parts."""
    assert holds_run(b" " * at + b"a" * SHORTEST_RUN + b" " * 100_000, pause)
    assert not holds_run(b" " * at + b"a" * (SHORTEST_RUN - 1) + b" " * 100_000, pause)


@given(st.lists(st.one_of(st.text("aZ9+/-_", max_size=SHORTEST_RUN), st.text("aZ /.", max_size=3)), max_size=8))
def test_a_run_at_either_end_is_one_too(parts):
    """What stands before and after a run does not matter, nor that nothing does."""
    data = "".join(parts).encode()

    assert holds_run(data, pause) == bool(re.search(rb"[A-Za-z0-9+/_-]{%d}" % SHORTEST_RUN, data))


@pytest.mark.parametrize("end", ["", " "])
def test_a_run_longer_than_a_part(end):
    """No part that it fills shows its end."""
    assert holds_run(b" " * 70_000 + b"a" * 200_000 + end.encode(), pause)
