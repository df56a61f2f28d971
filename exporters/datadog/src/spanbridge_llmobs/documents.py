"""What an embedding reads and a retrieval finds, as LLM Observability's documents: `{"text", "name", "id", "score"}`."""

# Values of any shape pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from itertools import chain
from math import isfinite
from typing import Any

from spanbridge_llmobs.caps import Budget, json_text

Document = dict[str, Any]

MAX_DOCUMENTS = 1000
# fmt: off
_LISTS = (
    "documents", "results", "matches", "hits", "points", "objects", "nodes", "source_nodes", "retrievalResults", "chunks", "memories",
    "messages", "data", "items", "input", "texts", "values", "value",
)
# fmt: on
"""Where a result or a request holds several."""
_TEXTS = ("text", "content", "page_content", "pageContent", "document", "chunk", "body", "memory", "value")
_NAMES = ("name", "title", "source", "filename", "file_name", "file_path")
_IDS = ("id", "document_id", "doc_id", "file_id", "uuid", "key", "_id")
_SCORES = ("score", "relevance_score", "similarity", "_score", "@search.score", "distance", "vector_distance")
_HOLDERS = ("metadata", "meta", "payload", "properties", "entity", "node", "document", "content", "_source")
"""Where vector stores keep what a match stands for."""
_COLUMNS = {"ids": "id", "documents": "text", "metadatas": "metadata", "distances": "distance"}
"""Chroma's columns, each with a list for each query; and what a document calls them."""


def documents(value: Any) -> list[Document]:
    """The documents in `value`; whatever is none is one with its JSON as the text."""
    if value is None:
        return []
    items = [document for item in _items(value) for document in (item if _is_list_of_objects(item) else [item])]
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


def _items(value: Any) -> list[Any]:
    """What a result or a request holds; a list for each query is one of them."""
    if not isinstance(value, dict):
        return value if isinstance(value, list) else [value]
    columns = {name: value[column] for column, name in _COLUMNS.items() if isinstance(value.get(column), list)}
    if "id" in columns and all(isinstance(of_query, list) for column in columns.values() for of_query in column):
        rows = zip(*map(chain.from_iterable, columns.values()), strict=False)
        return [dict(zip(columns, row, strict=True)) for row in rows]
    for name in _LISTS:
        inner = value.get(name)
        if isinstance(inner, dict):
            inner = inner.get(name)  # Elasticsearch's hits have hits
        if isinstance(inner, list):
            return inner
    return [value]


def _is_list_of_objects(item: Any) -> bool:
    return isinstance(item, list) and bool(item) and all(isinstance(inner, dict) for inner in item)


def embedding_text(value: Any) -> str:
    """An embedding's output: vectors by their number and size, as ddtrace writes them; anything else as text."""
    vectors = value
    if isinstance(value, dict):
        vectors = next(
            (value[name] for name in ("embeddings", "embedding", "data", "vectors") if value.get(name)), value
        )
    if isinstance(vectors, dict) and len(vectors) == 1:  # Cohere's, by the type of their numbers
        (vectors,) = vectors.values()
    if _is_vector(vectors):
        vectors = [vectors]
    if isinstance(vectors, list) and vectors:
        rows = [row.get("embedding", row.get("values")) if isinstance(row, dict) else row for row in vectors]
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
    if text is None and (parts := _first(places, ("content",), list)) is not None:
        text = (
            "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
            or None
        )
    document: Document = {"text": json_text(item) if text is None else text}
    name, document_id = _first(places, _NAMES, str), _first(places, _IDS, (str, int))
    score = _number(_first(places, _SCORES, (int, float, str)))
    if name:
        document["name"] = name
    if document_id is not None and document_id != "":
        document["id"] = str(document_id)
    if score is not None:
        document["score"] = score
    return document


def _first(places: list[dict[str, Any]], names: tuple[str, ...], kinds: Any) -> Any:
    return next((place[name] for place in places for name in names if isinstance(place.get(name), kinds)), None)


def _number(value: Any) -> int | float | None:
    """A number; also of text, as Redis and decimals have it."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
        return value if isfinite(value) else None
    return None if isinstance(value, bool) else value
