"""The stages of a run, called by the command line and by the workflow alike."""
