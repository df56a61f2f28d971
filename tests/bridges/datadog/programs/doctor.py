"""What the doctor says of the bridge; the first argument is Python code that runs first."""

import json
import sys

exec(sys.argv[1])

from spanbridge.configuration.doctor import examine  # noqa: E402 - after what was to run first

exporters = sys.argv[2:]
checks = examine({"bridge": "datadog", "store": False, "exporters": exporters})
print(
    json.dumps(
        {
            check.part.removeprefix("bridge: "): [check.state, check.why, check.fix]
            for check in checks
            if "bridge: " in check.part
        }
    )
)
