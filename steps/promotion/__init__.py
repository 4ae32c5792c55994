"""Changes the champion of a model in every place that names one, all or nothing, and back."""
