"""Which steps run in which order, and how a job is launched."""
