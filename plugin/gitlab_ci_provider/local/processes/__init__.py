"""Processes on one machine: started, watched, and stopped with all that they started."""
