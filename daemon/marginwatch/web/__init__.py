"""What the daemon answers over HTTP: health now, pages on top of the same server."""
