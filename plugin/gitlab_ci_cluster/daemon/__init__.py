"""The process: its directories, its identity, its kubeconfig, start and stop."""
