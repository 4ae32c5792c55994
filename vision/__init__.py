"""The core: images, datasets, properties, augmentation, models, training, metrics and bundles.

Nothing here knows of ZenML, MLflow, BentoML, DVC, Deepchecks or Click, and importing it loads
neither TensorFlow nor any file. ``python -m vision`` runs the core on its own.
"""

__version__ = "0.1.0"
