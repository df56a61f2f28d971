"""What is on, and with which values: settings from code, environment and files, and the plugins that they name."""
