"""`spanbridge demo`: an agent at work, traced."""

from __future__ import annotations

import json
import secrets
import shlex
from typing import TYPE_CHECKING, Any

import click

from spanbridge.cli.options import opened_store, store_option
from spanbridge.cli.output import ID_CHARACTERS
from spanbridge.errors import ConfigurationError, StoreError
from spanbridge.exporters.span_tree import clean

if TYPE_CHECKING:
    from spanbridge.demo.inventory import Result
    from spanbridge.observability import Observability

MAX_QUESTIONS = 4
SHUTDOWN_TIMEOUT_S = 5.0


@click.command(short_help="Runs a traced agent, and prints its trace.")
@store_option
@click.option(
    "--questions",
    type=click.IntRange(1, MAX_QUESTIONS),
    default=3,
    show_default=True,
    help="Questions that the agent answers.",
)
@click.option(
    "--secret", metavar="TEXT", help="The key that the demo must keep out of the trace. Default: a made-up one."
)
def demo(address: str | None, questions: int, secret: str | None) -> None:
    """Runs an agent that answers questions about the distributions installed on this machine, and prints its trace as it grows.

    Its model is a small server on 127.0.0.1; no key and no network is needed. One of its tools fails and is tried again, and is called
    with a secret, which is recorded nowhere.
    """
    # Bytes that are no UTF-8 reach Python as lone surrogates; a header cannot carry them.
    if secret is not None and (not secret.strip() or not secret.isprintable()):
        raise click.BadParameter("give a text on one line that is not blank", param_hint="--secret")
    # Made up anew each time, in the form of a provider's key.
    secret = secret or f"sk-{secrets.token_hex(24)}"
    result, stored_at = _run(address, questions, secret)
    for question, answer in result.answers:
        click.echo(f"\nQ: {clean(question)}\nA: {clean(answer)}")
    _say_where(result.trace_id or "", address, stored_at, secret)


def _run(address: str | None, questions: int, secret: str) -> tuple[Result, str]:
    """What the demo found out, and the address of the store that its trace is in."""
    import spanbridge as sb  # noqa: PLC0415 - the parts that record load only for this command
    from spanbridge.demo.inventory import run_demo  # noqa: PLC0415

    observability = sb.configure(
        service_name="spanbridge-demo",
        store=address,
        # The trace is promised whole, redacted, on the screen and in the store: what says otherwise is meant for applications.
        exporters=[sb.ConsoleExporter()],
        processors=[],
        sampling=1.0,
        sensitive_data=True,
    )
    _require_recording(observability)
    try:
        # Creates the file, or says at once why that cannot be.
        observability.store.list_traces(limit=1)
        result = run_demo(questions, secret)
    finally:
        sb.shutdown(SHUTDOWN_TIMEOUT_S)
    spans = sb.stats()["spans"]
    if spans["stored"] < spans["started"]:
        raise StoreError("the trace was not written whole; `spanbridge doctor` says whether the store can be used")
    store: Any = observability.store
    return result, store.address


def _require_recording(observability: Observability) -> None:
    settings = observability.settings
    if settings.disabled:
        raise ConfigurationError(f"tracing is switched off ({settings.origins['disabled']}): the demo needs it on")
    if settings.store is False:
        raise ConfigurationError(f"the store is switched off ({settings.origins['store']}): name one with --store")


def _say_where(trace_id: str, address: str | None, stored_at: str, secret: str) -> None:
    with opened_store(stored_at) as store:
        document = json.dumps(store.get_trace(trace_id).to_dict(), ensure_ascii=False)
    found = document.count(json.dumps(secret, ensure_ascii=False)[1:-1])
    option = "" if address is None else f" --store {shlex.quote(address)}"
    click.echo(f"\nThe trace {trace_id} is in {clean(stored_at)}.")
    click.echo(f"The secret that publish_report was called with stands there {found} times.")
    click.echo("\nLook at it again:")
    for command in ("traces", f"show {trace_id[:ID_CHARACTERS]}", "stats", "doctor"):
        click.echo(f"  spanbridge {command}{clean(option)}")
