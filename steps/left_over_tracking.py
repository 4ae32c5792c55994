"""Tracking runs that an interrupt left open."""

from __future__ import annotations

import sys
from contextlib import suppress

from zenml.client import Client
from zenml.utils.env_utils import temporary_environment

from steps.tracking import FLAVOR, experiment_name, mlflow_module
from vision.config import TrackingConfig

# Somebody waits at a terminal; MLflow's own patience is four minutes.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}


def end_left_over(config: TrackingConfig, model_name: str, run_name: str) -> None:
    """Ends what is open of a pipeline run: it would be shown as running for ever.

    A tracker that does not answer at once is left alone.

    Args:
      config: the job's.
      model_name: of the job.
      run_name: the pipeline run's.
    """
    tracker = Client().active_stack.experiment_tracker
    # Where no step has imported MLflow, none has opened a tracking run.
    if tracker is None or tracker.flavor != FLAVOR or "mlflow" not in sys.modules:
        return
    from zenml.integrations.mlflow.mlflow_utils import stop_zenml_mlflow_runs

    mlflow = mlflow_module()
    with suppress(mlflow.MlflowException, OSError), temporary_environment(_IMPATIENT):
        tracker.configure_mlflow()
        stop_zenml_mlflow_runs("KILLED")
        # One that was struck while it was ended is open in the database alone.
        left = mlflow.search_runs(
            experiment_names=[experiment_name(config, model_name)],
            filter_string=f"attributes.run_name = '{run_name}' and attributes.status = 'RUNNING'",
            output_format="list",
        )
        for run in left:
            mlflow.MlflowClient().set_terminated(run.info.run_id, "KILLED")
    mlflow.set_tracking_uri("")  # as a step leaves it
