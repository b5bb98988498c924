"""The composition root: builds everything from the settings, starts it in order, stops it in reverse."""
