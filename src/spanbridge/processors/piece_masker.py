"""Masks the secrets of a text that came in pieces, in the pieces; `chunked_text.py` tells what the pieces of one text are."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from spanbridge.processors import chunked_text, json_text
from spanbridge.processors.command_lines import is_argument_list
from spanbridge.processors.masking_styles import quoted
from spanbridge.processors.placeholders import was_masked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanbridge.processors.candidates import Candidates
    from spanbridge.processors.text_rule import Budget, Span
    from spanbridge.processors.text_search import TextSearch


_SHORTEST_REST = 5
"""Characters of a secret whose end is a word of the next string: `["password 200", "Anything else?"]` holds none."""


_ENDS = ".,;:!?"
"""Of sentences, in which a provider shows the key that it was sent: `sk-***1234.`."""


class PieceMasker:
    """Masks what stands in several items of one list.

    `mask` gives what stands for a secret, by its rule, itself and where in the text it starts; `inner` what a value of JSON in a string
    becomes.
    """

    def __init__(
        self,
        search: TextSearch,
        candidates: Candidates,
        budget: Budget,
        mask: Callable[[str, str, int], str],
        inner: Callable[[Any], Any],
    ) -> None:
        self._search = search
        self._candidates = candidates
        self._budget = budget
        self._mask = mask
        self._inner = inner

    def masked(self, items: Sequence[Any]) -> list[Any] | None:
        """The items with the secrets masked that stand in several of them: the first piece gets the marker, the others lose their part."""
        result: list[Any] | None = None
        if {*map(type, items)} == {str}:
            if chunked_text.may_hold_events(items[0]) and (result := self._in_documents(items)) is not None:
                return result
            if is_argument_list(items):
                return None
        for run in chunked_text.runs(items):
            text = run.text
            matched = self._candidates[text] if len(text) >= self._search.shortest else None
            spans = self._candidates.spans(text, matched, self._budget) if matched else []
            if spans:
                spans = self._in_pieces(spans, run)
            offset = first = 0
            for number, piece in zip(run.numbers, run.pieces, strict=True) if spans else ():
                end = offset + len(piece)
                while first < len(spans) and spans[first].end <= offset:
                    first += 1
                last = first
                while last < len(spans) and spans[last].start < end:
                    last += 1
                inside = [span for span in spans[first:last] if not self._stands_alone(span, piece, offset)]
                if inside:
                    result = list(items) if result is None else result
                    masked = self._masked_part(text, inside, offset, end)
                    result[number] = chunked_text.replaced(result[number], run.path, masked)
                offset = end
        return result

    def _in_documents(self, texts: Sequence[str]) -> list[Any] | None:
        """As `masked`, of strings that hold one event each: `data: {...}`."""
        regions = [self._candidates.regions(text)[:1] for text in texts]
        documents = [found[0][2] if found else None for found in regions]
        joined = self.masked(documents) if len(documents) > 1 else None
        if joined is None:
            return None
        return [
            text[: found[0][0]]
            + json_text.rewritten(text, found[0][0], found[0][2], new, self._inner)
            + text[found[0][1] :]
            if found
            else text
            for text, found, new in zip(texts, regions, joined, strict=True)
        ]

    def _in_pieces(self, spans: Sequence[Span], run: chunked_text.Run) -> list[Span]:
        """The secrets of a text in pieces: without those that were masked in a piece before, nor the words of a next string."""
        ends = list(accumulate(map(len, run.pieces)))
        result: list[Span] = []
        for span in spans:
            first, last = bisect_right(ends, span.start), bisect_right(ends, span.end - 1)
            if first == last:
                result.append(span)
                continue
            starts = [ends[index - 1] if index else 0 for index in range(first, last + 1)]
            pieces = [
                piece[max(0, span.start - start) : span.end - start]
                for piece, start in zip(run.pieces[first : last + 1], starts, strict=True)
            ]
            if any(was_masked(piece.rstrip(_ENDS)) or self._search.is_masked(piece) for piece in pieces):
                continue
            if not run.is_stream:
                piece, start = run.pieces[first], starts[0]
                if self._stands_alone(span._replace(end=ends[first]), piece, start):
                    if not chunked_text.goes_on("".join(pieces[1:]), run.pieces[first + 1]):
                        continue  # an argument, a variable, a tag: it is masked where it stands, and what follows is the next one
                elif chunked_text.is_word(pieces[-1]):
                    if starts[-1] - span.start < _SHORTEST_REST:
                        continue
                    span = span._replace(end=starts[-1])  # noqa: PLW2901 - the rest of it
            result.append(span)
        return result

    def _stands_alone(self, span: Span, piece: str, offset: int) -> bool:
        """Whether a secret of a text is found in one of its pieces too: then it is masked with that piece."""
        if span.start < offset or span.end > offset + len(piece) or len(piece) < self._search.shortest:
            return False
        matched = self._candidates[piece]
        return bool(matched) and any(
            other.start <= span.start - offset and other.end >= span.end - offset
            for other in self._candidates.spans(piece, matched, self._budget)
        )

    def _masked_part(self, text: str, spans: Sequence[Span], start: int, end: int) -> str:
        """A piece of a text, from `start` to `end`; where a secret begins in it, its mask stands."""
        parts: list[str] = []
        at = start
        for span in spans:
            parts.append(text[at : max(span.start, at)])
            if span.start >= start:
                parts.append(quoted(self._mask(span.rule, text[span.start : span.end], span.start), text, span))
            at = min(span.end, end)
        parts.append(text[at:end])
        return "".join(parts)
