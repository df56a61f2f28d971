"""The demo's job, as a workflow of three steps: gather the facts, analyse them by asking an agent, answer with a report."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple
from urllib.parse import quote

import spanbridge as sb
from spanbridge.demo.agent import PackageAgent
from spanbridge.demo.client import ModelClient
from spanbridge.demo.memory import Memory
from spanbridge.demo.model_server import running_server
from spanbridge.demo.packages import PackageDatabase, installed_packages
from spanbridge.demo.report import ReportDelivery

MAX_QUESTIONS = 4


class Result(NamedTuple):
    """What the demo found out, and where it was recorded."""

    trace_id: str | None
    """None where nothing was recorded."""
    answers: list[tuple[str, str]]
    """Questions with their answers."""
    receipt: str
    """The id under which the report was delivered."""


def run_demo(questions: int, secret: str) -> Result:
    """Does the job once, in the configuration in force.

    Args:
        questions: How many questions the agent answers, from 1 to `MAX_QUESTIONS`.
        secret: The key that the report's delivery uses: the text that must be recorded nowhere.
    """
    with (
        # As it stands in a header, which cannot hold every character.
        running_server(report_key=quote(secret, safe="")) as server,
        closing(Memory()) as memory,
        sb.workflow_run(
            "inventory", workflow_id="inventory-v1", session_id="demo-session", user_id="demo-user", tags=["demo"]
        ) as run,
    ):
        client = ModelClient(server.host, server.port)
        with closing(_gather()) as database:
            answers = _analyse(PackageAgent(client, database, memory), _questions(database, questions))
        receipt = _answer(client, ReportDelivery(server.host, server.port, secret), answers)
        run.set(output={"answers": len(answers), "receipt": receipt})
        return Result(run.trace_id, answers, receipt)


@sb.workflow_step("gather", step_id="gather", capture_input=False, reduce_output=PackageDatabase.totals)
def _gather() -> PackageDatabase:
    with sb.tool_call("read_metadata", tool_description="Reads the metadata of every installed distribution.") as tool:
        packages = list(installed_packages())
        tool.set(output={"distributions": len(packages)}, success=True)
    with sb.tool_call("fill_database", input={"distributions": len(packages)}) as tool:
        database = PackageDatabase(packages)
        tool.set(output=database.totals(), success=True)
    return database


def _questions(database: PackageDatabase, count: int) -> list[str]:
    return [
        "Which installed distribution is the largest, and which follow?",
        "Which distribution is required by the most others?",
        f"What does {database.most_demanding() or 'spanbridge'} require, and which distributions require it?",
        "How many distributions are installed in all?",
    ][:count]


@sb.workflow_step("analyse", step_id="analyse", capture_input=False, reduce_output=len)
def _analyse(agent: PackageAgent, questions: list[str]) -> list[tuple[str, str]]:
    return [(question, agent.answer(question)) for question in questions]


@sb.workflow_step("answer", step_id="answer", capture_input=False)
def _answer(client: ModelClient, delivery: ReportDelivery, answers: list[tuple[str, str]]) -> str:
    findings = "\n".join(f"- {answer}" for _, answer in answers)
    message = client.complete([{"role": "user", "content": f"Write a report of these findings:\n{findings}"}], [])
    return delivery.publish(message["content"])["report_id"]
