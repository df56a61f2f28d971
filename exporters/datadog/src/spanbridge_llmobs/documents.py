"""What an embedding reads and a retrieval finds, as LLM Observability's documents: `{"text", "name", "id", "score"}`."""

# Values of any shape pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

from spanbridge_llmobs.caps import Budget, json_text

Document = dict[str, Any]

MAX_DOCUMENTS = 1000
_LISTS = (
    "documents",
    "results",
    "matches",
    "hits",
    "chunks",
    "memories",
    "messages",
    "data",
    "items",
    "input",
    "texts",
    "values",
)
"""Where a result or a request holds several."""
_TEXTS = ("text", "content", "page_content", "pageContent", "document", "chunk", "body", "memory", "value")
_NAMES = ("name", "title", "source", "filename")
_IDS = ("id", "document_id", "doc_id", "key", "_id")
_SCORES = ("score", "relevance_score", "similarity", "_score", "distance")
_HOLDERS = ("metadata", "payload", "node", "document")
"""Where vector stores keep what a match stands for."""


def documents(value: Any) -> list[Document]:
    """The documents in `value`; whatever is none is one with its JSON as the text."""
    if value is None:
        return []
    if isinstance(value, dict):
        inner = next((value[name] for name in _LISTS if isinstance(value.get(name), list)), None)
        value = value if inner is None else inner
    items = value if isinstance(value, list) else [value]
    budget = Budget()
    found: list[Document] = []
    for item in items[:MAX_DOCUMENTS]:
        if budget.is_spent:
            break
        document = _document(item)
        document["text"] = budget.text(document["text"])
        found.append(document)
    if len(found) < len(items):
        found.append({"text": f"[{len(items) - len(found)} more documents truncated]"})
    return found


def embedding_text(value: Any) -> str:
    """An embedding's output: vectors by their number and size, as ddtrace writes them; anything else as text."""
    vectors = value
    if isinstance(value, dict):
        vectors = next(
            (value[name] for name in ("embeddings", "embedding", "data", "vectors") if value.get(name)), value
        )
    if _is_vector(vectors):
        vectors = [vectors]
    if isinstance(vectors, list) and vectors:
        rows = [row.get("embedding") if isinstance(row, dict) else row for row in vectors]
        if all(map(_is_vector, rows)):
            return f"[{len(rows)} embedding(s) returned with size {len(rows[0])}]"
    return Budget().text(json_text(value))


def _is_vector(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], (int, float))
        and not isinstance(value[0], bool)
    )


def _document(item: Any) -> Document:
    if not isinstance(item, dict):
        if (
            isinstance(item, list)
            and len(item) == 2
            and isinstance(item[0], dict)
            and isinstance(item[1], (int, float))
        ):
            return {**_document(item[0]), "score": item[1]}  # LangChain's similarity_search_with_score
        return {"text": json_text(item)}
    places = [item, *(item[name] for name in _HOLDERS if isinstance(item.get(name), dict))]
    text = _first(places, _TEXTS, str)
    document: Document = {"text": json_text(item) if text is None else text}
    name, document_id, score = (
        _first(places, _NAMES, str),
        _first(places, _IDS, (str, int)),
        _first(places, _SCORES, (int, float)),
    )
    if name:
        document["name"] = name
    if document_id is not None and document_id != "":
        document["id"] = str(document_id)
    if score is not None and not isinstance(score, bool):
        document["score"] = score
    return document


def _first(places: list[dict[str, Any]], names: tuple[str, ...], kinds: Any) -> Any:
    return next((place[name] for place in places for name in names if isinstance(place.get(name), kinds)), None)
