"""The demo's model: decides on tool calls or an answer from the messages and tools that it is sent, the same way each time."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Message: TypeAlias = dict[str, Any]
"""A chat message as OpenAI's API writes it."""
ToolResult: TypeAlias = Any
"""What a tool message holds, decoded."""


class ToolCall(NamedTuple):
    """A tool that the model wants to be run."""

    name: str
    arguments: dict[str, Any]


Step: TypeAlias = "list[ToolCall] | str"
"""What the model says: tool calls, or its answer."""

LARGEST_SQL = "SELECT name, version, size_bytes FROM distributions ORDER BY size_bytes DESC, name LIMIT 5"
MOST_REQUIRED_SQL = "SELECT required, count(*) AS dependents FROM requirements GROUP BY required ORDER BY dependents DESC, required LIMIT 5"
TOTALS_SQL = (
    "SELECT count(*) AS distributions, sum(file_count) AS files, sum(size_bytes) AS size_bytes FROM distributions"
)


def next_step(messages: list[Message], tools: list[Message]) -> Step:
    """What the model says to `messages`. Tools that it was not offered are never called."""
    asked_at = max(index for index, message in enumerate(messages) if message["role"] == "user")
    question = str(messages[asked_at]["content"])
    results = [_decoded(message["content"]) for message in messages[asked_at:] if message["role"] == "tool"]
    answer = next((rule.answer for rule in _RULES if re.search(rule.question, question, re.IGNORECASE)), _totals)
    step = answer(question, results)
    if isinstance(step, str):
        return step
    offered = {tool["function"]["name"] for tool in tools}
    missing = sorted({call.name for call in step} - offered)
    return f"I cannot answer that: I was not offered the tool {', '.join(missing)}." if missing else step


def _largest(_question: str, results: list[ToolResult]) -> Step:
    if not results:
        return [ToolCall("query_packages", {"sql": LARGEST_SQL})]
    rows = _rows(results[0])
    if not rows:
        return "No distribution is installed."
    first, *others = [f"{row['name']} {row['version']} with {row['size_bytes'] / 1e6:.1f} MB" for row in rows]
    return f"The largest is {first}" + (f", followed by {', '.join(others)}." if others else ".")


def _most_required(_question: str, results: list[ToolResult]) -> Step:
    """Asks for the counts, then for what the winner is."""
    if not results:
        return [ToolCall("query_packages", {"sql": MOST_REQUIRED_SQL})]
    rows = _rows(results[0])
    if not rows:
        return "No installed distribution requires another one."
    winner = rows[0]["required"]
    if len(results) == 1:
        return [ToolCall("describe_distribution", {"name": winner})]
    summary = results[1].get("summary") or "no summary"
    return f"{winner} is required by {rows[0]['dependents']} distributions. It says of itself: {summary}"


def _describe(question: str, results: list[ToolResult]) -> Step:
    """Looks at a distribution and, at once, at the distributions that need it."""
    named = re.search(r"does ([\w.-]+?) (?:require|need)", question)
    name = named[1] if named else ""
    if not results:
        sql = f"SELECT name FROM requirements WHERE required = '{name}' ORDER BY name"  # noqa: S608 - a name of [\w.-] only
        return [ToolCall("describe_distribution", {"name": name}), ToolCall("query_packages", {"sql": sql})]
    found, dependents = results[0], [row["name"] for row in _rows(results[1])]
    if "error" in found:
        return f"{name} is not installed."
    requires = ", ".join(found["requires"]) or "nothing"
    needed_by = ", ".join(dependents) or "no other distribution"
    return f"{name} {found['version']} requires {requires}. It is required by {needed_by}."


def _totals(_question: str, results: list[ToolResult]) -> Step:
    if not results:
        return [ToolCall("query_packages", {"sql": TOTALS_SQL}), ToolCall("list_distributions", {"limit": 10})]
    (row,) = _rows(results[0]) or [{"distributions": 0, "files": 0, "size_bytes": 0}]
    size = (row["size_bytes"] or 0) / 1e6
    first = ", ".join(results[1][:10])
    return f"{row['distributions']} distributions with {row['files'] or 0} files are installed, {size:.1f} MB in all: {first}, ..."


def _summarize(question: str, _results: list[ToolResult]) -> Step:
    findings = [line.removeprefix("- ") for line in question.splitlines() if line.startswith("- ")]
    return "\n".join(["Report on the installed distributions", *(f"{n}. {text}" for n, text in enumerate(findings, 1))])


class _Rule(NamedTuple):
    question: str
    """A pattern that the question matches."""
    answer: Callable[[str, list[ToolResult]], Step]
    """From the question and the results so far to what the model says."""


_RULES = (
    _Rule(r"^write a report", _summarize),
    _Rule(r"\blargest\b|most space", _largest),
    _Rule(r"required by the most", _most_required),
    _Rule(r"\bdoes [\w.-]+ (require|need)", _describe),
)


def _decoded(content: Any) -> ToolResult:
    try:
        return json.loads(content)
    except (TypeError, ValueError):
        return {"error": str(content)}


def _rows(result: ToolResult) -> list[dict[str, Any]]:
    return result if isinstance(result, list) else []  # pyright: ignore[reportUnknownVariableType]
