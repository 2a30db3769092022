"""What is generated for several machines: valid for its schemas, complete, and without a secret's value.

The Swarm is run for real by tests/swarm/test_swarm.py, on demand.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from flotilla_cli.generator.compose import compose_switchboard
from flotilla_cli.generator.scaleout import FOLDER, kubernetes, needs_account, swarm
from flotilla_cli.generator.servers import server_of
from flotilla_cli.generator.tenants import compose_tenants

SLUGS = ("calendly", "email", "export", "filesystem", "n8n")
CLOSING = 12  # seconds that a process takes at most, after its calls, to close what it has open
SERVERS = {slug: server_of(slug) for slug in SLUGS}
FILES = kubernetes(SERVERS)
OBJECTS = [one for path, text in FILES.items() if "kustomization" not in path for one in yaml.safe_load_all(text)]
DEPLOYMENTS = {one["metadata"]["name"]: one for one in OBJECTS if one["kind"] == "Deployment"}


@pytest.mark.parametrize("version", ["1.30", "1.34"])
def test_kubernetes_objects_fit_the_schemas(version: str) -> None:
    for one in OBJECTS:
        kubernetes_validate.validate(one, version, strict=True)


def test_kubernetes_objects_of_each_server() -> None:
    kinds = sorted(one["kind"] for one in yaml.safe_load_all(FILES[f"{FOLDER}/servers/calendly/server.yaml"]))
    assert kinds == ["Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Service"]


@pytest.mark.parametrize("name", ["switchboard", *SLUGS])
def test_kubernetes_pods_are_restricted(name: str) -> None:
    """What the namespace's label `restricted` asks for, and that secrets come by reference alone."""
    pod = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for variable in container["env"]:
        if any(word in variable["name"] for word in ("TOKEN", "KEY", "SECRET", "PASSWORD")):
            assert set(variable) == {"name", "valueFrom"}, variable
    drain = next(int(v["value"]) for v in container["env"] if v["name"] == "FLOTILLA_DRAIN")
    assert pod["terminationGracePeriodSeconds"] > drain + CLOSING


def test_kubernetes_guards_of_the_fleet_reach_each_server() -> None:
    """What the ConfigMap `flotilla` says: the gateway applies lists and tier, and knows nothing of the rest."""
    for slug in SLUGS:
        [container] = DEPLOYMENTS[slug]["spec"]["template"]["spec"]["containers"]
        referred = {v["name"]: v["valueFrom"]["configMapKeyRef"] for v in container["env"] if "configMap" in str(v)}
        expected = {"FLOTILLA_METRICS", "FLOTILLA_READ_ONLY", "FLOTILLA_CONFIRM", "FLOTILLA_DRY_RUN"}
        expected |= {"FLOTILLA_DATA_QUOTA"} if SERVERS[slug].integration.files else set()
        assert referred == {name: {"name": "flotilla", "key": name, "optional": True} for name in expected}


def test_kubernetes_pods_are_counted_by_the_autoscaler_alone() -> None:
    """A number in the Deployment would undo what it has done at each `kubectl apply`."""
    assert all("replicas" not in one["spec"] for one in DEPLOYMENTS.values())
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in OBJECTS if one["kind"] == "HorizontalPodAutoscaler"}
    assert scaled == set(DEPLOYMENTS)


def test_kubernetes_policies_let_a_server_out_only_where_it_needs_the_network() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in OBJECTS if one["kind"] == "NetworkPolicy"}
    assert policies["export"]["egress"] == policies["filesystem"]["egress"] == []
    blocks = [to["ipBlock"] for to in policies["calendly"]["egress"][0]["to"]]
    assert "169.254.0.0/16" in blocks[0]["except"]  # a cloud's metadata service
    for slug in SLUGS:
        assert policies[slug]["ingress"][0]["from"][0] == {"podSelector": {"matchLabels": {"flotilla.role": "gateway"}}}
    assert policies["nothing-else"]["podSelector"] == {}


def test_kubernetes_gateway_knows_every_service() -> None:
    [container] = DEPLOYMENTS["switchboard"]["spec"]["template"]["spec"]["containers"]
    remote = next(v["value"] for v in container["env"] if v["name"] == "FLOTILLA_REMOTE")
    services = {one["metadata"]["name"]: one["spec"] for one in OBJECTS if one["kind"] == "Service"}
    for pair in remote.split(","):
        slug, _, url = pair.partition("=")
        assert url == f"http://{slug}:{services[slug]['ports'][0]['port']}/mcp"
        named = {"matchLabels": services[slug]["selector"]}
        assert DEPLOYMENTS[slug]["spec"]["selector"] == named


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not here")
@pytest.mark.parametrize("overlay", ["one-node", "many-nodes"])
def test_kubernetes_overlay(overlay: str, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    built = subprocess.run(
        ["kubectl", "kustomize", str(tmp_path / FOLDER / "overlays" / overlay)], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    objects = list(yaml.safe_load_all(built.stdout))
    for one in objects:
        kubernetes_validate.validate(one, "1.34", strict=True)
        assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "flotilla"
    scalers = [one for one in objects if one["kind"] == "HorizontalPodAutoscaler"]
    deployed = {one["metadata"]["name"]: one["spec"]["minReplicas"] for one in scalers}
    settings = next(one for one in objects if one["kind"] == "ConfigMap")
    servers = [slug for slug in deployed if slug != "switchboard"]
    expected = ["all"] if overlay == "many-nodes" else servers
    assert settings["data"]["FLOTILLA_SERVERS"].split(",") == expected
    assert settings["data"]["FLOTILLA_METRICS"] == "off"
    free = [slug for slug in SLUGS if not needs_account(SERVERS[slug])]
    if overlay == "one-node":
        assert deployed == dict.fromkeys(["switchboard", *free], 1)
    else:
        assert deployed == {"switchboard": 3, **dict.fromkeys(SLUGS, 2)}


def stack() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(swarm(SERVERS))
    return content


def test_swarm_gateways_and_servers_keep_no_sessions() -> None:
    services = stack()["services"]
    for name, service in services.items():
        environment = service["environment"]
        assert environment["FLOTILLA_TRANSPORT"] == "http"
        assert "FLOTILLA_STATEFUL" not in environment
        assert environment["FLOTILLA_STATE_KEY_FILE"] == "/run/secrets/flotilla-state-key"
        assert service["deploy"]["endpoint_mode"] == "dnsrr", name
        assert int(service["stop_grace_period"].removesuffix("s")) > int(environment["FLOTILLA_DRAIN"]) + CLOSING
    gateway = services["switchboard"]
    assert gateway["environment"]["FLOTILLA_SESSIONS"] == "off"
    assert gateway["ports"][0]["mode"] == "host"
    for slug in SLUGS:  # each alone with the switchboard, whose token opens all of them
        assert services[slug]["networks"] == [slug]
    assert set(gateway["networks"]) == {"public", *SLUGS}


@pytest.mark.parametrize("stack_of", [swarm, compose_switchboard, compose_tenants])
def test_metrics_can_be_switched_on_everywhere(stack_of: Callable[[Any], str]) -> None:
    """With the token that a Prometheus shows which is not in the same container."""
    services = yaml.safe_load(stack_of(SERVERS))["services"]
    names = [name for name in services if name in (*SLUGS, "switchboard")]
    assert names
    for name in names:
        environment = services[name]["environment"]
        assert environment["FLOTILLA_METRICS"] == "${FLOTILLA_METRICS:-off}"
        assert environment["FLOTILLA_METRICS_TOKEN"] == "${FLOTILLA_METRICS_TOKEN:-}"


def test_swarm_starts_servers_that_need_an_account_only_when_told() -> None:
    replicas = {slug: stack()["services"][slug]["deploy"]["replicas"] for slug in SLUGS}
    assert replicas["filesystem"] == "${FILESYSTEM_REPLICAS:-2}"
    assert replicas["calendly"] == "${CALENDLY_REPLICAS:-0}"


@pytest.mark.skipif(not shutil.which("docker"), reason="docker is not here")
def test_swarm_stack_is_what_docker_reads(tmp_path: Path) -> None:
    path = tmp_path / "stack.yaml"
    path.write_text(swarm(SERVERS))
    read = subprocess.run(["docker", "stack", "config", "-c", str(path)], capture_output=True, text=True)
    assert read.returncode == 0, read.stderr
    services = yaml.safe_load(read.stdout)["services"]
    assert services["export"]["deploy"]["replicas"] == 2
    assert services["calendly"]["deploy"]["replicas"] == 0
    unread = {
        name: value for s in services.values() for name, value in s["environment"].items() if "}" in (value or "")
    }
    assert unread == {}  # it reads no default inside of a default
