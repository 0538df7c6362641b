"""Processes of one machine: started, watched, waited for, ended with all that they started."""
