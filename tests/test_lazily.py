"""Attributes that are made when they are first needed."""

from threading import Event, Thread

from spanbridge.lazily import lazily


class Owner:
    def __init__(self, make):
        self.make = make

    @lazily
    def value(self):
        """What was made."""
        return self.make()


def test_made_once():
    """When it is first read."""
    made = []
    owner = Owner(lambda: made.append(None) or len(made))

    assert not made
    assert (owner.value, owner.value, len(made)) == (1, 1, 1)
    assert Owner.value.__doc__ == "What was made."


def test_one_that_takes_long_keeps_no_other_waiting():
    """Nothing is locked meanwhile: a fork would copy the lock, and nobody would ever open it."""
    begun, go_on = Event(), Event()
    thread = Thread(target=lambda: Owner(lambda: begun.set() or go_on.wait(60)).value)
    thread.start()
    assert begun.wait(60)
    others: list[int] = []
    other = Thread(target=lambda: others.append(Owner(lambda: 1).value))
    other.start()
    other.join(60)
    go_on.set()
    thread.join(60)

    assert others == [1]
