"""An agent run with the tags that the arguments are."""

import sys

from tools import report

import spanbridge as sb

sb.configure(service_name="bot", store="sqlite:///traces.db", bridge="datadog", request_context_keys=["user.plan"])
with sb.request_context(user={"plan": "pro"}), sb.agent_run("run", session_id="s1", tags=sys.argv[1:]):
    pass
report()
