"""Environment switches that hold for every process of the project.

Third-party packages decide at import whether they call home and how much they print, so the
entry points call :func:`prepare` before they import anything else. A value that the user has set
already is kept.
"""

from __future__ import annotations

import os

NO_TELEMETRY = {
    "ZENML_ANALYTICS_OPT_IN": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "DVC_NO_ANALYTICS": "1",
    "DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}

SAFE_DEFAULTS = {
    # MLflow refuses to load anything that was saved with pickle.
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    # Figures are written to files; no window system is asked for.
    "MPLBACKEND": "Agg",
}

_HERE = "data: 'self' data:"
_HERE_INLINE = "data: 'self' 'unsafe-inline' 'unsafe-eval' data:"
SAME_HOST_PAGES = {
    # ZenML's dashboard makes the browser ask other hosts for avatars, logos and news; its header
    # can forbid that. Every rule is given, and none ends in a quote, since ZenML 0.98 cuts quotes
    # off the ends of each rule, its own ones included.
    "ZENML_SERVER_SECURE_HEADERS_CSP": (
        f"default-src data:; script-src {_HERE_INLINE}; style-src {_HERE_INLINE}; "
        f"connect-src {_HERE}; img-src {_HERE}; font-src {_HERE}; frame-src {_HERE}; "
        f"base-uri {_HERE}; form-action {_HERE}"
    ),
}

LESS_NOISE = {
    # TensorFlow's INFO and WARNING lines (CPU features, missing CUDA libraries) on every start.
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # MLflow's INFO lines on the tables that it makes in a new database.
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    # MLflow's bar for each file that is read from a tracking run.
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def prepare() -> None:
    """Sets every switch that is not set yet; cheap, and safe to call again."""
    for switches in (NO_TELEMETRY, SAFE_DEFAULTS, SAME_HOST_PAGES, LESS_NOISE):
        for name, value in switches.items():
            os.environ.setdefault(name, value)
