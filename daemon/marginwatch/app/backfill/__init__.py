"""Backfill: what venues keep of their accounts' past, imported beside what was seen live, for backtests to go by."""
