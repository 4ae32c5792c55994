"""The model card of a bundle: ``model_card.md``, for people who decide whether to use the model.

Its headings are those of "Model Cards for Model Reporting" (Mitchell et al., FAT* 2019) for which
the pipeline knows facts. Nothing else is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vision.bundles.manifest import Manifest
from vision.drift.detector_file import DETECTORS_FILE, DetectorFile, read_detectors
from vision.drift.power_table import POWER_FILE, PowerTable, read_power
from vision.drift.power_words import describe_power, false_alarms, method, short_table
from vision.wording import count, one_line

CARD_FILE = "model_card.md"

_MOST_CLASSES = 100
_VIEWS = {
    "uae": "how images look, as the code of an untrained autoencoder",
    "bbsd": "what the model answers, as its outputs",
    "penultimate": "which features the model sees, in the layer before the logits",
    "properties": "light, contrast, sharpness and colour",
    "classes": "how often each class is predicted",
}
_TESTS = {"ks": "Kolmogorov-Smirnov", "cvm": "Cramér-von Mises"}
_CORRECTIONS = {"bonferroni": "Bonferroni", "fdr": "false discovery rate"}


def write_model_card(folder: Path, manifest: Manifest, n_images: Mapping[str, int]) -> Path:
    """Writes the card into a bundle, from the manifest and the bundle's own drift files.

    Args:
      folder: the bundle's; it may have no ``drift/detectors.json`` or no ``drift/power.json``.
      manifest: all but its list of files is used.
      n_images: images of each split of the dataset.

    Raises:
      BundleError: a file of the bundle is damaged.
    """
    path = folder / CARD_FILE
    path.write_text(render_model_card(folder, manifest, n_images), encoding="utf-8")
    return path


def render_model_card(folder: Path, manifest: Manifest, n_images: Mapping[str, int]) -> str:
    """Returns the card as Markdown.

    Raises:
      BundleError: a file of the bundle is damaged.
    """
    detectors = read_detectors(folder) if (folder / DETECTORS_FILE).exists() else None
    power = read_power(folder) if (folder / POWER_FILE).exists() else None
    parts = [
        f"# {_text(manifest.name)} {_text(manifest.version)}",
        *_details(manifest),
        *_use(manifest),
        *_data(manifest, n_images),
        *_metrics(manifest),
        *_drift(detectors, power),
        *_caveats(manifest, power),
    ]
    return "\n\n".join(parts) + "\n"


def _details(manifest: Manifest) -> Iterable[str]:
    height, width = manifest.input_size
    made = {name: value for name, value in manifest.versions.model_dump().items() if value}
    yield "## Model details"
    yield _bullets(
        f"Architecture: {_text(manifest.architecture)}, {manifest.n_parameters:,} parameters",
        f"Made: {manifest.created_at:%Y-%m-%d %H:%M} UTC",
        f"Task: {'one class' if manifest.task == 'multiclass' else 'any number of classes'} "
        "for each image",
        f"Input: RGB images, resized to {width} × {height} px",
        "Made with: " + ", ".join(f"{name} {value}" for name, value in made.items()),
        *_lineage(manifest),
    )


def _lineage(manifest: Manifest) -> Iterable[str]:
    lineage = manifest.lineage
    if lineage.git_commit:
        changed = " and changes that are in no commit" if lineage.git_is_dirty else ""
        yield f"Code: commit `{lineage.git_commit}`{changed}"
    if lineage.config_digest:
        yield f"Configuration: `{lineage.config_digest}`"
    if lineage.tracking_run:
        yield f"Tracking run: `{lineage.tracking_run}`"
    if lineage.pipeline_run:
        yield f"Pipeline run: `{lineage.pipeline_run}`"


def _use(manifest: Manifest) -> Iterable[str]:
    classes = ", ".join(_text(name) for name in manifest.classes[:_MOST_CLASSES])
    if len(manifest.classes) > _MOST_CLASSES:
        classes += f" and {len(manifest.classes) - _MOST_CLASSES:,} more (labels.json)"
    yield "## Intended use"
    yield (
        f"The model tells {count(len(manifest.classes), 'class')} apart: {classes}. It answers "
        "with one of them whatever an image shows; there is no answer for anything else."
        if manifest.task == "multiclass"
        else f"The model finds {count(len(manifest.classes), 'class')} in images: {classes}. It "
        "knows no others."
    )


def _data(manifest: Manifest, n_images: Mapping[str, int]) -> Iterable[str]:
    lineage = manifest.lineage
    facts = [f"{split}: {count(n, 'image')}" for split, n in n_images.items()]
    if lineage.dataset_source:
        facts.append(f"Source: {_text(lineage.dataset_source)}")
    if lineage.dataset_revision:
        facts.append(f"Revision: `{lineage.dataset_revision}`")
    if lineage.data_digest:
        facts.append(f"Digest of the annotation table: `{lineage.data_digest}`")
    yield "## Training and evaluation data"
    yield _bullets(*facts)


def _metrics(manifest: Manifest) -> Iterable[str]:
    yield "## Metrics"
    yield _table(
        ("metric", "value"),
        [
            (_text(name), "not measured" if value is None else f"{value:.4f}")
            for name, value in manifest.metrics.items()
        ],
    )
    parity = manifest.parity
    yield (
        f"The graph that is served differs from the trained model by {parity.max_difference:.2g} "
        f"at most, on {count(parity.n_images, 'golden image')}; {parity.tolerance:.2g} is allowed."
    )


def _drift(detectors: DetectorFile | None, power: PowerTable | None) -> Iterable[str]:
    yield "## Drift: what will be seen"
    if detectors is None:
        yield "This bundle has no drift detectors: images that change are not noticed."
        return
    sizes = ", ".join(f"{size:,}" for size in detectors.sizes)
    yield (
        f"Every {count(detectors.every_n, 'image')} the newest {sizes} images are compared with "
        f"{detectors.n_reference:,} held-out ones, by {_TESTS[detectors.detector]} in each column "
        f"({_CORRECTIONS[detectors.correction]}) and chi-squared for the classes:"
    )
    yield _bullets(*(f"`{view}`: {_VIEWS[view]}" for view in detectors.views))
    yield (
        "Where nothing changes, its thresholds allow one false alarm in "
        f"{1 / detectors.alarm_rate:,.0f} checks (“{detectors.false_alarms}”)."
    )
    if power is None:
        yield "What this check will see was not measured."
        return
    yield "Changed images until the check finds them, by severity:"
    yield _table(("change", "1", "2", "3"), short_table(power))
    yield method(power)
    yield false_alarms(power)


def _caveats(manifest: Manifest, power: PowerTable | None) -> Iterable[str]:
    yield "## Caveats"
    caveats = []
    if power is not None:
        said = describe_power(power)
        caveats += [f"Not seen, though fewer answers are right: {each}" for each in said.missed]
        caveats += [f"Not seen: {each}" for each in said.unseen]
        caveats += [
            f"Not seen: {kind}; it changes no pixel of these images."
            for kind in said.without_effect
        ]
    caveats.append(
        "No drift check sees that the same images now mean something else; that takes feedback."
    )
    if manifest.lineage.git_is_dirty:
        caveats.append("The code had changes that are in no commit: it cannot be made again alike.")
    caveats.append(
        "This card was written by the pipeline and holds what the pipeline knows. Who should use "
        "the model, for whom it works less well and what harm it can do, people must add."
    )
    yield _bullets(*caveats)


def _bullets(*lines: str) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    """Returns text of a configuration or folder name as Markdown shows it literally."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in one_line(text))
