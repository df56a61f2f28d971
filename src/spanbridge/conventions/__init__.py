"""Our spans as OpenTelemetry spans and back: one table of names (`genai`), the schemas of messages, both directions. Imports no OpenTelemetry."""
