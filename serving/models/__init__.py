"""The model that is served: which it is, loading it, and changing it while requests come in."""
