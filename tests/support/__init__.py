"""Parts that several tests use: builders, fakes and local servers."""
