"""Everything that must survive a restart; `store.py` is the door, and no other part knows which database it is."""
