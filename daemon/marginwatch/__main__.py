"""`python -m marginwatch`."""

from marginwatch.cli import main

main()
