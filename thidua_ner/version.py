"""The version of the data and of the programs, which move together."""

__version__ = "0.2.0"
