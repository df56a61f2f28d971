"""Many traces, each with random faults: spans that never end, are dropped, excluded, orphaned, cancelled or late."""

import ddtrace.auto  # noqa: F401, I001 - first, as it must be

import asyncio
import gc
import random
import resource
import sys
import time
from collections import deque

from ddtrace.trace import tracer
from tools import call, report, serve

import spanbridge as sb
from spanbridge.pipeline import bridge_finish

count, seed = int(sys.argv[1]), int(sys.argv[2])
bridge_finish.GRACE_S = 0.5
url = serve()
chance = random.Random(seed)
kept: deque = deque(maxlen=100)
"""Handles that the application holds; not all of them for ever, so that memory tells what spanbridge holds."""
held = 0


dropped_ends = {}
"""When what is dropped ended, by its span id."""


def drop_noise(record):
    if not record.name.startswith("dropped"):
        return record
    dropped_ends[int(record.span_id, 16)] = record.ended_at
    return None


sb.configure(
    service_name="faults",
    store="sqlite:///traces.db",
    bridge="datadog",
    processors=[drop_noise],
    exclude_span_types=["workflow_step"],
)


def request(name: str) -> None:
    """A few of the spans make a real request: it is what takes most of the time."""
    if chance.random() < 0.02:
        call(url, name)


async def late(name: str) -> None:
    await asyncio.sleep(0)
    with sb.tool_call(f"late {name}"):
        request(f"late {name}")


async def cancelled(name: str) -> None:
    with sb.tool_call(f"cancelled {name}"):
        request(f"cancelled {name}")
        await asyncio.sleep(60)


async def trace(number: int, tasks: list) -> None:
    global held
    with sb.agent_run(f"agent {number}", input="x" * 100):
        for step in range(chance.randrange(1, 5)):
            name = f"{number}.{step}"
            match chance.randrange(9):
                case 0:  # never ended, and forgotten
                    sb.start_span(sb.SpanType.TOOL_CALL, f"forgotten {name}")
                case 1:  # never ended, and held
                    held += 1
                    kept.append(sb.start_span(sb.SpanType.TOOL_CALL, f"held {name}"))
                case 2:
                    with sb.generic(f"dropped {name}"), sb.tool_call(f"below dropped {name}"):
                        request(f"below dropped {name}")
                case 3:
                    with sb.workflow_step(f"excluded {name}"), sb.tool_call(f"below excluded {name}"):
                        request(f"below excluded {name}")
                case 4:  # ends after its parent
                    with sb.tool_call(f"parent {name}") as parent:
                        orphan = sb.start_span(sb.SpanType.GENERIC, f"orphan {name}", parent=parent)
                    orphan.end()
                case 5:
                    task = asyncio.create_task(cancelled(name))
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                    task.cancel()
                    tasks.append(task)
                case 6:
                    tasks.append(asyncio.create_task(late(name)))
                case 7:
                    try:
                        with sb.tool_call(f"failing {name}"):
                            request(f"failing {name}")
                            raise ValueError(name)
                    except ValueError:
                        pass
                case 8:
                    with tracer.trace(f"foreign {name}"), sb.model_generation(f"chat {name}", model="m") as generation:
                        request(f"chat {name}")
                        generation.set(output="y" * 100, usage=sb.Usage(input_tokens=1, output_tokens=1))
        request(f"agent {number}")


async def main() -> list[int]:
    memory: list[int] = []
    for start in range(0, count, 50):
        tasks: list = []
        for number in range(start, min(start + 50, count)):
            with tracer.trace("web.request", resource=f"request {number}"):
                await trace(number, tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        sb.flush(30)
        if start % 1000 == 0:
            gc.collect()
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return memory


memory = asyncio.run(main())
print(memory, file=sys.stderr)  # KiB, every thousand traces
gc.collect()
for _ in range(200):  # until those that are held have been given up
    sb.flush(30)
    if not sb.stats()["bridge"]["open"]:
        break
    time.sleep(0.1)  # they are given up by the clock: nothing tells when
aggregated = sum(len(trace.spans) for trace in tracer._span_aggregator._traces.values())
report(memory=memory, held=held, aggregated=aggregated, dropped_ends=dropped_ends if count <= 10_000 else {})
