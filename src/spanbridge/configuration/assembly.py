"""From settings to a pipeline: every part that a configuration names, built and put in its place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spanbridge.configuration.masking import display
from spanbridge.configuration.plugins import load_bridge, load_exporter
from spanbridge.configuration.prices import Prices
from spanbridge.containment import contain, logger
from spanbridge.errors import BridgeUnavailableError, ConfigurationError
from spanbridge.media.step import MediaStep
from spanbridge.model.span_types import SpanType
from spanbridge.pipeline.chain import Chain
from spanbridge.pipeline.delivery import Runner
from spanbridge.pipeline.pipeline import Pipeline
from spanbridge.pipeline.routing import Route, RoutedRunner
from spanbridge.processors.limits import Limits
from spanbridge.protocols import BridgeSettings
from spanbridge.tracing.sampling import NeverSampling, RatioSampling, contained_sampler
from spanbridge.tracing.tracer import Tracer
from spanbridge.tracing.visibility import HIDE_INPUT, HIDE_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from spanbridge.configuration.settings import Settings
    from spanbridge.protocols import Bridge, Exporter, SamplerLike


STORE_BATCH_RECORDS = 2048
"""A backlog reaches the store in large transactions: each one costs as much as some ten spans."""


def build_pipeline(settings: Settings) -> Pipeline:
    """The pipeline of a configuration, its threads not yet started."""
    store_exporter = build_store_exporter(settings)
    exporters = build_exporters(settings)
    prices = Prices(settings.prices)
    chain = Chain(build_processors(settings), build_limits(settings), build_media_step(settings, store_exporter))
    runners: list[Runner] = []
    store_runner = None
    if store_exporter is not None:
        # The floor: what cannot be written is tried again for as long as memory lasts.
        store_runner = Runner(
            store_exporter,
            "store",
            max_bytes=settings.queue_max_bytes,
            max_batch_records=STORE_BATCH_RECORDS,
            expiry_s=None,
        )
        runners.append(store_runner)
    for item, (name, exporter) in zip(settings.exporters, exporters.items(), strict=True):
        if isinstance(item, Route):
            runners.append(
                RoutedRunner(
                    item,
                    exporter,
                    name,
                    max_bytes=settings.queue_max_bytes,
                    count_filter_error=lambda: pipeline.intake.ignore("span_filter_error"),
                )
            )
        else:
            runners.append(Runner(exporter, name, max_bytes=settings.queue_max_bytes))
    pipeline = Pipeline(
        chain=chain,
        runners=runners,
        store_runner=store_runner,
        store=None if store_exporter is None else store_exporter.store,
        price=prices.cost,
        hurry=prices.hurry,
        service_name=settings.service_name,
        environment=settings.environment,
        write_interval_s=settings.write_interval_ms / 1000,
        exit_timeout_s=settings.exit_timeout_s,
        max_bytes=settings.queue_max_bytes,
        validate=_attribute_check() if settings.strict_attributes else None,
        span_filter=settings.span_filter,
    )
    if store_exporter is not None:
        store_exporter.media_lost = lambda: pipeline.intake.ignore("media_not_kept")
    return pipeline


def build_bridge(settings: Settings) -> Bridge | None:
    """The bridge of a configuration, made but not yet open; None where there is none."""
    bridge = settings.bridge
    if isinstance(bridge, str):
        with _blaming("bridge", settings):
            bridge = load_bridge(bridge)()
    if bridge is not None and (
        missing := [name for name in _BRIDGE_METHODS if not callable(getattr(bridge, name, None))]
    ):
        raise ConfigurationError(
            f"bridge: {display(settings.bridge)} is no bridge: it has no {', '.join(missing)}; see spanbridge.protocols.Bridge."
        )
    return bridge


_BRIDGE_METHODS = (
    "open",
    "active",
    "start",
    "activate",
    "deactivate",
    "finish",
    "release",
    "inject",
    "extract",
    "flush",
    "close",
)


def kinds_of(exporters: Iterable[Any]) -> tuple[str, ...]:
    """`BridgeSettings.exporter_names`; exporters that were not made yet stand by their names."""
    return tuple(
        item if isinstance(item, str) else str(getattr(item, "kind", None) or getattr(item, "name", None) or "")
        for item in exporters
    )


def open_bridge(
    bridge: Bridge,
    settings: Settings,
    exporters: Iterable[Any],
    shutdown: Callable[[], object],
    drain: Callable[[float], bool],
) -> bool:
    """Gets the bridge ready; False, with a line in the log, where it cannot be. Raises ConfigurationError for wrong settings."""
    try:
        bridge.open(
            BridgeSettings(
                service_name=settings.service_name,
                environment=settings.environment,
                is_service_named=settings.origins.get("service_name", "default") != "default",
                is_environment_named=settings.origins.get("environment", "default") != "default",
                request_context_keys=tuple(settings.request_context_keys),
                exporter_names=kinds_of(exporters),
                shutdown=shutdown,
                drain=drain,
            )
        )
    except ConfigurationError:
        raise
    except BridgeUnavailableError as error:
        logger.warning("the bridge is off: %s", error)
        return False
    except Exception as error:  # noqa: BLE001 - the application runs on without it
        contain("opening the bridge", error)
        return False
    return True


def build_store_exporter(settings: Settings) -> Any:
    """The StorageExporter of the `store` setting; None where the store is off."""
    store = settings.store
    if store is False:
        return None
    from spanbridge.exporters.storage_exporter import StorageExporter  # noqa: PLC0415 - sqlite3 loads only where it is used

    if isinstance(store, StorageExporter):
        return store
    with _blaming("store", settings):
        exporter = StorageExporter(store, max_bytes=settings.store_max_bytes)
        if store is None or isinstance(store, str):
            media = getattr(exporter.store, "media", None)
            if media is not None:
                media.max_bytes = settings.store_media_max_bytes
    return exporter


def build_media_step(settings: Settings, store_exporter: Any) -> MediaStep:
    """What moves media out of the spans, and tells why their content is not kept where it is not."""
    keeps = store_exporter is not None and getattr(store_exporter.store, "media", None) is not None
    omitted = "disabled" if not settings.media else None if keeps else "store_off"
    return MediaStep(max_bytes=settings.max_media_bytes, omitted=omitted)


def build_exporters(settings: Settings) -> dict[str, Exporter]:
    """The exporters by the name that `stats()` shows, in the order of the setting."""
    exporters: dict[str, Exporter] = {}
    for setting in settings.exporters:
        item = setting.exporter if isinstance(setting, Route) else setting
        with _blaming("exporters", settings):
            exporter: Any = load_exporter(item)() if isinstance(item, str) else item
        base = str(getattr(exporter, "name", None) or type(exporter).__name__)
        name, number = base, 2
        while name in exporters or name == "store":
            name, number = f"{base}-{number}", number + 1
        exporters[name] = exporter
    return exporters


def build_processors(settings: Settings) -> list[Any]:
    """The application's processors, then the sensitive-data filter, ready to work."""
    if settings.sensitive_data is False:
        return list(settings.processors)
    sensitive_data = settings.sensitive_data
    if sensitive_data is True:
        from spanbridge.processors.sensitive_data import SensitiveDataFilter  # noqa: PLC0415 - compiles its patterns

        sensitive_data = SensitiveDataFilter()
    prepare = getattr(sensitive_data, "prepare", None)
    if prepare is not None:
        try:
            prepare()
        except Exception as error:  # noqa: BLE001 - it is tried again with each span, whose content is withheld while it fails
            contain("preparing the sensitive-data filter", error)
    return [*settings.processors, sensitive_data]


def build_limits(settings: Settings) -> Limits:
    """The sizes that a span may reach."""
    return Limits(
        max_string_length=settings.max_string_length,
        max_depth=settings.max_depth,
        max_items=settings.max_items,
        max_span_bytes=settings.max_span_bytes,
    )


def build_tracer(settings: Settings, pipeline: Pipeline) -> Tracer:
    """The caller-side half of a configuration."""
    sampler = contained_sampler(build_sampler(settings.sampling), lambda: pipeline.intake.ignore("sampler_error"))
    excluded = set(settings.exclude_span_types)
    if not settings.include_model_chunks:
        excluded.add(SpanType.MODEL_CHUNK)
    return Tracer(
        pipeline.intake,
        sampler,
        settings.max_payload_bytes,
        settings.request_context_keys,
        excluded_types=excluded,
        shows_internal=settings.include_internal_spans,
        hides=HIDE_INPUT * settings.hide_input | HIDE_OUTPUT * settings.hide_output,
    )


def build_sampler(sampling: Any) -> SamplerLike | None:
    """The sampler of the `sampling` setting: a ratio, or a sampler as it is. None keeps every trace."""
    if not isinstance(sampling, (int, float)):
        return sampling
    if sampling == 0:
        return NeverSampling()
    return None if sampling == 1 else RatioSampling(sampling)


@contextmanager
def _blaming(name: str, settings: Settings) -> Generator[None]:
    """A ConfigurationError inside it names the setting, its value and where that came from."""
    try:
        yield
    except ConfigurationError as error:
        value, origin = display(getattr(settings, name), name), settings.origins.get(name, "default")
        raise ConfigurationError(f"The setting {name} = {value} ({origin}): {error}") from error.__cause__


def _attribute_check() -> Any:
    from spanbridge.model.validation import validate_attributes  # noqa: PLC0415 - pydantic loads only where it is used

    return validate_attributes
