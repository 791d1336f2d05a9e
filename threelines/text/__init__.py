"""Text as people write it: folding with the way back, entities, language. No judgement here."""
