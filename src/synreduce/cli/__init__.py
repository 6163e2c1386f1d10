"""The command-line program, thin over the package."""
