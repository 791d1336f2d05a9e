"""Third line of defence: people and those beside them. Register, monitor, advise, release."""
