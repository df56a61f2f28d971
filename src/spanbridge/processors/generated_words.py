"""Whether letters alone were generated, as `qgzAqucNClatl` was: few of their neighbours are such in words and names."""

from __future__ import annotations

_FOLLOWERS = {
    "a": "bcdgiklmnprstuvy", "b": "aeilosu", "c": "acehiklorstuyz", "d": "abdeiloprsu", "e": "abcdefgiklmnopqrstvwxyz", "f": "aefiloru",
    "g": "aeghinorsu", "h": "aeikot", "i": "abcdefgijklmnoprstvz", "j": "aeou", "k": "aeiknorstu", "l": "adeiklostuy", "m": "abeimopsu",
    "n": "acdefgiknopstuv", "o": "abcdfgiklmnoprstuvw", "p": "aehiloprstu", "q": "u", "r": "acdegikmnoprstuvyz", "s": "acehiklnopstuz",
    "t": "acdefhilmoprstuy", "u": "abceklmnprst", "v": "aeio", "w": "aioy", "x": "ceipt", "y": "pst", "z": "aeiy",
}  # fmt: skip
"""For each letter those that follow it often: counted over the words and names in the standard library, with some of other languages."""
_PAIRS = frozenset(first + second for first, followers in _FOLLOWERS.items() for second in followers)
_SHORTEST = 10
_LONGEST = 200
_MOST_OF_WORDS = 0.6
"""The share of such pairs below which hardly a word or a name in camel case falls, and nine of ten generated ones do."""
_FEWEST_LETTERS = 6
"""Different ones: a row of the same is no secret."""


def is_generated(word: str) -> bool:
    """Whether a word of letters alone was generated rather than written."""
    if not (_SHORTEST <= len(word) <= _LONGEST and word.isalpha() and word.isascii()):
        return False
    letters = word.lower()
    known = sum(letters[at : at + 2] in _PAIRS for at in range(len(letters) - 1))
    return known < _MOST_OF_WORDS * (len(letters) - 1) and len(set(letters)) >= _FEWEST_LETTERS
