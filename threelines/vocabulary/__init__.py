"""What we all mean: Palermo elements, indicators, languages, as files a case worker can read."""
