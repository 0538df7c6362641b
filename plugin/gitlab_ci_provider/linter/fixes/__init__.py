"""Changes to files that mend what a check has found."""
