"""What others read: one module per format, found by name, each `write(incidents, …)`."""
