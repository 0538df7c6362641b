"""The program in the helper container: it obeys a JobPlan."""
