"""What validation says about a dataset, in words that no validator owns."""
