"""The venues: one package each, found through the entry point group `marginwatch.venues`."""
