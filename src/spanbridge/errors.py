"""The exception tree. Only configuration and reading raise; recording never does.

SpanbridgeError
├── ConfigurationError      a setting is unknown, missing or wrong: key, value and fix
├── AttributesError         a span's typed attributes do not match their definition
└── StoreError              a store cannot be opened or read
"""

from __future__ import annotations


class SpanbridgeError(Exception):
    """The base of every error that spanbridge raises."""


class ConfigurationError(SpanbridgeError):
    """A setting is unknown, missing or of the wrong type; the message names the key, the value and the fix."""


class AttributesError(SpanbridgeError):
    """Attributes do not match the definition of their span type; the message names each attribute and its value."""


class StoreError(SpanbridgeError):
    """A store cannot be opened, read or migrated; the message names the address and the reason."""
