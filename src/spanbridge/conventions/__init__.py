"""Our spans as OpenTelemetry spans and back: one table of names (`genai`), messages in their schema. Imports no OpenTelemetry."""
