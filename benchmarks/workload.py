"""The workload: turns of a customer-support agent, 8 spans and about 12 KB of JSON each.

    agent_run
    ├── memory_operation    recall
    ├── model_generation    chooses the tools
    ├── workflow_step       gathers what the answer needs
    │   ├── tool_call       an order
    │   └── tool_call       a search
    ├── model_generation    answers
    └── memory_operation    save

The 128 variants differ in every text and number, and are the same on every machine. Two of each 16 hold secrets, made up like the rest.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any, NamedTuple

VARIANTS = 128
SPANS_PER_TURN = 8
SECRET_BEARING = (5, 11)
"""Which of each 16 variants hold secrets."""
MODEL = "gpt-4o-mini"
PROVIDER = "openai"
INSTRUCTIONS = (
    "You are the support agent of an online shop. Look up orders before you answer, quote tracking numbers exactly, "
    'and hand over to a colleague if the customer asks for one.\nAnswer in the customer\'s language; say "I do not know" if you do not.'
)

_WORDS = re.findall(
    r"\w+",
    """
    order parcel delivery customer address invoice refund warehouse courier tracking label return exchange size colour jacket boots tent
    stove lamp bottle the a of to in for with and or not was is will has been arrived left yesterday today tomorrow morning evening
    Monday Friday damaged missing complete partial waiting confirmed cancelled
    """,
)
_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class ModelCall(NamedTuple):
    """One request to a model and its answer."""

    messages: list[dict[str, Any]]
    answer: dict[str, Any]
    input_tokens: int
    output_tokens: int
    finish_reason: str


class ToolCall(NamedTuple):
    """One tool, what it was given and what it gave."""

    name: str
    call_id: str
    arguments: dict[str, Any]
    result: Any


class MemoryOperation(NamedTuple):
    """What was asked of the memory, and what it gave."""

    query: dict[str, Any]
    result: Any


class Turn(NamedTuple):
    """All payloads of one agent turn."""

    session_id: str
    tenant: str
    question: str
    recall: MemoryOperation
    choice: ModelCall
    step_input: dict[str, Any]
    tools: tuple[ToolCall, ToolCall]
    step_output: dict[str, Any]
    answer: ModelCall
    save: MemoryOperation
    reply: str


def make_turns(count: int = VARIANTS) -> list[Turn]:
    """The first `count` variants."""
    return [_make_turn(index) for index in range(count)]


def payload_bytes(turn: Turn) -> int:
    """Bytes of all payloads of a turn as compact JSON."""
    return len(json.dumps(turn, separators=(",", ":"), ensure_ascii=False).encode())


def fresh_copy(turn: Turn) -> Turn:
    """An equal turn that shares no payload with `turn`, as each turn of an application is."""
    session_id, tenant, question, recall, choice, step_input, tools, step_output, answer, save, reply = json.loads(
        json.dumps(turn)
    )
    first, second = tools
    return Turn(
        session_id,
        tenant,
        question,
        MemoryOperation(*recall),
        ModelCall(*choice),
        step_input,
        (ToolCall(*first), ToolCall(*second)),
        step_output,
        ModelCall(*answer),
        MemoryOperation(*save),
        reply,
    )


def _make_turn(index: int) -> Turn:
    source = random.Random(index)
    question = _text(source, 45)
    history = [
        {"role": role, "content": _text(source, words)}
        for role, words in (("user", 50), ("assistant", 65), ("user", 35))
    ]
    notes = [{"id": _code(source, "mem", 12), "text": _text(source, 25), "score": _fraction(source)} for _ in range(3)]
    order_id = _code(source, "ord", 10)
    order = ToolCall(
        "lookup_order",
        _code(source, "call", 16),
        {"order_id": order_id, "include": ["items", "shipments"], "locale": "en-GB"},
        {"order_id": order_id, "status": source.choice(_WORDS), "items": [_order_line(source) for _ in range(6)]},
    )
    search = ToolCall(
        "search_articles",
        _code(source, "call", 16),
        {
            "query": _text(source, 12),
            "limit": 4,
            "filters": {"category": source.choice(_WORDS), "updated_after": _date(source)},
        },
        [_article(source) for _ in range(4)],
    )
    if index % 16 in SECRET_BEARING:
        order, history = _with_secrets(source, order, history)
    messages = [{"role": "system", "content": INSTRUCTIONS}, *history, {"role": "user", "content": question}]
    calls = [
        {"id": tool.call_id, "name": tool.name, "arguments": json.dumps(tool.arguments)} for tool in (order, search)
    ]
    choice = ModelCall(messages, {"role": "assistant", "content": None, "tool_calls": calls}, 612, 58, "tool_calls")
    reply = _text(source, 110)
    results = [
        {"role": "tool", "tool_call_id": tool.call_id, "content": json.dumps(tool.result)[:700]}
        for tool in (order, search)
    ]
    answer = ModelCall([*messages, *results], {"role": "assistant", "content": reply}, 1180, 143, "stop")
    return Turn(
        session_id=_code(source, "ses", 16),
        tenant=f"tenant-{source.randrange(40)}",
        question=question,
        recall=MemoryOperation({"query": question, "top_k": 3, "threshold": 0.7}, notes),
        choice=choice,
        step_input={"order_id": order_id, "tools": [order.name, search.name], "deadline_ms": 4000},
        tools=(order, search),
        step_output={"found": len(order.result), "articles": [article["title"] for article in search.result]},
        answer=answer,
        save=MemoryOperation(
            {"messages": [{"role": "assistant", "content": reply}]}, {"saved": 1, "id": _code(source, "mem", 12)}
        ),
        reply=reply,
    )


def _with_secrets(
    source: random.Random, order: ToolCall, history: list[dict[str, Any]]
) -> tuple[ToolCall, list[dict[str, Any]]]:
    """A key by its name, one by its form within a text, and one in JSON within a string."""
    arguments = {**order.arguments, "api_key": _random_text(source, 32)}
    access_key = "AKIA" + "".join(source.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
    headers = json.dumps({"authorization": f"Bearer {_random_text(source, 40)}"})
    first = {"role": "user", "content": f"{history[0]['content']}\nmy key is {access_key}, I sent {headers}"}
    return order._replace(arguments=arguments), [first, *history[1:]]


def _order_line(source: random.Random) -> dict[str, Any]:
    return {
        "sku": _code(source, "sku", 8),
        "title": _text(source, 5),
        "quantity": source.randint(1, 5),
        "price": round(source.uniform(5, 400), 2),
        "shipped_at": _date(source),
    }


def _article(source: random.Random) -> dict[str, Any]:
    title = _text(source, 6)
    return {
        "title": title,
        "url": f"https://help.example.com/articles/{source.randrange(10**6)}",
        "excerpt": _text(source, 22),
        "score": _fraction(source),
    }


def _text(source: random.Random, words: int) -> str:
    """Words with quotes and line breaks among them, which JSON has to escape."""
    chosen = source.choices(_WORDS, k=words)
    for position in range(14, words, 15):
        chosen[position] = f'{chosen[position]}.\n"{chosen[position - 1]}"'
    return " ".join(chosen)


def _code(source: random.Random, prefix: str, length: int) -> str:
    return f"{prefix}_{source.randrange(16**length):0{length}x}"


def _random_text(source: random.Random, length: int) -> str:
    return "".join(source.choices(_ALPHANUMERIC, k=length))


def _fraction(source: random.Random) -> float:
    return round(source.random(), 4)


def _date(source: random.Random) -> str:
    return f"2026-{source.randint(1, 12):02}-{source.randint(1, 28):02}T{source.randint(0, 23):02}:00:00Z"
