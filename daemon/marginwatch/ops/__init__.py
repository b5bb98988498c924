"""Running the process: logging without secrets, and what systemd is told."""
