"""The three venues' APIs as local servers that play scenarios: for the demo, for tests and for users' dry runs."""
