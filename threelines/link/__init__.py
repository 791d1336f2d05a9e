"""Link what belongs together across accounts: near-copies of one script, accounts tied to one another."""
