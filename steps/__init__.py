"""One ZenML step per file: convert, call one core function, log, return."""
