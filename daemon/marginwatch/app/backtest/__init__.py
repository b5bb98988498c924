"""Backtests: what rules would have told of stored, imported or filed observations, decided by the daemon's engine."""
