"""Processors that every record passes: the sensitive-data filter, then the limits of what is kept."""
