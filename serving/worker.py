"""All that one worker process holds: the model, the log, the drift check and the counters."""

from __future__ import annotations

import time
from collections.abc import Sequence

from serving.deployments import Followed
from serving.drift.check import DriftCheck
from serving.drift.verdict import Checked
from serving.log import PredictionLog
from serving.metrics import Metrics
from serving.metrics.metrics import Role
from serving.metrics.timer import Timer
from serving.models import Activated, ModelHost
from serving.models.host import State
from serving.models.trial import TrialHost
from serving.models.tried import Trial
from serving.predict import Predicted, PredictOptions, predict_image
from serving.problems import LOG_OFF, NO_LOG, NO_MODEL, ProblemError, as_problem, image_problem
from serving.record import CallRecord, DriftRecord, FeedbackRecord, Record
from serving.schema import BatchAnswer, BatchEntry, DriftVerdict
from serving.settings import ServiceSettings
from serving.shadow import Shadow
from vision.bundles.load import ServingModel
from vision.errors import ImageError

_LOG_GAUGES_EVERY_S = 1.0


class Worker:
    """Ties the parts of a worker together; each of them may fail without the others."""

    def __init__(self, settings: ServiceSettings) -> None:
        """Starts nothing yet."""
        self.settings = settings
        self.metrics = Metrics()
        self.host = ModelHost()
        self.log = PredictionLog(settings)
        self.trials = TrialHost(lambda: self.host.state.model, self._on_trial)
        self.shadow = Shadow(settings, self.log.put, self.metrics.answer)
        self.drift = DriftCheck(settings, self._on_drift, self.metrics.drift)
        self._followed = Followed()
        # Not with each request: records are stored, and lost, while nobody asks anything.
        self._timer = Timer(_LOG_GAUGES_EVERY_S, self._show_log)
        self.host.on_change(self._on_model)
        self.host.on_failure(self._on_refusal)

    def start(self) -> None:
        """Starts the threads; returns at once."""
        self.log.start()
        self.drift.start()
        self.host.start()
        self.trials.start()
        self.shadow.start()
        self._timer.start()

    def stop(self) -> None:
        """Stops them; what was recorded is on the disk afterwards."""
        self.host.stop()
        self.trials.stop()
        self.shadow.stop()
        self.drift.stop()
        self.log.stop()
        self._timer.stop()

    def model(self) -> ServingModel:
        """Returns the model to answer with.

        Raises:
          ProblemError: 503, there is none.
        """
        state = self.host.state
        if state.model is None:
            raise ProblemError(NO_MODEL, state.detail, {"Retry-After": "2"})
        return state.model

    def model_for(self, request_id: str) -> ServingModel:
        """Returns the model that answers a request: the active one, or a canary.

        Raises:
          ProblemError: 503, there is none.
        """
        active = self.model()
        return self.trials.model_for(request_id, "canary") or active

    def activate(self, name: str, version: str) -> Activated:
        """Serves a version of the store from now on; one that was tried is tried no more.

        Raises:
          ModelPinned: the environment says what is served.
          ModelRefused: the version is not served, and nothing has changed.
        """
        done = self.host.activate(name, version)
        self.trials.look()
        return done

    def verdict(self, model: ServingModel) -> DriftVerdict:
        """Returns the last drift verdict, if it is about this model version."""
        return self.checked(model).verdict

    def checked(self, model: ServingModel) -> Checked:
        """Returns the last drift check of this model version, as far as there was one."""
        return self.drift.of((model.manifest.name, model.manifest.version))

    def predict(self, data: bytes, options: PredictOptions, request_id: str) -> Predicted:
        """Classifies one image with the model of this moment, and takes note of it.

        Raises:
          ProblemError: no model, no usable image, or a log that takes nothing more.
        """
        return self.predict_with(self.model_for(request_id), data, options, request_id)

    def predict_with(
        self, model: ServingModel, data: bytes, options: PredictOptions, request_id: str
    ) -> Predicted:
        """Classifies one image with a model that the caller holds, and takes note of it.

        Raises:
          ProblemError: no usable image, or a log that takes nothing more.
        """
        verdict = self.verdict(model)
        is_candidate = self.trials.is_candidate(model)
        role: Role = "candidate" if is_candidate else "active"
        try:
            predicted = predict_image(model, data, options, self.settings, request_id, verdict)
        except ImageError as error:
            self.metrics.decode_failure(error.reason)
            raise image_problem(error) from error
        except Exception:
            # Answered as a defect further out; here it is known whose it is.
            self.metrics.answer(role, "error")
            raise
        self.metrics.answer(role, "ok", predicted.record.latency_s)
        started = time.perf_counter()
        self.note(predicted, is_watched=not is_candidate)
        self.metrics.stage("log", time.perf_counter() - started)
        if (candidate := self.trials.model_for(request_id, "shadow")) is not None:
            self.shadow.add(candidate, predicted.record)
        return predicted

    def predict_batch(
        self, images: Sequence[bytes], options: PredictOptions, request_id: str
    ) -> BatchAnswer:
        """Classifies images with one model; one that is none is one entry with a problem.

        Raises:
          ProblemError: no model, or a log that takes nothing more.
        """
        model = self.model_for(request_id)
        entries = [
            self.entry(model, data, options, request_id, index) for index, data in enumerate(images)
        ]
        return BatchAnswer(request_id=request_id, entries=tuple(entries))

    def entry(
        self, model: ServingModel, data: bytes, options: PredictOptions, request_id: str, index: int
    ) -> BatchEntry:
        """Classifies one image of a batch.

        Raises:
          ProblemError: a log that takes nothing more.
        """
        name = f"{request_id}-{index}"
        try:
            predicted = self.predict_with(model, data, options, name)
        except ProblemError as error:
            if error.kind is NO_LOG:
                raise
            return BatchEntry(index=index, problem=as_problem(error, name))
        return BatchEntry(index=index, answer=predicted.answer)

    def note(self, predicted: Predicted, *, is_watched: bool = True) -> None:
        """Takes a prediction to log, drift check and counters.

        Args:
          predicted: the prediction.
          is_watched: whether the drift check, which is about the active model, takes it.

        Raises:
          ProblemError: 503, the log takes nothing more and is required.
        """
        record = predicted.record
        self.keep(record)
        if is_watched:
            self.drift.add(record)
        self.metrics.prediction(
            record.model_name, record.label, record.probability, record.is_abstained
        )
        for stage, seconds in predicted.seconds.items():
            self.metrics.stage(stage, seconds)

    def keep(self, record: Record) -> None:
        """Takes a record to the log.

        Raises:
          ProblemError: 503, the log takes nothing more and is required.
        """
        if not self.log.put(record) and self.settings.log == "required":
            detail = "The prediction log takes nothing more, and is required; try again later."
            raise ProblemError(NO_LOG, detail, {"Retry-After": "5"})

    def keep_feedback(self, record: FeedbackRecord) -> None:
        """Takes feedback to the log, which is all that becomes of it.

        Raises:
          ProblemError: 404, the log is switched off; 503, it takes nothing more.
        """
        if self.settings.log == "off":
            raise ProblemError(LOG_OFF, "Feedback is kept nowhere: the log is switched off.")
        if not self.log.put(record):
            detail = "Feedback cannot be kept now; try again later."
            raise ProblemError(NO_LOG, detail, {"Retry-After": "5"})

    def on_call(self, call: CallRecord) -> None:
        """Writes a request down."""
        self.log.put(call)

    def on_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a request."""
        self.metrics.request(route, method, status, seconds)

    def _show_log(self) -> None:
        log = self.log.status
        self.metrics.log_status(log.n_waiting, log.n_dropped)

    def _on_model(self, state: State, why: str) -> None:
        if state.model is not None:
            manifest = state.model.manifest
            self.metrics.model(manifest.name, manifest.version, state.generation, manifest.classes)
            self.drift.follow(state.model, state.generation)
        # The first model of a process replaces none.
        if why != "start":
            self.metrics.swap("done")
        if (record := self._followed.note(state, why)) is not None:
            self.log.put(record)

    def _on_trial(self, trial: Trial | None) -> None:
        tried = trial.candidate if trial is not None and trial.model is not None else None
        if tried is None:
            self.metrics.candidate(None)
        else:
            self.metrics.candidate((tried.name, tried.version, tried.mode), tried.share)

    def _on_refusal(self, reason: str) -> None:
        self.metrics.load_failure(reason)
        if self.host.state.model is not None:
            self.metrics.swap("refused")

    def _on_drift(self, record: DriftRecord) -> None:
        self.log.put(record)
        self.metrics.drift_check(record.status == "error")
