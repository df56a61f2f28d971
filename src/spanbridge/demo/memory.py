"""What the agent remembers between its questions: a small memory over SQLite."""

from __future__ import annotations

import re
import sqlite3

import spanbridge as sb

MAX_RECALLED = 3


class Memory:
    """Facts that can be found again by the words that they share with a question."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute("CREATE TABLE facts (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        self._connection.execute("CREATE TABLE words (word TEXT, fact INTEGER, PRIMARY KEY (word, fact)) WITHOUT ROWID")

    def close(self) -> None:
        self._connection.close()

    @sb.memory_operation("recall", operation_type="recall")
    def recall(self, question: str) -> list[str]:
        """The facts that share the most words with the question, the best first."""
        words = _words(question)
        marks = ", ".join("?" * len(words))
        rows = self._connection.execute(
            f"SELECT text FROM words JOIN facts ON id = fact WHERE word IN ({marks}) "  # noqa: S608 - question marks only
            "GROUP BY fact ORDER BY count(*) DESC, fact LIMIT ?",
            (*words, MAX_RECALLED),
        )
        facts = [text for (text,) in rows]
        sb.update_current(message_count=len(facts))
        return facts

    @sb.memory_operation("save", operation_type="save")
    def save(self, question: str, answer: str) -> int:
        """Remembers an answer; the number of the fact."""
        fact = self._connection.execute("INSERT INTO facts (text) VALUES (?)", (f"{question} {answer}",)).lastrowid or 0
        self._connection.executemany("INSERT INTO words VALUES (?, ?)", [(word, fact) for word in _words(question)])
        return fact


def _words(text: str) -> list[str]:
    """The words that say what a text is about: those of four letters or more."""
    return sorted(set(re.findall(r"[a-z]{4,}", text.lower())))
