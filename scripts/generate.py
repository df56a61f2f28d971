"""Writes what follows from the definition of the typed attributes; `--check` only says whether it is up to date.

    python scripts/generate.py            writes docs/span-types.md and src/spanbridge/tracing/openers.pyi
    python scripts/generate.py --check    exits with 1 and names the files that are stale

The source is src/spanbridge/model/: attributes.py and usage.py (fields with the docstring under each, read as syntax) and
span_types.py. Nothing that is generated is edited by hand.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

from spanbridge.model.attributes import ATTRIBUTES
from spanbridge.model.span_types import SPAN_TYPES, SpanType

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "src/spanbridge/model"
STUB = ROOT / "src/spanbridge/tracing/openers.pyi"
DOCUMENT = ROOT / "docs/span-types.md"


class Field(NamedTuple):
    """A keyword argument or the field of a TypedDict; `type` as it is written in Python."""

    name: str
    type: str
    meaning: str
    required: bool = False


SPAN_OPTIONS = [
    Field("input", "Any", "What the step was given. Recorded as it is at this moment."),
    Field("output", "Any", "What the step produced, where it is known at the start."),
    Field("metadata", "Mapping[str, Any] | None", "Anything else to find the span by."),
    Field("tags", "Sequence[str] | None", "Labels of the trace; kept on its root only."),
    Field("parent", "Span | None", "The parent; absent: the current span."),
    Field("links", "Sequence[Link | Span] | None", "Related spans outside the chain of parents."),
    Field("start_time", "int | None", "When the step started, in nanoseconds since the epoch; absent: now."),
    Field(
        "hide_input",
        'bool | Literal["trace"]',
        'Never record the input, nor what may quote it; "trace": on no span of the trace from now on.',
    ),
    Field("hide_output", 'bool | Literal["trace"]', "The same for the output."),
    Field("is_event", "bool", "The span is a moment, without duration."),
    Field("entity_type", "str | None", "The kind of entity that the span stands for; absent: by the span's type."),
    Field("entity_id", "str | None", "The entity's stable id."),
    Field("entity_name", "str | None", "The entity's readable name."),
    Field("user_id", "str | None", "Correlation; flows to children."),
    Field("organization_id", "str | None", "Correlation; flows to children."),
    Field("session_id", "str | None", "Correlation; flows to children."),
    Field("thread_id", "str | None", "Correlation; flows to children."),
    Field("run_id", "str | None", "Correlation; flows to children."),
    Field("request_id", "str | None", "Correlation; flows to children."),
    Field("resource_id", "str | None", "Correlation; flows to children."),
    Field("trace_id", "str | None", "The trace to continue, 32 hex characters; for a root."),
    Field("external_parent_span_id", "str | None", "A parent that another tracer owns, 16 hex characters; for a root."),
]
DECORATOR_OPTIONS = [
    Field("capture_input", "bool", "Record the arguments of a decorated function; absent: yes."),
    Field("capture_output", "bool", "Record the result of a decorated function; absent: yes."),
    Field("ignore_arguments", "Sequence[str]", "Names of arguments to leave out of the recorded input."),
    Field("reduce_output", "Callable[[Any], Any] | None", "Makes what is recorded from the result."),
]
CHANGES = [
    Field("input", "Any", "Replaces the input."),
    Field("output", "Any", "Replaces the output."),
    Field("metadata", "Mapping[str, Any] | None", "Merged into the metadata."),
    Field("tags", "Sequence[str] | None", "Replaces the tags."),
    Field("name", "str | None", "Renames the span."),
]
END_OPTIONS = [
    Field("end_time", "int | None", "When the step ended, in nanoseconds since the epoch; absent: now."),
    Field("status", 'Literal["ok", "error", "cancelled"] | None', 'Absent: "error" after `error()`, else "ok".'),
]

# Attributes whose name says all but the unit.
UNITS = {"_ms": "In milliseconds.", "_time": "In nanoseconds since the epoch."}


class Definitions:
    """The TypedDicts of the model's source files."""

    def __init__(self) -> None:
        self.classes: dict[str, ast.ClassDef] = {}
        self._own: dict[str, list[Field]] = {}
        for path in (MODEL / "attributes.py", MODEL / "usage.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    self.classes[node.name] = node
                    self._own[node.name] = list(_own_fields(node))
        self._shared_meanings: dict[tuple[str, str], set[str]] = {}
        for attributes in ATTRIBUTES.values():
            for field in self._own[attributes.__name__]:
                if field.meaning:
                    self._shared_meanings.setdefault((field.name, field.type), set()).add(field.meaning)

    def is_typed_dict(self, name: str) -> bool:
        """Whether the class is a TypedDict, and not a plain class such as Usage."""
        return any(base == "TypedDict" or self.is_typed_dict(base) for base in self._bases(name))

    def fields(self, name: str) -> list[Field]:
        """All fields of a TypedDict, its own first, each with the best meaning there is."""
        is_span = name.endswith("Attributes")
        fields = [field._replace(meaning=self._meaning(field, is_span)) for field in self._own[name]]
        for base in self._bases(name):
            fields += self.fields(base) if base in self.classes else []
        return fields

    def description(self, name: str) -> str:
        """The docstring of a class."""
        return ast.get_docstring(self.classes[name]) or ""

    def _bases(self, name: str) -> list[str]:
        return (
            [base.id for base in self.classes[name].bases if isinstance(base, ast.Name)] if name in self.classes else []
        )

    def _meaning(self, field: Field, is_span: bool) -> str:
        if field.meaning:
            return field.meaning
        # An attribute that several span types share is documented where it comes up first.
        meanings = self._shared_meanings.get((field.name, field.type), set()) if is_span else set[str]()
        if len(meanings) == 1:
            return next(iter(meanings))
        if (structure := field.type.partition(" |")[0]) in self.classes:
            return " ".join(self.description(structure).partition("\n\n")[0].split())
        return next((unit for suffix, unit in UNITS.items() if field.name.endswith(suffix)), "")


def _own_fields(node: ast.ClassDef) -> list[Field]:
    fields: list[Field] = []
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            annotation = statement.annotation
            required = (
                isinstance(annotation, ast.Subscript)
                and isinstance(annotation.value, ast.Name)
                and annotation.value.id == "Required"
            )
            if isinstance(annotation, ast.Subscript) and required:
                annotation = annotation.slice
            fields.append(Field(statement.target.id, _source(annotation), "", required))
        elif fields and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            fields[-1] = fields[-1]._replace(meaning=" ".join(str(statement.value.value).split()))
    return fields


def _source(annotation: ast.expr) -> str:
    return ast.unparse(annotation).replace("'", '"')


# --- docs/span-types.md ------------------------------------------------------------------------------------------------


def write_document(definitions: Definitions) -> str:
    """The reference of all span types, for people."""
    parts = [
        "<!-- Generated by scripts/generate.py from src/spanbridge/model: do not edit. -->",
        "# Span types",
        "Every step of an agent is a span of one of these types, opened by the function of the same name: "
        "`spanbridge.tool_call(...)`. A type has typed attributes, which the opener takes as keyword arguments; all are "
        "optional unless marked, and attributes that a type does not define are kept as they are. Names carry their unit: "
        "`_ms` is milliseconds, `_count` a number of things, `_time` nanoseconds since the epoch.",
        "Attributes that every type has:",
        _table(definitions.fields("SpanAttributes")),
        *_document_types(definitions),
        "## What every opener takes",
        _table(SPAN_OPTIONS, "Option"),
        "As a decorator, also:",
        _table(DECORATOR_OPTIONS, "Option"),
        "`span.set(...)` and `span.end(...)` take the type's attributes and:",
        _table(CHANGES, "Option"),
        "`span.end(...)` also:",
        _table(END_OPTIONS, "Option"),
        "## Structures",
        *_document_structures(definitions),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _document_types(definitions: Definitions) -> list[str]:
    common = definitions.fields("SpanAttributes")
    parts: list[str] = []
    for span_type, info in SPAN_TYPES.items():
        notes = [info.description]
        if info.entity_type is not None:
            by = f", identified by `{info.entity_id_attribute}`" if info.entity_id_attribute else ""
            notes.append(f"It stands for an entity of the kind `{info.entity_type}`{by}.")
        if info.is_model:
            notes.append("Its `usage` is priced.")
        fields = [field for field in definitions.fields(ATTRIBUTES[span_type].__name__) if field not in common]
        parts += [f"## {span_type.value}", " ".join(notes), _table(fields)]
    return parts


def _document_structures(definitions: Definitions) -> list[str]:
    types = {attributes.__name__ for attributes in ATTRIBUTES.values()}
    bases = {base.id for node in definitions.classes.values() for base in node.bases if isinstance(base, ast.Name)}
    bases -= {field.type for name in types for field in definitions.fields(name)}
    parts: list[str] = []
    for name in definitions.classes:
        if definitions.is_typed_dict(name) and name not in types | bases:
            parts += [f"### {name}", definitions.description(name), _table(definitions.fields(name), "Key")]
    return parts


def _table(fields: list[Field], heading: str = "Attribute") -> str:
    if not fields:
        return ""
    headings = [heading, "Type", "Meaning"]
    cells = [[f"`{field.name}`", f"`{field.type}`", field.meaning] for field in fields]
    if any(field.required for field in fields):
        headings.insert(2, "Required")
        for row, field in zip(cells, fields, strict=True):
            row.insert(2, "yes" if field.required else "")
    rows = [headings, ["---"] * len(headings), *cells]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


# --- src/spanbridge/tracing/openers.pyi --------------------------------------------------------------------------------

STUB_HEAD = '''\
# Generated by scripts/generate.py from src/spanbridge/model: do not edit.
# pyright: reportIncompatibleMethodOverride=false
# The override is meant: a span's set() and end() take the attributes of its own type where Span takes any.
"""What type checkers and editors know about the openers. The classes of the single span types exist here only."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, ParamSpec, TypeVar, overload

from spanbridge.model.attributes import {attribute_types}
from spanbridge.model.span import Link
from spanbridge.model.span_types import SpanType
from spanbridge.model.usage import Usage, UsageDict
from spanbridge.tracing.active_span import Span
from spanbridge.tracing.tracer import TracerSlot

P = ParamSpec("P")
R = TypeVar("R")

'''


def write_stub(definitions: Definitions) -> str:
    """The typed signatures of all openers, for type checkers."""
    fields = {span_type: definitions.fields(ATTRIBUTES[span_type].__name__) for span_type in SpanType}
    used = {
        node.id
        for attributes in fields.values()
        for field in attributes
        for node in ast.walk(ast.parse(field.type, mode="eval"))
        if isinstance(node, ast.Name)
    }
    attributes_module = {
        node.name for node in ast.parse((MODEL / "attributes.py").read_text()).body if isinstance(node, ast.ClassDef)
    }
    names = ["span", "start_span", *(span_type.value for span_type in SpanType)]
    parts = [
        STUB_HEAD.replace("{attribute_types}", ", ".join(sorted(used & attributes_module))),
        *(_stub_span(span_type, fields[span_type]) for span_type in SpanType),
        "class Openers:",
        _indent(_stub_openers_docstring()),
        "    def __init__(self, slot: TracerSlot) -> None: ...",
        *(_indent(_stub_opener(span_type, fields[span_type])) for span_type in SpanType),
        _indent(_stub_untyped()),
        "_default: Openers",
        *(f"{name} = _default.{name}" for name in names),
    ]
    return _format("\n".join(parts) + "\n")


def _stub_span(span_type: SpanType, attributes: list[Field]) -> str:
    optional = [field._replace(required=False) for field in attributes]
    ending = [*CHANGES, *END_OPTIONS]
    # In end(), `status` is the span's own: an attribute of that name is given to set() or to the opener.
    taken = {field.name for field in ending}
    end_attributes = [field for field in optional if field.name not in taken]
    return "\n".join(
        [
            f"class {_class_name(span_type)}(Span):",
            f'    """A span of the type {span_type.value}."""',
            f"    def set(self, *, {_parameters(optional, CHANGES)}) -> None: ...",
            f"    def end(self, *, {_parameters(end_attributes, ending)}) -> None: ...",
        ]
    )


def _stub_opener(span_type: SpanType, attributes: list[Field]) -> str:
    options = [*SPAN_OPTIONS, *DECORATOR_OPTIONS]
    if clash := {field.name for field in attributes} & {field.name for field in options}:
        raise SystemExit(f"{span_type.value}: attributes that are named like an option of every span: {sorted(clash)}")
    opener = [
        f"def {span_type.value}(self, name: str | None = None, /, *, {_parameters(attributes, options)})"
        f" -> {_class_name(span_type)}:",
        _indent(_docstring(SPAN_TYPES[span_type].description, attributes)),
    ]
    if any(field.required for field in attributes):
        # Without its required attributes the opener is no decorator.
        return "\n".join(opener)
    decorator = [
        "@overload",
        f"def {span_type.value}(self, function: Callable[P, R], /) -> Callable[P, R]: ...",
        "@overload",
    ]
    return "\n".join([*decorator, *opener])


def _stub_untyped() -> str:
    parameters = _parameters([], [*SPAN_OPTIONS, *DECORATOR_OPTIONS])
    start_parameters = _parameters([], SPAN_OPTIONS)
    head = "self, type: SpanType | str, name: str | None = None, /, *"
    return "\n".join(
        [
            f"def span({head}, {parameters}, **attributes: Any) -> Span:",
            '    """A span of any type, with any attributes."""',
            f"def start_span({head}, {start_parameters}, **attributes: Any) -> Span:",
            '    """A span that has started and is ended by hand with `span.end(...)`. It is no ambient parent."""',
        ]
    )


def _stub_openers_docstring() -> str:
    return _docstring(
        "All openers of one configuration: one method for each span type, and `span` and `start_span` for any.",
        [*SPAN_OPTIONS, *DECORATOR_OPTIONS],
    )


def _parameters(attributes: list[Field], options: list[Field]) -> str:
    """Keyword parameters: a required attribute has no default, any other takes None for "not given"."""
    parameters = [
        f"{field.name}: {field.type}" if field.required else f"{field.name}: {field.type} | None = ..."
        for field in attributes
    ]
    parameters += [f"{field.name}: {field.type} = ..." for field in options]
    return ", ".join(parameters)


def _docstring(description: str, fields: list[Field]) -> str:
    explained = [f"{field.name}: {field.meaning}" for field in fields if field.meaning]
    if not explained:
        return f'"""{description}"""'
    wrapped = [textwrap.fill(text, 100, initial_indent="    ", subsequent_indent=" " * 8) for text in explained]
    return "\n".join([f'"""{description}', "", "Args:", *wrapped, '"""'])


def _class_name(span_type: SpanType) -> str:
    return "".join(word.capitalize() for word in span_type.value.split("_")) + "Span"


def _indent(text: str) -> str:
    return textwrap.indent(text, "    ")


def _format(source: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(STUB), "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True, cwd=ROOT).stdout  # noqa: S603 - our own text


# --- both --------------------------------------------------------------------------------------------------------------


def main() -> None:
    """Writes the files, or checks them."""
    parser = argparse.ArgumentParser(description="Writes what follows from the definition of the typed attributes.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file is stale")
    check: bool = parser.parse_args().check
    definitions = Definitions()
    stale: list[str] = []
    for path, content in ((DOCUMENT, write_document(definitions)), (STUB, write_stub(definitions))):
        if path.exists() and path.read_text() == content:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    if check and stale:
        sys.exit(f"stale: {', '.join(stale)}. Run: python scripts/generate.py")


if __name__ == "__main__":
    main()
