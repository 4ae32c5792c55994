"""Keeps a trained model: a ``.keras`` file loaded in safe mode, its history as parquet."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np
from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash, local_folder
from materializers.pages import frame, page
from materializers.property_table import from_parquet, to_parquet
from vision.training.fit import TrainedModel

MODEL_FILE = "model.keras"
HISTORY_FILE = "history.parquet"
TRAINING_FILE = "training.json"
CURVES_FILE = "learning_curves.png"
EPOCHS_FILE = "epochs.html"


class TrainedModelMaterializer(FileMaterializer):
    """``model.keras``, ``history.parquet`` and ``training.json``."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (TrainedModel,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: TrainedModel) -> None:
        """Writes model, history and best epoch."""
        with local_folder() as folder:
            path = folder / MODEL_FILE
            data.model.save(path)
            self.write(MODEL_FILE, path.read_bytes())
        self.write(HISTORY_FILE, to_parquet(data.history))
        self.write(TRAINING_FILE, json.dumps({"best_epoch": data.best_epoch}).encode())

    def load(self, data_type: type[Any]) -> TrainedModel:
        """Reads all three; code inside the model file is refused, never run.

        Raises:
          ModelError: the model file is damaged or holds code.
        """
        from vision.models.build import load_model

        with self.as_local_file(MODEL_FILE) as path:
            model = load_model(path)
        best_epoch = int(json.loads(self.read(TRAINING_FILE))["best_epoch"])
        return TrainedModel(model, from_parquet(self.read(HISTORY_FILE)), best_epoch)

    def save_visualizations(self, data: TrainedModel) -> dict[str, VisualizationType]:
        """Shows the learning curves and the numbers of each epoch."""
        from vision.figures import learning_curves

        epochs = page("Epochs", frame(data.history.set_index("epoch"), "epoch"))
        curves = self.write(CURVES_FILE, learning_curves(data.history, data.best_epoch))
        return {
            curves: VisualizationType.IMAGE,
            self.write(EPOCHS_FILE, epochs.encode()): VisualizationType.HTML,
        }

    def extract_metadata(self, data: TrainedModel) -> dict[str, Any]:
        """Gives the size of the model and its best epoch."""
        best = data.history.loc[data.history["epoch"] == data.best_epoch].iloc[0]
        return {
            "architecture": str(data.model.name),
            "n_parameters": int(data.model.count_params()),
            "n_epochs": len(data.history),
            "best_epoch": data.best_epoch,
            "val_loss": float(best["val_loss"]),
            "val_accuracy": float(best["val_accuracy"]),
            "seconds": float(data.history["seconds"].sum()),
        }

    def compute_content_hash(self, data: TrainedModel) -> str:
        """Hashes the layers' types and the weights.

        The file itself holds dates, and layers are numbered through the life of a process, so two
        equal models give different files.
        """
        layers = [type(layer).__name__ for layer in data.model.layers]
        shapes = [str(weight.shape) for weight in data.model.weights]
        weights = [np.asarray(weight).tobytes() for weight in data.model.weights]
        size = str(data.model.input_shape)
        return content_hash(size, *layers, *shapes, *weights)
