"""Watching a served model from its prediction log: what moved, how sure that is, what to do."""
