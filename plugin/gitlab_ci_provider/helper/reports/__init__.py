"""Reading the files of `artifacts:reports`: written by strangers, never trusted."""
