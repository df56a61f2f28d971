import gc
import sys
import weakref

import pytest

from spanbridge.tracing.exceptions import (
    FIRST_FRAMES,
    LAST_FRAMES,
    MAX_CAUSES,
    capture_exception,
    render_exception,
    status_of,
)


def raised(function):
    with pytest.raises(BaseException) as caught:
        function()
    return caught.value


def chain():
    try:
        try:
            raise KeyError("first")
        except KeyError:
            raise TypeError("second")  # noqa: B904 - without a cause, on purpose
    except TypeError as error:
        raise ValueError("third") from error


def test_causes():
    """The exceptions behind it are listed nearest first, with how they are related."""
    captured = capture_exception(raised(chain))

    assert captured["causes"] == [
        {"type": "TypeError", "message": "second", "relation": "cause"},
        {"type": "KeyError", "message": "'first'", "relation": "context"},
    ]


def test_a_context_that_was_suppressed_is_left_out():
    """`raise ... from None` hides what was before."""

    def fail():
        try:
            raise KeyError("hidden")
        except KeyError:
            raise ValueError("shown") from None

    assert capture_exception(raised(fail))["causes"] == []


def test_a_cycle_of_causes_ends():
    """Causes that go in a circle are listed once."""
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one

    assert [cause["message"] for cause in capture_exception(one)["causes"]] == ["other"]


def test_many_causes_have_a_bound():
    """Only the nearest causes are kept."""
    error = ValueError(0)
    for number in range(1, 50):
        error, cause = ValueError(number), error
        error.__cause__ = cause

    assert len(capture_exception(error)["causes"]) == MAX_CAUSES


def test_deep_tracebacks_have_a_bound():
    """Of a very deep traceback the first and last frames are kept, and the rest is counted."""

    def dive(depth):
        if depth == 0:
            raise ValueError("bottom")
        sink(depth - 1)

    def sink(depth):  # two functions, because Python folds lines that repeat
        dive(depth)

    error = render_exception(capture_exception(raised(lambda: dive(200))))

    assert error["stack"].count("  File ") == FIRST_FRAMES + LAST_FRAMES
    assert "frames left out]" in error["stack"]
    assert error["stack"].endswith("ValueError: bottom\n")


def test_nothing_of_the_application_is_kept_alive():
    """What is recorded holds no frame and no local."""

    class Big:
        pass

    held = []

    def fail():
        big = Big()
        held.append(weakref.ref(big))
        raise ValueError("x")

    captured = []
    try:
        fail()
    except ValueError as error:
        captured.append(capture_exception(error))
    gc.collect()

    assert held[0]() is None
    assert captured[0]["message"] == "x"


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Nameless(Exception):
    __module__ = None


class Occupied(Exception):
    """Of an application that uses Python's names for its own."""

    def _raise(self, *_):
        raise RuntimeError("occupied")

    __cause__ = __context__ = __suppress_context__ = __traceback__ = exceptions = property(_raise, _raise)


@pytest.mark.parametrize(
    "error",
    [
        Occupied(),
        Mute(),
        Nameless(),
        ValueError("\ud800"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
        OSError(2, "No such file"),
    ],
)
def test_odd_exceptions(error):
    """An exception whose text cannot be had, or encoded, is recorded all the same."""

    def fail():
        raise error

    captured = render_exception(capture_exception(raised(fail)))

    assert captured["type"].endswith(type(error).__name__)
    captured["message"].encode()
    captured["stack"].encode()
    assert status_of(error) == "error"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups are new in Python 3.11")
def test_groups():
    """Members of nested groups are listed, and so are their causes."""
    cause = KeyError("why")
    member = ValueError("a")
    member.__cause__ = cause
    group = eval("ExceptionGroup('outer', [ExceptionGroup('inner', [member]), TypeError('b')])", {"member": member})

    relations = [(item["relation"], item["type"]) for item in capture_exception(group)["causes"]]

    assert relations == [
        ("member", "ExceptionGroup"),
        ("member", "TypeError"),
        ("member", "ValueError"),
        ("cause", "KeyError"),
    ]
