"""All that happens on the caller's thread: ids, clock, context, snapshots, and events to the pipeline."""
