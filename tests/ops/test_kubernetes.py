"""The manifests: both overlays are what the official schemas allow, and as careful as they say."""

from __future__ import annotations

import functools
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from serving.metrics.families import Families
from serving.settings import read_settings
from steps.packaging.running import STATE
from vision.home import repository

FOLDER = repository() / "ops" / "kubernetes"
OVERLAYS = ("on-prem", "cloud")
# The oldest that is still looked after somewhere, and the newest whose schemas we have.
VERSIONS = ("1.29", "1.35")


@functools.cache
def rendered(overlay: str) -> dict[str, dict[str, Any]]:
    """The objects of an overlay by their kind."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl to render overlays with")
    done = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    objects = list(yaml.safe_load_all(done.stdout))
    found = {each["kind"]: each for each in objects}
    assert len(found) == len(objects)
    return found


def pod(overlay: str) -> dict[str, Any]:
    spec: dict[str, Any] = rendered(overlay)["Deployment"]["spec"]["template"]["spec"]
    return spec


@pytest.mark.integration
@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_what_the_official_schema_allows(overlay: str, version: str) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="it carries the schemas")
    for each in rendered(overlay).values():
        validate.validate(each, version, strict=True)


@pytest.mark.integration
@pytest.mark.fault
def test_the_schemas_find_a_mistake() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="it carries the schemas")
    wrong = yaml.safe_load((FOLDER / "base" / "deployment.yaml").read_text(encoding="utf-8"))
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}

    with pytest.raises(validate.ValidationError, match="readinesProbe"):
        validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.integration
def test_each_overlay_has_its_objects() -> None:
    both = {"Namespace", "ConfigMap", "Deployment", "Service", "NetworkPolicy"}

    assert set(rendered("on-prem")) == both | {"PersistentVolumeClaim"}
    assert set(rendered("cloud")) == both | {"HorizontalPodAutoscaler", "PodDisruptionBudget"}
    assert {
        each["metadata"].get("namespace")
        for kind, each in rendered("cloud").items()
        if kind != "Namespace"
    } == {"visionstack"}


@pytest.mark.integration
@pytest.mark.security
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pod_is_confined_and_limited(overlay: str) -> None:
    spec = pod(overlay)
    [container] = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
    }
    assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
    mounted = {each["mountPath"] for each in container["volumeMounts"]}
    assert mounted == {STATE, "/tmp"}


@pytest.mark.integration
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_what_they_mean(overlay: str) -> None:
    [container] = pod(overlay)["containers"]
    probes = {
        kind: container[f"{kind}Probe"]["httpGet"]["path"]
        for kind in ("startup", "readiness", "liveness")
    }

    # A pod without a model must not be restarted for ever, only be left out.
    assert probes == {"startup": "/livez", "readiness": "/readyz", "liveness": "/livez"}


@pytest.mark.integration
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_service_takes_the_settings_and_no_variable_of_kubernetes_gets_in(overlay: str) -> None:
    read_settings(rendered(overlay)["ConfigMap"]["data"])

    # A Service called visionstack would set VISIONSTACK_PORT, which the service refuses.
    assert pod(overlay)["enableServiceLinks"] is False


@pytest.mark.integration
def test_state_is_a_claim_on_one_machine_and_a_disk_for_each_pod_elsewhere() -> None:
    states = {
        name: next(v for v in pod(name)["volumes"] if v["name"] == "state") for name in OVERLAYS
    }

    assert states["on-prem"]["persistentVolumeClaim"] == {"claimName": "visionstack-state"}
    assert "ephemeral" not in states["on-prem"]
    assert "volumeClaimTemplate" in states["cloud"]["ephemeral"]
    assert rendered("on-prem")["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert rendered("cloud")["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 2


@pytest.mark.unit
def test_the_autoscaler_asks_for_what_the_adapter_makes_of_a_metric_of_ours() -> None:
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    Families(registry)
    ours = {f"{each.name}_total" for each in registry.collect()}
    adapter = yaml.safe_load((FOLDER / "prometheus-adapter.yaml").read_text(encoding="utf-8"))
    [rule] = adapter["rules"]["custom"]
    autoscaler = yaml.safe_load((FOLDER / "base" / "autoscaler.yaml").read_text(encoding="utf-8"))

    assert rule["seriesQuery"].partition("{")[0] in ours
    assert autoscaler["spec"]["metrics"][0]["pods"]["metric"]["name"] == rule["name"]["as"]


@pytest.mark.unit
@pytest.mark.security
def test_no_secret_is_in_the_repository() -> None:
    for path in FOLDER.rglob("*.yaml"):
        assert "kind: Secret" not in path.read_text(encoding="utf-8")
