"""The engines behind the prefilter: the same verdicts, whatever is installed and whatever was made before."""

from __future__ import annotations

import itertools
import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge.processors import automaton_file, hyperscan_search, native_prefilter
from spanbridge.processors.hyperscan_search import FEW_ENDS, HyperscanSearch
from spanbridge.processors.matcher import Probe, make_prefilter
from spanbridge.processors.native_prefilter import (
    LOOK_BYTES,
    START_BYTES,
    NativePrefilter,
)
from spanbridge.processors.re2_search import MAX_MEMORY_BYTES, EngineUnusable
from spanbridge.processors.re_prefilter import RePrefilter
from spanbridge.processors.sensitive_data import SensitiveDataFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spanbridge.processors.matcher import Prefilter

GITHUB = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
PROBES = SensitiveDataFilter().probes
ALL_PROBES = SensitiveDataFilter(pii=True).probes
GITHUB_PROBES = tuple(probe for probe in PROBES if probe.pattern.startswith("gh"))
_memory = itertools.count(MAX_MEMORY_BYTES - 1, -1)


def make_native(probes: Any = GITHUB_PROBES, *, hyperscan: bool = False) -> NativePrefilter:
    """One that shares its automaton with no other, as those with the same probes and memory do, and has none from before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(automaton_file, "read", lambda _: None)
        prefilter = NativePrefilter(probes, next(_memory))
    assert prefilter.engine == "re2"
    if hyperscan:
        prefilter.make_hyperscan()
        assert prefilter.engine == "hyperscan"
    return prefilter


def verdict(prefilter: Prefilter, data: bytes) -> list[int]:
    return sorted(prefilter.match(data) or ())


# ── the same verdicts ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def engines() -> tuple[Prefilter, ...]:
    """All engines over every probe, personal data included."""
    return make_native(ALL_PROBES), make_native(ALL_PROBES, hyperscan=True), RePrefilter(ALL_PROBES)


WORDS = st.sampled_from(
    [
        *("passw", "password", "token", "key", "-----BEGIN A ", "://a:", "sk-", "token_", "user bob ", "eyJ", "docker login -", "1/1234"),
        *("authorization", "api_key", "Bearer ", "jwt", "otp", "PIN ", "curl -u a:b", "http -a x:y h", "密码", "Passwort", "secret is "),
        *(f"use {GITHUB} for it", 'password = "hunter2"', "https://bob:hunter2@host/path", '\\"api_key\\": \\"x1y2z3w4\\"'),
    ]
)  # fmt: skip
SIGNS = st.sampled_from([": ", "=", '"', "\\", " is ", "\n", "--", "://", "@", " ", "'", "|", ","])


def in_all(engines: tuple[Prefilter, ...], data: bytes) -> list[list[int]]:
    """What the engines say of short data; Hyperscan all by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hyperscan_search, "FEW_ENDS", 10_000)  # it does all of the work
        return [verdict(engine, data) for engine in engines]


@given(text=st.lists(st.text(max_size=20) | WORDS | SIGNS, max_size=14).map("".join))
@settings(max_examples=150)
def test_all_engines_say_the_same(engines: tuple[Prefilter, ...], text: str) -> None:
    """In text and in its encodings; but that Hyperscan lets long repetitions be longer."""
    for data in (
        text.encode("utf-8", "surrogatepass"),
        json.dumps({"k": text}).encode(),
        json.dumps(json.dumps([text]), ensure_ascii=False).encode("utf-8", "surrogatepass"),
    ):
        re2, hyperscan, standard = in_all(engines, data)
        assert re2 == standard
        assert {*re2} <= {*hyperscan}


@pytest.mark.parametrize(("length", "found"), [(50, ([0], [0])), (51, ([], [0]))])
def test_a_repetition_that_is_too_long(length: int, found: tuple[list[int], list[int]]) -> None:
    """Hyperscan does not count so far: it names the probe, and its rule finds nothing."""
    probes = (Probe(("key",), "key[a-z]{0,50}="),)
    data = b"key" + b"x" * length + b"="

    assert (verdict(make_native(probes), data), verdict(make_native(probes, hyperscan=True), data)) == found


@given(texts=st.lists(st.lists(st.text(max_size=8) | WORDS | SIGNS, max_size=8).map("".join), min_size=1, max_size=5))
@settings(max_examples=100)
def test_one_look_at_some_pieces_tells_what_looks_at_each_tell(
    engines: tuple[Prefilter, ...], texts: list[str]
) -> None:
    """It misses none; what it tells beside stands in two pieces together. Of a single piece it says exactly the same."""
    pieces = [text.encode("utf-8", "surrogatepass") for text in texts]
    for engine in engines:
        found = engine.match_each(pieces)
        together = {
            *(engine.match(b"\n".join(pieces)) or ()),
            *itertools.chain.from_iterable(map(engine.match, pieces)),
        }
        for piece, here in zip(pieces, found.in_each, strict=True):
            assert {*(engine.match(piece) or ())} <= {*here, *found.anywhere} <= together
        alone = engine.match_each(pieces[:1])
        assert sorted({*alone.in_each[0], *alone.anywhere}) == verdict(engine, pieces[0])


def test_text_that_walks_through_many_states(engines: tuple[Prefilter, ...]) -> None:
    """The default memory of re2 suffices for it."""
    words = ("passw", "-----BEGIN A ", "://a:", "sk-", "token_", "user bob ", '"\\"', "authorization", "= ", "eyJ")
    text = "".join(itertools.chain.from_iterable(itertools.permutations(words, 3))) + f" {GITHUB}"
    re2, hyperscan, standard = in_all(engines, text.encode())

    assert re2 == hyperscan == standard != []


@pytest.mark.parametrize("count", [1, 2, FEW_ENDS, FEW_ENDS + 1, 50, 3000])
@pytest.mark.parametrize("is_last", [False, True])
def test_a_beginning_that_stands_often(engines: tuple[Prefilter, ...], count: int, is_last: bool) -> None:
    """One place alone, behind all others, holds the whole probe; or none does."""
    data = ("the key was here. " * count + ("api_key = a1B2c3D4e5f6G7h8J9" if is_last else "")).encode()
    re2, hyperscan, standard = in_all(engines, data)

    assert re2 == hyperscan == standard
    assert bool(standard) == is_last


@pytest.mark.parametrize("offset", [-1100, -1024, -1000, -20, -1, 0, 1, 20, LOOK_BYTES - 1050])
def test_what_spans_the_pieces_of_a_long_text(engines: tuple[Prefilter, ...], offset: int) -> None:
    """A long text is searched in pieces, so that no call lasts; what stands at their borders is found, as in a short text."""
    secret = b'"password": "hunter2hunter2"'
    data = b" " * (LOOK_BYTES + offset) + secret + b" " * LOOK_BYTES

    for engine in engines[:2]:
        assert verdict(engine, data) == verdict(engine, b" " + secret + b" ") != []


@pytest.mark.parametrize("offset", [0, 31_000, 32_760, 32_768, 65_530, 100_000])
def test_what_spans_the_chunks_of_the_standard_library(engines: tuple[Prefilter, ...], offset: int) -> None:
    """Chunks overlap by more than the longest match."""
    data = b"." * offset + b' "db_password": "x" ' + GITHUB.encode() + b" " * 50_000
    fast, *_, standard = engines

    assert verdict(standard, data) == verdict(fast, data) != []


# ── re2, and its memory ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("max_memory_bytes", [1, 10_000, 100_000])
def test_an_automaton_without_enough_memory_is_refused_when_it_is_made(max_memory_bytes: int) -> None:
    """re2 answers "no match" to everything then; such an engine must never be taken for one that finds nothing."""
    with pytest.raises(EngineUnusable):
        NativePrefilter(PROBES, max_memory_bytes)


def test_a_cache_that_overflows_during_a_search_loses_no_match() -> None:
    """Text made to need a new state at every character makes re2 forget its states again and again, and still find what follows."""
    # 2^14 and more states: which of the last 14 characters were an `a`.
    probes = (Probe(("a",), "a[ab]{14}c"), Probe(("ghp_",), "ghp_[A-Za-z0-9]{10}"))
    bits = "".join("ab"[number >> bit & 1] for number in range(8192) for bit in range(14))
    small = NativePrefilter(probes, 64 * 1024)

    assert verdict(small, f"{bits}{GITHUB}".encode()) == [1]
    assert verdict(small, f"{bits}a{'b' * 14}c {GITHUB}".encode()) == [0, 1]


def test_without_re2_the_standard_library_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where Hyperscan is there."""
    make_prefilter(PROBES)
    monkeypatch.setitem(sys.modules, "re2", None)

    assert isinstance(make_prefilter(PROBES), RePrefilter)


# ── Hyperscan's automaton ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def makes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """How often the automaton was made; the threads that make it are waited for."""
    import threading

    made: list[int] = []

    class Counted(HyperscanSearch):
        def __init__(self, *arguments: Any, make: bool) -> None:
            made.extend([1] * make)
            super().__init__(*arguments, make=make)

    monkeypatch.setattr(native_prefilter, "HyperscanSearch", Counted)

    def wait() -> int:
        for thread in threading.enumerate():
            if thread.name == "spanbridge-hyperscan":
                thread.join()
        return len(made)

    yield wait
    wait()


def test_it_is_made_when_it_pays(makes: Callable[[], int]) -> None:
    """Who searches little does not pay for it; who searches much pays once, and is not kept waiting."""
    prefilter = make_native()
    data = b"hello world " * 100
    for _ in range(START_BYTES // len(data)):
        assert not prefilter.match(data)
    assert (makes(), prefilter.engine) == (0, "re2")

    for _ in range(10):
        assert not prefilter.match(data)
    assert (makes(), prefilter.engine) == (1, "hyperscan")


def test_the_next_process_has_it_at_once() -> None:
    """It is kept in a file of the user's own; whoever searches for something else makes another."""
    make_native(PROBES, hyperscan=True)
    code = (
        "from spanbridge import SensitiveDataFilter\nfrom spanbridge.processors.matcher import make_prefilter\n"
        "print(make_prefilter(SensitiveDataFilter().probes).engine, make_prefilter(SensitiveDataFilter(pii=True).probes).engine)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["hyperscan", "re2"]


def kept_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache").rglob("hyperscan-*")
    return path


def test_the_file_is_private(tmp_path: Path) -> None:
    make_native(hyperscan=True)
    path = kept_file(tmp_path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(bytes(data))


def of_another_platform(path: Path) -> None:
    automaton_file.write(path, b"x" * 1000)


@pytest.mark.parametrize(
    "spoil",
    [
        damage,
        of_another_platform,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.chmod(0o666),
        lambda path: (path.rename(path.with_suffix(".old")), path.symlink_to(path.with_suffix(".old"))),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["damaged", "of another platform", "empty", "cut", "writable by others", "a link", "a folder"],
)
def test_a_file_that_cannot_be_believed_is_not_read(spoil: Callable[[Path], Any], tmp_path: Path) -> None:
    """Native code believes what it reads."""
    make_native(hyperscan=True)
    assert NativePrefilter(GITHUB_PROBES, next(_memory)).engine == "hyperscan"
    spoil(kept_file(tmp_path))
    prefilter = NativePrefilter(GITHUB_PROBES, next(_memory))

    assert prefilter.engine == "re2"
    assert prefilter.match(GITHUB.encode())


@pytest.mark.skipif(os.name != "posix", reason="there is no such place")
def test_a_cache_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The automaton is made by each process then."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/cache")

    assert make_native(hyperscan=True).match(GITHUB.encode())


def test_without_hyperscan_re2_goes_on(monkeypatch: pytest.MonkeyPatch, makes: Callable[[], int]) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    prefilter = make_native()
    for _ in range(2):
        assert not prefilter.match(b"hello world " * (START_BYTES // 12))

    assert (makes(), prefilter.engine) == (1, "re2")
    assert prefilter.match(GITHUB.encode())


def test_patterns_that_hyperscan_does_not_take(contained_errors: list[tuple[str, BaseException]]) -> None:
    """re2 goes on; that is told in the log, once."""
    prefilter = NativePrefilter((Probe(("a",), "(?:.{16}a.{16}|.{16}b){16}"), *PROBES))
    prefilter.make_hyperscan()

    assert prefilter.engine == "re2"
    assert prefilter.match(GITHUB.encode())
    assert [place for place, _ in contained_errors] == ["Hyperscan's automaton"]
    contained_errors.clear()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_is_forked_while_it_is_made_makes_its_own() -> None:
    """The thread that makes it is the parent's."""
    code = """
import os, threading, time
from spanbridge.processors import hyperscan_search
from spanbridge.processors.matcher import make_prefilter
from spanbridge import SensitiveDataFilter

forked, make, parent = threading.Event(), hyperscan_search._make, os.getpid()

def make_later(*arguments):
    if os.getpid() == parent:
        forked.wait()
    return make(*arguments)

hyperscan_search._make = make_later
prefilter = make_prefilter(SensitiveDataFilter().probes)
prefilter.match(b"x" * 100_000)
child = os.fork()
forked.set()
prefilter.match(b"y" * 100_000)
for thread in threading.enumerate():
    if thread.name == "spanbridge-hyperscan":
        thread.join()
assert prefilter.engine == "hyperscan", prefilter.engine
if child:
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_leaves_the_parents_automaton_alone() -> None:
    """Another thread may have been searching: what it had locked stays locked in the child for ever."""
    code = """
import os, re2
from spanbridge import SensitiveDataFilter
from spanbridge.processors import re2_search

def of_one_process(make):
    def make_search(*arguments):
        search, made_in = make(*arguments), os.getpid()
        return lambda data: search(data) if os.getpid() == made_in else os._exit(3)
    return make_search

re2_search._set_of = of_one_process(re2_search._set_of)
re2_search._search_for = of_one_process(re2_search._search_for)
sensitive_data = SensitiveDataFilter()
texts = ["harmless", "user=bob password=tangerine9", "AKIA" + "Z" * 16]
redacted = sensitive_data.redact(texts)
assert redacted[0] == texts[0] and "tangerine9" not in redacted[1]
kept = re2.compile(b"kept by the library")
child = os.fork()
assert sensitive_data.redact(texts) == redacted
assert (re2.compile(b"kept by the library") is kept) == (child != 0)
if child:
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
