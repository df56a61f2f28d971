"""`configure`: the one call that an application makes."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from spanbridge import observability
from spanbridge.configuration.settings import refuse_unknown_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spanbridge.exporters.storage_exporter import StorageExporter
    from spanbridge.model.span import SpanRecord
    from spanbridge.model.span_types import SpanType
    from spanbridge.observability import Observability
    from spanbridge.pipeline.routing import Route
    from spanbridge.processors.sensitive_data import SensitiveDataFilter
    from spanbridge.protocols import Exporter, ProcessorLike, SamplerLike


P = ParamSpec("P")
R = TypeVar("R")


def _naming_the_closest(function: Callable[P, R]) -> Callable[P, R]:
    """An unknown argument gets the error of the settings, which names the closest one. Type checkers refuse it already."""

    @wraps(function)
    def checked(*arguments: P.args, **settings: P.kwargs) -> R:
        refuse_unknown_arguments(settings)
        return function(*arguments, **settings)

    return checked


@_naming_the_closest
def configure(
    *,
    service_name: str | None = None,
    environment: str | None = None,
    store: str | StorageExporter | Literal[False] | None = None,
    store_max_bytes: int | None = None,
    exporters: Sequence[str | Exporter | Route] | None = None,
    bridge: Any = None,
    processors: Sequence[ProcessorLike] | None = None,
    sensitive_data: SensitiveDataFilter | bool | None = None,
    sampling: float | SamplerLike | None = None,
    request_context_keys: Sequence[str] | None = None,
    hide_input: bool | None = None,
    hide_output: bool | None = None,
    exclude_span_types: Sequence[SpanType | str] | None = None,
    span_filter: Callable[[SpanRecord], bool] | None = None,
    include_internal_spans: bool | None = None,
    include_model_chunks: bool | None = None,
    prices: Mapping[str, Mapping[str, Any]] | None = None,
    strict_attributes: bool | None = None,
    disabled: bool | None = None,
    write_interval_ms: int | None = None,
    queue_max_bytes: int | None = None,
    exit_timeout_s: float | None = None,
    max_string_length: int | None = None,
    max_depth: int | None = None,
    max_items: int | None = None,
    max_span_bytes: int | None = None,
    max_payload_bytes: int | None = None,
    media: bool | None = None,
    max_media_bytes: int | None = None,
    store_media_max_bytes: int | None = None,
) -> Observability:
    """Configures tracing for this process. A second call shuts the first configuration down in order and replaces it.

    Each setting that is not given here comes from its environment variable (`SPANBRIDGE_STORE`, ...), then from `spanbridge.toml` or
    `[tool.spanbridge]` in pyproject.toml, then from its default. Raises ConfigurationError for a setting that is unknown or wrong, and
    leaves the configuration in force as it is.

    Args:
        service_name: The application's name, stamped on every span.
        environment: The deployment's name, stamped on every span.
        store: Where spans are kept: an address ("sqlite:///traces.db"), a StorageExporter, or False for nowhere.
        store_max_bytes: Size of the default store; beyond it the oldest ended traces go.
        exporters: Exits beside the store: names of plugins, exporters, or `spanbridge.route(...)` for a part of the spans.
        bridge: A tracer whose native spans are kept active while ours run; refused, since this version has none.
        processors: Your own processors, before the sensitive-data filter.
        sensitive_data: The filter that redacts secrets before anything leaves; False switches it off.
        sampling: Which traces are recorded: a ratio from 0 to 1, a sampler, or a function of SamplingInput.
        request_context_keys: Keys of the request context that are copied into metadata; a dotted key goes into nested values.
        hide_input: Hides what every span was given.
        hide_output: Hides what every span gave back.
        exclude_span_types: Types whose spans no exit gets; their children attach to the nearest visible ancestor.
        span_filter: Which ended spans the exits get: `record -> bool`, asked with a copy of what would leave. If it raises, the span stays.
        include_internal_spans: Whether the exits get a framework's own spans, those opened with `internal=True`.
        include_model_chunks: Whether the exits get spans of the type model_chunk.
        prices: Your own prices, before the built-in ones: {"model": {"input_mtok": 1.0, "output_mtok": 4.0}}.
        strict_attributes: Whether attributes that do not match their span type are counted and logged, by name.
        disabled: Switches all tracing off.
        write_interval_ms: How often spans are written; one that runs longer is first written as running.
        queue_max_bytes: Memory for spans on their way; when full, new ones are dropped and counted.
        exit_timeout_s: How long the process waits for deliveries at its exit.
        max_string_length: Characters of one string.
        max_depth: Levels of nested values.
        max_items: Items of one list or mapping.
        max_span_bytes: Bytes of one span's content.
        max_payload_bytes: Bytes of one payload as it is recorded; in a larger one markers replace the largest strings, or else all of it.
        media: Whether images, audio and documents are kept beside the store; spans hold references to them.
        max_media_bytes: Bytes of one such content; of a larger one only the reference is kept.
        store_media_max_bytes: Bytes of all of them; beyond it those that were recorded longest ago go.
    """
    return observability.configure(**locals())
