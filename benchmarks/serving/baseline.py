"""The conventional path: FastAPI, Keras, Grad-CAM, PNGs in base64 and a database in one request.

    VISIONSTACK_BUNDLE=... BASELINE_DATABASE=sqlite:////tmp/baseline.sqlite \
        uvicorn baseline:app --app-dir benchmarks/serving

What a careful tutorial gives: the models are loaded once; ``model.predict`` for the classifier and
for the encoder whose output a drift detector takes; Grad-CAM with a gradient model built for each
picture, as its feature map is a layer's output; image, heatmap and overlay saved as optimised PNGs
and put into the answer in base64; a row in the database through an engine of the request's own.
Decoding and resizing are the project's, so that both paths classify the same pixels.
"""

from __future__ import annotations

import base64
import io
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import cv2
import keras
import numpy as np
import tensorflow as tf
from fastapi import FastAPI, File, Form, UploadFile
from PIL import Image
from sqlalchemy import JSON, DateTime, String, Text, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from vision.bundles.load import read_manifest
from vision.images.decode import decode_image
from vision.images.preprocess import resize_image

folder = Path(os.environ["VISIONSTACK_BUNDLE"])
database = os.environ["BASELINE_DATABASE"]
manifest = read_manifest(folder)
model = keras.models.load_model(folder / "model.keras", compile=False)


def build_encoder() -> keras.Model:
    """Returns the encoder of an untrained autoencoder, as large as the one in the serving graph."""
    factor = max(1, min(manifest.input_size) // 32)
    layers = [
        keras.Input((*manifest.input_size, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.AveragePooling2D(factor),
        *(
            keras.layers.Conv2D(n, 4, strides=2, padding="same", activation="relu")
            for n in (16, 32, 64)
        ),
        keras.layers.Flatten(),
        keras.layers.Dense(32),
    ]
    return keras.Sequential(layers)


encoder = build_encoder()
app = FastAPI()


class Base(DeclarativeBase):
    """The tables."""


class Row(Base):
    """One prediction."""

    __tablename__ = "predictions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    time: Mapped[datetime] = mapped_column(DateTime)
    label: Mapped[str] = mapped_column(String(200))
    probabilities: Mapped[list[float]] = mapped_column(JSON)
    embedding: Mapped[list[float]] = mapped_column(JSON)
    image: Mapped[str] = mapped_column(Text)
    heatmap: Mapped[str] = mapped_column(Text)
    overlay: Mapped[str] = mapped_column(Text)


Base.metadata.create_all(create_engine(database))


def grad_cam(images: Any, winner: int) -> Any:
    """Returns where the winning class was seen, (h, w) in 0..1."""
    gradient_model = keras.Model(
        model.inputs, [model.get_layer("pool").input, model.get_layer("logits").output]
    )
    with tf.GradientTape() as tape:
        features, logits = gradient_model(images)
        score = logits[:, winner]
    weights = tf.reduce_mean(tape.gradient(score, features), axis=(1, 2))
    found = tf.nn.relu(tf.reduce_sum(features * weights[:, None, None, :], axis=-1))[0].numpy()
    return found / max(float(found.max()), 1e-12)


def as_png(pixels: Any) -> str:
    """Returns an optimised PNG in base64."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def draw(pixels: Any, heat: Any) -> dict[str, str]:
    """Returns the three pictures, in the image's own size."""
    height, width = pixels.shape[:2]
    scaled = cv2.resize(heat, (width, height), interpolation=cv2.INTER_CUBIC)
    values = np.uint8(255 * np.clip(scaled, 0, 1))
    colours = cv2.applyColorMap(values, cv2.COLORMAP_JET)[..., ::-1]
    overlay = np.uint8(0.6 * pixels + 0.4 * colours)
    return {"image": as_png(pixels), "heatmap": as_png(colours), "overlay": as_png(overlay)}


@app.post("/predict")
def predict(image: Annotated[UploadFile, File()], explain: Annotated[str, Form()] = "none") -> Any:
    """Classifies one image."""
    pixels = decode_image(image.file.read())
    images = resize_image(pixels, manifest.input_size)[None]
    probabilities = model.predict(images, verbose=0)[0]
    embedding = encoder.predict(images, verbose=0)[0]
    winner = int(probabilities.argmax())
    pictures = {"image": "", "heatmap": "", "overlay": ""}
    if explain != "none":
        pictures = draw(pixels, grad_cam(images, winner))
    row = Row(
        id=uuid.uuid4().hex,
        time=datetime.now(UTC),
        label=manifest.classes[winner],
        probabilities=probabilities.tolist(),
        embedding=embedding.tolist(),
        **pictures,
    )
    engine = create_engine(database)
    with Session(engine) as session:
        session.add(row)
        session.commit()
    by_class = dict(zip(manifest.classes, probabilities.tolist(), strict=True))
    return {"label": manifest.classes[winner], "probabilities": by_class, **pictures}


@app.get("/readyz")
def is_ready() -> dict[str, str]:
    """The models are loaded."""
    return {}
