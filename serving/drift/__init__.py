"""The drift check beside the service: it watches what is predicted, never in its way."""
