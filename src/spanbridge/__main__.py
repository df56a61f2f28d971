"""`python -m spanbridge`."""

from __future__ import annotations

from spanbridge.cli import main

if __name__ == "__main__":
    main()
