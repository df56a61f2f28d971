"""Runs the real commands, in this process where that is enough, against stores that the package has written."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from spanbridge.cli.application import application
from spanbridge.observability import Observability

FOREIGN_VARIABLES = ("DD_", "OTEL_", "SPANBRIDGE_")


@pytest.fixture
def cli():
    """Runs a command in this process: `cli("traces", "--json")`."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(application, arguments)

    return run


def command(*arguments: str) -> list[str]:
    """The command line of a real process."""
    return [sys.executable, "-m", "spanbridge", *arguments]


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory) -> str:
    """The address of a store that holds the trace of one run of the demo."""
    folder = tmp_path_factory.mktemp("demo")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    address = f"sqlite:///{folder}/demo.db"
    subprocess.run(command("demo", "--store", address), cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
    return address


@pytest.fixture
def recorded():
    """Opens a configuration that writes to an address; what was recorded is in the store when the block ends."""

    def record(address: str) -> Observability:
        return Observability(store=address, service_name="tests", environment="test")

    return record
