"""Training: device, feed, fit."""
