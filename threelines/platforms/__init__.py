"""Second line of defence: where people connect. Read exports, link records into threads, review."""
