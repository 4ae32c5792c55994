"""Bundles: the only thing that crosses from training to serving.

A bundle is a folder with a manifest, the Keras model, the serving graph, labels, the reference set
and golden images. Reading and serving one needs neither TensorFlow nor pandas.
"""
