"""Agent runs with the tags that the arguments are, each a list in JSON."""

import json
import sys

from tools import report

import spanbridge as sb

sb.configure(service_name="bot", store="sqlite:///traces.db", bridge="datadog", request_context_keys=["user.plan"])
for tags in map(json.loads, sys.argv[1:]):
    with sb.request_context(user={"plan": "pro"}), sb.agent_run("run", session_id="s1", tags=tags):
        pass
report()
