"""The command line: one module per command or group of commands, each with `add_commands`."""
