from vision import environment


def test_every_switch_of_telemetry_is_set(monkeypatch):
    for name in environment.NO_TELEMETRY:
        monkeypatch.delenv(name, raising=False)
    environment.prepare()
    import os

    assert {name: os.environ[name] for name in environment.NO_TELEMETRY} == {
        "ZENML_ANALYTICS_OPT_IN": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "BENTOML_DO_NOT_TRACK": "True",
        "DVC_NO_ANALYTICS": "1",
        "DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }


def test_what_the_user_set_is_kept(monkeypatch):
    import os

    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    environment.prepare()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
