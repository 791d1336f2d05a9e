"""The console, the check page and the HTTP API."""
