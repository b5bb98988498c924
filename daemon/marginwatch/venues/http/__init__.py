"""What venues spoken to over HTTP share: lanes, login, rate budget, retries, cycles and failures."""
