"""First line of defence: the AI models themselves. Measure them on misuse, guard them by the session."""
