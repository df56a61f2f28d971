"""Options of the commands that redact, and the filter that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spanbridge.errors import ConfigurationError
from spanbridge.processors.personal_data import PERSONAL_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spanbridge.processors.sensitive_data import SensitiveDataFilter

_OPTIONS = (
    click.option("--pii", is_flag=True, help="Also personal data, of all kinds."),
    click.option(
        "--pii-kind", "kinds", multiple=True, type=click.Choice(PERSONAL_KINDS), help="One kind of personal data."
    ),
    click.option("--extra-key", "extra_keys", multiple=True, metavar="NAME", help="One more name of secrets."),
    click.option(
        "--extra-pattern", "extra_patterns", multiple=True, metavar="RULE=REGEX", help="One more format of secrets."
    ),
    click.option("--allow-key", "allow_keys", multiple=True, metavar="NAME", help="A name whose values pass."),
    click.option("--allow-path", "allow_paths", multiple=True, metavar="PATH", help="A place whose values pass."),
    click.option("--allow-value", "allow_values", multiple=True, metavar="SHA256", help="The hash of one that passes."),
    click.option("--marker", default="[REDACTED]", show_default=True, help="What stands for a value."),
)


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command has that redacts; it gets them as keyword arguments for `make_filter`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def make_filter(
    *, pii: bool, kinds: Sequence[str], extra_patterns: Sequence[str], **options: Any
) -> SensitiveDataFilter:
    """The filter that the options ask for; raises ConfigurationError for one that is not usable."""
    from spanbridge.processors.sensitive_data import SensitiveDataFilter  # noqa: PLC0415 - compiles its patterns

    patterns: dict[str, str] = {}
    for option in extra_patterns:
        rule, sign, pattern = option.partition("=")
        if not sign:
            raise ConfigurationError(f"--extra-pattern {option!r} has no pattern; write RULE=REGEX")
        patterns[rule] = pattern
    return SensitiveDataFilter(pii=pii or kinds, extra_patterns=patterns, **options)
