"""`python -m portcfg`."""

from portcfg.cli import main

main()
