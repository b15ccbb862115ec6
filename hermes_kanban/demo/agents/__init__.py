"""The workers of the sample plan: programs of their own, started by the ``command`` runtime."""
