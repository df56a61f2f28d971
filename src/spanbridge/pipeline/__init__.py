"""From events to delivered records: the open spans, the processor chain, and one runner per exit."""
