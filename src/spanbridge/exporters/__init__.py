"""The exits that need no service: the console, a JSON Lines file, memory."""
