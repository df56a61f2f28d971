"""Every kind of model call inside of every kind, both with tokens."""

from tools import report

import spanbridge as sb

sb.configure(service_name="nested", store="sqlite:///traces.db", bridge="datadog")
OPENERS = {"generation": sb.model_generation, "step": sb.model_step, "inference": sb.model_inference}
for outer_name, outer in OPENERS.items():
    for inner_name, inner in OPENERS.items():
        with sb.agent_run("agent"), outer(f"{outer_name} around {inner_name}", model="m") as call:
            with inner(f"{inner_name} in {outer_name}", model="n") as part:
                part.set(usage=sb.Usage(input_tokens=2, output_tokens=1))
            call.set(usage=sb.Usage(input_tokens=20, output_tokens=10))
report()
