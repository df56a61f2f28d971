"""`DatadogBridge`: the whole contract on one page; each part stands in a file of its own, loaded with ddtrace when the bridge opens."""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from spanbridge.bounded_calls import BoundedCalls
from spanbridge.errors import BridgeUnavailableError, ConfigurationError
from spanbridge.protocols import NativeContext
from spanbridge_datadog.options import resolve_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import BridgeSettings, ExternalParent, NativeStart
    from spanbridge_datadog.handle import NativeSpan
    from spanbridge_datadog.options import NativeLLM

logger = logging.getLogger("spanbridge")

HELD_BACK_S = 10.0
"""How long an open span may hold back what has ended in its trace."""


class DatadogBridge:
    """Live ddtrace spans, and LLM Observability from the same span.

    Args:
        ml_app: The application's name in LLM Observability; absent: `DD_LLMOBS_ML_APP`. Without one, or with `DD_LLMOBS_ENABLED=false`,
            spans go to APM only.
        service: APM's service of the spans; absent: the configuration's `service_name` where somebody set it, else ddtrace's.
        env: absent: `DD_ENV`, else the configuration's `environment` where somebody set it.
        version: absent: `DD_VERSION`.
        site: Datadog's site; absent: `DD_SITE`.
        agentless: Whether data goes straight to Datadog, past the agent; absent: `DD_LLMOBS_AGENTLESS_ENABLED`, else False.
        api_key: Needed for that; absent: `DD_API_KEY`.
        request_context_keys: Context keys that become tags, dotted ones of nested values; absent: the configuration's.
        native_llm: What becomes of the span that ddtrace's own integration opens for a model call that spanbridge records: "drop" takes
            it out of LLM Observability, "demote" makes ours the frame of it, "keep" keeps both, with their tokens.

    Raises ConfigurationError for an argument or a variable that is wrong.
    """

    name = "datadog"
    header_names = (
        "x-datadog-trace-id",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-origin",
        "x-datadog-tags",
    )

    def __init__(
        self,
        *,
        ml_app: str | None = None,
        service: str | None = None,
        env: str | None = None,
        version: str | None = None,
        site: str | None = None,
        agentless: bool | None = None,
        api_key: str | None = None,
        request_context_keys: Sequence[str] | None = None,
        native_llm: NativeLLM = "drop",
    ) -> None:
        self.options = resolve_options(
            ml_app=ml_app,
            service=service,
            env=env,
            version=version,
            site=site,
            agentless=agentless,
            api_key=api_key,
            request_context_keys=request_context_keys,
            native_llm=native_llm,
        )
        self._service: str | None = None
        self._env: str | None = None
        self._promoted_keys: Sequence[str] = ()
        self._held_back: dict[int, float] = {}
        """Traces that spans of ours have ended in since they were handed on, and since when: another span may be open in them."""
        self._flush_within = BoundedCalls(self._flush, "spanbridge-datadog-flush")
        self._forked_at_ns = 0
        """In a forked child: what started before did so in the parent."""

    # --- the configuration's thread -------------------------------------------------------------------------------------

    def open(self, settings: BridgeSettings, /) -> None:
        """Imports ddtrace, switches LLM Observability on, and hooks into the tracer."""
        if "datadog" in settings.exporter_names:
            raise ConfigurationError(
                'bridge="datadog" and the exporter "datadog" would send every span twice: remove one of them. '
                "The exporter is for applications without ddtrace."
            )
        try:
            import ddtrace  # noqa: F401, PLC0415 # pyright: ignore[reportUnusedImport] - only when the bridge opens
        except ImportError as error:
            raise BridgeUnavailableError(
                f"ddtrace cannot be imported ({error}): pip install 'spanbridge[datadog]'"
            ) from error
        from ddtrace.trace import tracer  # noqa: PLC0415 - as above

        from spanbridge_datadog import activation, buffer, finishing, llmobs, native, starting  # noqa: PLC0415 - as above
        from spanbridge_datadog.evaluations import Evaluations  # noqa: PLC0415 - as above
        from spanbridge_datadog.exit_signal import before_default_exit  # noqa: PLC0415 - as above
        from spanbridge_datadog.native_llm import NativeLLMPolicy  # noqa: PLC0415 - as above
        from spanbridge_datadog.own_spans import WithoutOwnSpans  # noqa: PLC0415 - as above

        native.require_known_version()
        options = self.options
        self._service = options.service or (settings.service_name if settings.is_service_named else None)
        self._env = options.env or (settings.environment if settings.is_environment_named else None)
        keys = options.request_context_keys
        self._promoted_keys = settings.request_context_keys if keys is None else keys
        llmobs.enable(options, service=self._service, env=self._env)
        self._tracer, self._native, self._buffer = tracer, native, buffer
        self._start, self._finish, self._release = (
            starting.start_native,
            finishing.finish_native,
            finishing.release_native,
        )
        self._is_starting = activation.starting.get
        self._evaluations = Evaluations()
        self._own_spans = WithoutOwnSpans()
        with ExitStack() as undo:
            undo.callback(before_default_exit(settings.shutdown))
            self._activations = activation.Activations()
            undo.callback(self._activations.close)
            self._native_llm = NativeLLMPolicy(options.native_llm)
            undo.callback(self._native_llm.uninstall)
            try:
                undo.callback(native.span_hooks(self._span_started, self._span_ended, settings.shutdown))
                undo.callback(native.add_filter(self._own_spans))
            except Exception as error:  # noqa: BLE001 - private classes of ddtrace's
                logger.warning("ddtrace cannot be hooked into: %s", type(error).__name__)
            self._undo = undo.pop_all()

    # --- the caller's thread --------------------------------------------------------------------------------------------

    def active(self) -> ExternalParent | None:
        """What is active in APM; with it, what is active in LLM Observability."""
        apm, llm = self._activations.active()
        if apm is None or not apm.trace_id or not apm.span_id:
            return None
        priority = apm.context.sampling_priority if hasattr(apm, "duration_ns") else apm.sampling_priority
        return NativeContext(apm.trace_id, apm.span_id, sampled=priority is None or priority > 0, native=(apm, llm))

    def start(self, start: NativeStart, /) -> NativeSpan:
        """A span of LLM Observability where the type has a kind and it is on, else a plain one."""
        handle = self._start(start, service=self._service)
        self._native_llm.started(handle)
        if handle.is_llm:
            self._evaluations.open[handle.span_id] = handle
        return handle

    def activate(self, native: NativeSpan, in_force: Callable[[], NativeSpan | None] | None = None, /) -> Any:
        """In both of ddtrace's contexts."""
        return self._activations.activate(native, in_force)

    def deactivate(self, token: Any, /) -> None:
        """In both of ddtrace's contexts."""
        self._activations.deactivate(token)

    def inject(self, native: Any, headers: dict[str, str], /) -> None:
        """Datadog's headers and W3C's, as ddtrace writes them."""
        from spanbridge_datadog.headers import inject  # noqa: PLC0415 - loads ddtrace

        inject(native, headers)

    def extract(self, headers: Mapping[str, str], /) -> ExternalParent | None:
        """The parent in Datadog's or W3C's headers."""
        from spanbridge_datadog.headers import extract  # noqa: PLC0415 - loads ddtrace

        return extract(headers)

    # --- the pipeline's thread ------------------------------------------------------------------------------------------

    def finish(self, native: NativeSpan, record: SpanRecord, /) -> None:
        """Annotates and finishes with the recorded end."""
        self._native_llm.ended(native)
        self._evaluations.ended(native)
        self._held_back.setdefault(native.trace_id, time.monotonic())
        self._finish(native, record, promoted_keys=self._promoted_keys, version=self.options.version, env=self._env)

    def release(self, native: NativeSpan, reason: str, /) -> None:
        """As `release_at`, now."""
        self.release_at(native, reason, time.time_ns())

    def release_at(self, native: NativeSpan, reason: str, ended_at: int, /) -> None:
        """Finishes bare, with the reason as the tag `spanbridge.released`."""
        self._native_llm.ended(native)
        self._evaluations.ended(native)
        self._held_back.setdefault(native.trace_id, time.monotonic())
        self._release(native, reason, ended_at)

    def score(self, record: SpanRecord, /) -> None:
        """Sends a score as an evaluation."""
        self._evaluations.submit(record)

    def tend(self, opened: Iterable[tuple[NativeSpan, float]], /) -> bool:
        """Hands on what has ended in traces that open spans hold back: below a web request or a worker's loop that goes on, and
        the web request's, behind an agent that goes on or is stuck. Whether there is still something that may have to be."""
        now = time.monotonic()
        due = {
            native.trace_id
            for native, age_s in opened
            if age_s > HELD_BACK_S or (age_s > 1 and self._native.local_root_has_ended(native.span))
        }
        due.update(trace_id for trace_id, since in tuple(self._held_back.items()) if now - since > HELD_BACK_S)
        for trace_id in due:
            self._buffer.flush_finished(trace_id)
            self._held_back.pop(trace_id, None)
        for trace_id in tuple(self._held_back):
            if not self._buffer.is_held_back(trace_id):
                self._held_back.pop(trace_id, None)
        return bool(self._held_back)

    def flush(self, deadline: float, /) -> bool:
        """Has ddtrace send what it holds, also for spans that are open; whether it was done with that in time."""
        for trace_id in tuple(self._held_back):
            self._held_back.pop(trace_id, None)
            self._buffer.flush_finished(trace_id)
        # An agent that stalls keeps ddtrace waiting for longer than the caller has time.
        return self._flush_within(deadline)

    def close(self, deadline: float, /) -> bool:
        """Has ddtrace send what it holds, and takes everything out that was put into it; whether all was done in time."""
        with self._undo:
            self._buffer.flush_all_finished()
            return self.flush(deadline)

    def after_fork_in_child(self) -> None:
        """Open spans are the parent's; ddtrace forgets its own."""
        self._activations.after_fork_in_child()
        self._evaluations.open.clear()
        self._held_back.clear()
        self._forked_at_ns = time.time_ns()

    def examine(self, exporter_names: Sequence[str] = (), /) -> Iterable[tuple[str, str, str, str]]:
        """For the doctor."""
        from spanbridge_datadog.examination import examine  # noqa: PLC0415 - only the doctor asks

        return examine(self.options, exporter_names)

    def _span_started(self, span: Any) -> None:
        """Any span of ddtrace's has started; LLM Observability has not seen it yet."""
        self._own_spans.span_started(span)
        if span.span_type == "llm":
            self._buffer.started(span)
            if not self._is_starting():
                self._native_llm.foreign_started(span)
                self._native.before_finish(span, self._foreign_ended)

    def _span_ended(self, span: Any) -> None:
        """Any span of ddtrace's has ended; its buffer does not know yet."""
        if span.span_type == "llm":
            self._buffer.ended(span)
        if span.start_ns < self._forked_at_ns:
            self._buffer.pass_over(span)

    def _foreign_ended(self, span: Any) -> None:
        """A span of LLM Observability that is not ours has ended; LLM Observability does not know yet."""
        self._native_llm.foreign_ended(span)
        self._native.forget_agent_name(span)

    def _flush(self, _deadline: float) -> bool:
        from spanbridge_datadog import llmobs  # noqa: PLC0415 - loads ddtrace

        try:
            self._tracer.flush()
            llmobs.flush()
        except Exception as error:  # noqa: BLE001 - on a thread that nobody waits for
            logger.warning("ddtrace did not flush: %s", type(error).__name__)
            return False
        return True
