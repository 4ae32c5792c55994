"""Folds keep together what belongs together; out-of-fold predictions equal a refit's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from vision.validation.wrong_labels import out_of_fold
from vision.validation.wrong_labels.out_of_fold import N_FOLDS, FoldRidge, assign_folds

NOWHERE = -1


def frame_of(n_images: int, sha256: list[str] | None = None, group: str = "") -> pd.DataFrame:
    names = sha256 or [f"{number * 7919 % 10007:05d}" for number in range(n_images)]
    labels = ["cat" if number % 2 else "dog" for number in range(n_images)]
    return pd.DataFrame({"sha256": names, "label": labels, "group": [group] * n_images})


def test_every_class_is_spread_evenly() -> None:
    frame = frame_of(100)
    counts = pd.crosstab(frame["label"], assign_folds(frame))
    assert (counts == 10).all(axis=None)


def test_files_of_the_same_bytes_share_a_fold_whatever_their_label() -> None:
    frame = frame_of(40)
    frame.loc[1::2, "sha256"] = frame.loc[::2, "sha256"].to_numpy()
    folds = assign_folds(frame)
    np.testing.assert_array_equal(folds[::2], folds[1::2])
    assert set(folds) == set(range(N_FOLDS))


def test_groups_that_are_joined_by_a_copy_share_a_fold() -> None:
    frame = frame_of(60)
    frame["group"] = [f"burst {number // 3}" for number in range(60)]
    frame.loc[3, "sha256"] = frame.loc[0, "sha256"]
    folds = assign_folds(frame)
    assert len(set(folds[:6])) == 1
    for start in range(0, 60, 3):
        assert len(set(folds[start : start + 3])) == 1


def test_folds_do_not_depend_on_the_order_of_the_rows() -> None:
    frame = frame_of(50)
    order = np.random.default_rng(0).permutation(50)
    shuffled = assign_folds(frame.iloc[order].reset_index(drop=True))
    np.testing.assert_array_equal(shuffled, assign_folds(frame)[order])


def refit(
    features: npt.NDArray[np.float64], targets: npt.NDArray[np.float64], penalty: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns the weights and the intercept of a ridge regression, by scikit-learn."""
    from sklearn.linear_model import Ridge

    centred = features - features.mean(0)
    strength = penalty * (centred**2).sum() / features.shape[1]
    model = Ridge(alpha=strength, solver="cholesky").fit(features, targets)
    return model.coef_.T, model.intercept_


@pytest.mark.slow
@pytest.mark.parametrize("block", [7, 2048])
def test_predictions_equal_those_of_a_model_without_the_fold(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out_of_fold, "_BLOCK", block)
    rng = np.random.default_rng(0)
    features = (rng.normal(0, 1, (90, 12)) + 3).astype(np.float32)
    labels = rng.integers(0, 3, 90)
    folds = rng.integers(0, N_FOLDS, 90)
    home = rng.integers(-1, N_FOLDS, 12)
    ridge = FoldRidge(features, labels, 3, folds, home)
    for fold in range(N_FOLDS):
        used, is_in = home != fold, folds == fold
        penalties = (1e-3, 0.1)
        for penalty, predicted in zip(penalties, ridge.predict(fold, penalties), strict=True):
            known = features[~is_in][:, used].astype(np.float64)
            weights, intercept = refit(known, np.eye(3)[labels[~is_in]], penalty)
            expected = features[is_in][:, used] @ weights + intercept
            np.testing.assert_allclose(predicted, expected, atol=2e-3)


def test_the_label_of_an_image_has_no_part_in_its_prediction() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(0, 1, (60, 5)).astype(np.float32)
    labels, folds = rng.integers(0, 2, 60), np.arange(60) % N_FOLDS
    home = np.full(5, NOWHERE)
    [before] = FoldRidge(features, labels, 2, folds, home).predict(0, [0.1])
    changed = np.where(folds == 0, 1 - labels, labels)
    [after] = FoldRidge(features, changed, 2, folds, home).predict(0, [0.1])
    np.testing.assert_array_equal(after, before)


def test_features_that_say_nothing_give_the_shares_of_the_classes() -> None:
    labels = np.array([0] * 45 + [1] * 15)
    folds = np.arange(60) % N_FOLDS
    flat = np.zeros((60, 4), np.float32)
    [scores] = FoldRidge(flat, labels, 2, folds, np.full(4, NOWHERE)).predict(2, [0.1])
    np.testing.assert_allclose(scores, np.tile([0.75, 0.25], (12, 1)), atol=1e-6)
