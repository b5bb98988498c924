"""Why a rule did, or did not, tell of an account: read from the store and decided again by the engine."""
