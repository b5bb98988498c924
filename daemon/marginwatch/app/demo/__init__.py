"""The demo: the real daemon on simulated venues, over the real protocols, with its alerts on the console."""
