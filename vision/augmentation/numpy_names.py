"""The names that imgaug 0.4.0 still looks up in NumPy, which NumPy 1.24 removed.

Without them ``OneOf``, ``RandAugment``, ``Rain``, ``Snowflakes`` and ``Fog`` raise
``AttributeError``. Import this module before imgaug.
"""

import numpy as np

for _name, _type in (("bool", np.bool_), ("complex", np.complex128)):
    if _name not in vars(np):
        setattr(np, _name, _type)
