"""The command line: one module per command, the only reader of the environment, the only exit codes."""
