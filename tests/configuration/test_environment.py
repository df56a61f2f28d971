import sys

import pytest

from spanbridge.configuration.environment import (
    ENVIRONMENT_VARIABLES,
    environment_variables_markdown,
    resolve_environment,
    script_name,
)


def environ_with(variable, value: str) -> dict[str, str]:
    return {variable.name: f"{variable.key}={value}" if variable.key else value}


def test_the_default():
    """A process that no variable speaks about is in development."""
    assert resolve_environment({}) == ("development", "default")


@pytest.mark.parametrize("position", range(len(ENVIRONMENT_VARIABLES)))
def test_order(position):
    """Each variable wins over all that stand below it in the table."""
    environ: dict[str, str] = {}
    for variable, _ in reversed(ENVIRONMENT_VARIABLES[position:]):
        environ.update(environ_with(variable, str(variable.key or variable.name)))
    first = ENVIRONMENT_VARIABLES[position][0]

    assert resolve_environment(environ) == (str(first.key or first.name), f"environment variable {first}")


def test_the_documented_beginning():
    """The order that users rely on: ours, Datadog's, OpenTelemetry's, APP_ENV, the platforms', ENVIRONMENT, ENV."""
    names = [str(variable) for variable, _ in ENVIRONMENT_VARIABLES]

    assert names[:3] == [
        "SPANBRIDGE_ENVIRONMENT",
        "DD_ENV",
        "OTEL_RESOURCE_ATTRIBUTES (deployment.environment.name)",
    ]
    assert names.index("APP_ENV") < names.index("VERCEL_ENV") < names.index("ENVIRONMENT") < names.index("ENV")
    assert names[-1] == "ENV"


def test_blank_variables_fall_through():
    """A blank variable leaves the answer to the next one."""
    environ = {"SPANBRIDGE_ENVIRONMENT": "", "DD_ENV": "  ", "OTEL_RESOURCE_ATTRIBUTES": "=,,x", "ENV": "staging"}

    assert resolve_environment(environ) == ("staging", "environment variable ENV")


@pytest.mark.parametrize("value", ["/root/.shrc", "~/.kshrc", "$HOME/.profile", "C:\\start"])
def test_env_as_a_path(value):
    """ENV is also where POSIX shells keep the path of their start-up file: a path names no environment."""
    assert resolve_environment({"ENV": value}) == ("development", "default")


def test_resource_attributes_are_decoded():
    """OTEL_RESOURCE_ATTRIBUTES is percent-encoded, and may hold other things."""
    environ = {"OTEL_RESOURCE_ATTRIBUTES": "team=a, deployment.environment.name = pre%20prod ,x=y"}

    assert resolve_environment(environ)[0] == "pre prod"


def test_the_table_lists_every_variable():
    """The documentation's table has one row for each variable, in order."""
    rows = environment_variables_markdown().splitlines()[2:]

    assert [row.split("`")[1] for row in rows] == [str(variable) for variable, _ in ENVIRONMENT_VARIABLES]


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("/srv/app/bot.py", "bot"),
        ("/srv/app/support/__main__.py", "support"),
        ("/usr/bin/gunicorn", "gunicorn"),
        ("", "python"),
        ("-c", "python"),
        ("-", "python"),
        ("-m", "python"),
    ],
)
def test_script_name(monkeypatch, argument, name):
    """A service without a name is called after what was started."""
    monkeypatch.setattr(sys, "argv", [argument])

    assert script_name() == name
