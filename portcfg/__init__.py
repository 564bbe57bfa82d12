"""portcfg: Port (port.io) as code. Compile, validate, plan and apply specs; sync rows into entities."""

__version__ = "0.1.0"
