"""What the doctor says of the bridge; the first argument is Python code that runs first.

Each further one is JSON, of a configuration to examine: the exporters' names, and environment variables.
"""

import json
import os
import sys

exec(sys.argv[1])

from spanbridge.configuration.doctor import examine  # noqa: E402 - after what was to run first

before = dict(os.environ)
told = []
for exporters, variables in map(json.loads, sys.argv[2:] or ["[[], {}]"]):
    os.environ.clear()
    os.environ.update(before | variables)
    checks = examine({"bridge": "datadog", "store": False, "exporters": exporters})
    told.append(
        {
            check.part.removeprefix("bridge: "): [check.state, check.why, check.fix]
            for check in checks
            if "bridge: " in check.part
        }
    )
print(json.dumps(told))
