"""Names of the views and of what they hold; light, so that a configuration can read them.

:data:`LEAST_CVM_P` is the smallest p-value that Cramér-von Mises tells of a column: SciPy's series
has no digit that counts below.
"""

from __future__ import annotations

VIEWS = ("uae", "bbsd", "penultimate", "properties", "classes")
# Names of the vectors in the serving graph, the reference set and the prediction log.
VECTORS = {
    "uae": "embedding_uae",
    "bbsd": "embedding_bbsd",
    "penultimate": "embedding_penultimate",
}
# What the pixels are like. Size and bytes of the file say more about who sends it, and are left to
# the monitoring pipeline.
PROPERTIES = (
    "brightness",
    "contrast",
    "sharpness",
    "saturation",
    "red_mean",
    "green_mean",
    "blue_mean",
    "red_deviation",
    "green_deviation",
    "blue_deviation",
    "entropy",
)
LEAST_CVM_P = 1e-7
