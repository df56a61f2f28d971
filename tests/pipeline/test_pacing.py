import sys

import pytest

from spanbridge.pacing import SHORT_TURN_S, short_turns


@pytest.fixture
def interval():
    """The interpreter's own switch interval, put back after the test."""
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def test_short_turns_end_with_their_block(interval):
    """Inside, whoever waits gets the interpreter soon; afterwards, also after an error, as before."""
    with pytest.raises(KeyError), short_turns():
        inside = sys.getswitchinterval()
        raise KeyError

    assert inside == pytest.approx(SHORT_TURN_S)
    assert sys.getswitchinterval() == interval


def test_what_the_application_sets_stays(interval):
    """An interval that the application sets meanwhile, or had set shorter before, is left alone."""
    with short_turns():
        sys.setswitchinterval(0.002)
    meanwhile = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    with short_turns():
        inside = sys.getswitchinterval()

    assert meanwhile == pytest.approx(0.002)
    assert inside == pytest.approx(0.0001)
