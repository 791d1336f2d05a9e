"""Read → link → assess → review → register → share: one engine, three lines of defence."""

__version__ = "0.1.0"
