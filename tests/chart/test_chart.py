"""What the chart renders is what the processes read, what Kubernetes takes, and no secret."""

import importlib
import os
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import chart
import pytest
import yaml
from kit.settings import ProcessSettings

VALUES = yaml.safe_load((chart.CHART / "values.yaml").read_text())
SERVICES = sorted(VALUES["services"])
PROCESSES = [
    *((name, "serve") for name in SERVICES),
    *((name, "migrate") for name in SERVICES),
    *((name, "work") for name in SERVICES if "worker" in VALUES["services"][name]),
]
OPERATOR = "monitoring.coreos.com/v1"
SECRET_URL = "postgresql://role:word@host/database"
WITNESS_COMMAND = chart.ROOT / "services/identity/src/identity/witness/command.py"
ADDRESS = re.compile(r"^0\.0\.0\.0:(\d+)$")


@pytest.fixture(scope="session")
def manifests() -> list[chart.Manifest]:
    return chart.render()


def of_kind(manifests: list[chart.Manifest], kind: str) -> list[chart.Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def named(manifests: list[chart.Manifest], kind: str, name: str) -> chart.Manifest:
    (found,) = (m for m in of_kind(manifests, kind) if m["metadata"]["name"] == name)
    return found


def pods(manifests: list[chart.Manifest]) -> dict[tuple[str, str], Any]:
    """Every pod template, by service and component."""
    made = [*of_kind(manifests, "Deployment"), *of_kind(manifests, "Job")]
    templates = [manifest["spec"]["template"] for manifest in made]
    labels = "app.kubernetes.io/name", "app.kubernetes.io/component"
    return {tuple(t["metadata"]["labels"][label] for label in labels): t for t in templates}


def container(manifests: list[chart.Manifest], service: str, component: str) -> Any:
    (only,) = pods(manifests)[service, component]["spec"]["containers"]
    return only


def environment(manifests: list[chart.Manifest], service: str, component: str) -> dict[str, str]:
    """What the process finds in its environment; a Secret's value is made up."""
    only = container(manifests, service, component)
    found: dict[str, str] = {}
    for source in only.get("envFrom", []):
        found |= named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in only["env"]:
        found[variable["name"]] = variable.get("value", SECRET_URL)
    return found


def settings_of(service: str) -> type[ProcessSettings]:
    kind: type[ProcessSettings] = importlib.import_module(f"{service}.settings").Settings
    return kind


def read_settings(manifests: list[chart.Manifest], service: str, component: str) -> ProcessSettings:
    with patch.dict(os.environ, environment(manifests, service, component), clear=True):
        return settings_of(service)()


def test_every_service_and_every_worker_is_there(manifests: list[chart.Manifest]) -> None:
    assert sorted(pods(manifests)) == sorted(PROCESSES)
    root = chart.ROOT / "services"
    assert sorted(path.name for path in root.iterdir() if (path / "src").is_dir()) == SERVICES
    workers = {path.parent.name for path in root.glob("*/src/*/worker.py")}
    assert workers == {name for name, component in PROCESSES if component == "work"}


@pytest.mark.parametrize(("service", "component"), PROCESSES)
def test_a_process_finds_all_it_reads_and_nothing_it_does_not(
    manifests: list[chart.Manifest], service: str, component: str
) -> None:
    found = environment(manifests, service, component)
    known = {f"{service}_{field}".upper() for field in settings_of(service).model_fields}
    assert set(found) <= known
    settings = read_settings(manifests, service, component)
    assert (settings.migration_database_url is not None) == (component == "migrate")


@pytest.mark.parametrize(("service", "component"), PROCESSES)
def test_every_path_a_process_reads_is_mounted_or_in_its_image(
    manifests: list[chart.Manifest], service: str, component: str
) -> None:
    settings = read_settings(manifests, service, component)
    paths = {name: value for name, value in settings if isinstance(value, Path)}
    places = VALUES["services"][service].get("folders", {})
    for name, path in paths.items():
        place = places.get(name.upper(), {})
        if component == "migrate" or place.get("only") == "worker" != component:
            continue  # it is read where the work is done, and nowhere else
        mounts = container(manifests, service, component)["volumeMounts"]
        mounted = any(path.is_relative_to(mount["mountPath"]) for mount in mounts)
        assert mounted or str(path) == place["image"], name


@pytest.mark.parametrize(("service", "component"), PROCESSES)
def test_a_process_listens_where_its_ports_and_probes_are(
    manifests: list[chart.Manifest], service: str, component: str
) -> None:
    if component == "migrate":
        return
    settings = read_settings(manifests, service, component).model_dump()
    only = container(manifests, service, component)
    ports = {port["name"]: port["containerPort"] for port in only["ports"]}
    ops = "worker_ops_address" if component == "work" else "ops_address"
    listens = {"ops": settings[ops]}
    if component == "serve":
        listens |= {"grpc": settings["rpc_address"]} if "rpc_address" in settings else {}
        listens |= {"http": settings["http_address"]} if "http_address" in settings else {}
    assert listens == {name: f"0.0.0.0:{port}" for name, port in ports.items()}
    probes = {only[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness")}
    assert probes == {"/livez"}
    assert only["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "ops"}


@pytest.mark.parametrize("service", SERVICES)
def test_whom_a_service_asks_it_finds_and_may_reach(
    manifests: list[chart.Manifest], service: str
) -> None:
    found = environment(manifests, service, "serve")
    asked = {name: value for name, value in found.items() if value.startswith("sosia-")}
    fields = settings_of(service).model_fields
    others = {f"{name}_address" for name in SERVICES} & set(fields)
    assert {name.removeprefix(f"{service.upper()}_").lower() for name in asked} == others
    for name, value in asked.items():
        host, _, port = value.partition(":")
        other = name.split("_")[1].lower()
        ports = named(manifests, "Service", host)["spec"]["ports"]
        assert ("grpc", int(port)) in {(p["name"], p["port"]) for p in ports}
        assert _opens(named(manifests, "NetworkPolicy", f"sosia-{other}"), "ingress", service)
        assert _opens(named(manifests, "NetworkPolicy", f"sosia-{service}"), "egress", other)


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_else_is_let_in(manifests: list[chart.Manifest], service: str) -> None:
    policy = named(manifests, "NetworkPolicy", f"sosia-{service}")
    callers = {name for name in SERVICES if _opens(policy, "ingress", name)}
    assert callers == {n for n in SERVICES if service in VALUES["services"][n].get("asks", [])}


def _opens(policy: chart.Manifest, way: str, service: str) -> bool:
    peers = [
        peer["podSelector"]["matchLabels"].get("app.kubernetes.io/name")
        for rule in policy["spec"][way]
        for peer in rule["from" if way == "ingress" else "to"]
        if "podSelector" in peer and "namespaceSelector" not in peer
    ]
    return service in peers


def test_a_witness_runs_where_the_log_has_a_key_and_is_asked_by_nobody_else() -> None:
    key = "sosia/identity+00000000+AQ=="
    made = chart.render("--set", f"witness.logKey={key}")
    assert chart.validate(made) == []
    deployment = named(made, "Deployment", "sosia-witness")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    told = dict(one.removeprefix("--").split("=", 1) for one in only["args"])
    assert (only["command"], told["log-key"]) == (["python", "-m", "identity.witness"], key)
    mounts = [Path(mount["mountPath"]) for mount in only["volumeMounts"]]
    for name in ("key", "state"):
        assert any(Path(told[name]).is_relative_to(mount) for mount in mounts)
    known = set(re.findall(r'"--([a-z-]+)"', WITNESS_COMMAND.read_text()))
    assert set(told) <= known
    assert only["securityContext"]["readOnlyRootFilesystem"] is True
    claim = named(made, "PersistentVolumeClaim", "sosia-witness")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    policy = named(made, "NetworkPolicy", "sosia-witness")
    assert [name for name in SERVICES if _opens(policy, "ingress", name)] == ["identity"]
    assert [name for name in SERVICES if _opens(policy, "egress", name)] == ["gateway"]
    assert _opens(named(made, "NetworkPolicy", "sosia-witness-asks"), "ingress", "witness")
    assert _opens(named(made, "NetworkPolicy", "sosia-witness-is-asked"), "egress", "witness")
    port = only["ports"][0]["containerPort"]
    assert told["address"] == f"0.0.0.0:{port}"


def test_alerts_ask_for_figures_somebody_tells() -> None:
    asked = chart.render("--set", "alerts.install=true", "--set", "alerts.labels.release=stack")
    found = {one["kind"]: one for one in asked if one["apiVersion"] == OPERATOR}
    assert {one["metadata"]["labels"]["release"] for one in found.values()} == {"stack"}
    rules = [rule for group in found["PrometheusRule"]["spec"]["groups"] for rule in group["rules"]]
    assert rules
    told = " ".join(path.read_text() for path in chart.ROOT.glob("*/*/src/**/*.py"))
    for rule in rules:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        for figure in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b(?![=(])", rule["expr"]):
            assert f'"{figure.removesuffix("_bucket").removesuffix("_count")}"' in told, figure
    endpoint = found["PodMonitor"]["spec"]["podMetricsEndpoints"][0]["port"]
    wanted = found["PodMonitor"]["spec"]["selector"]["matchLabels"].items()
    for (_, component), pod in pods(asked).items():
        ports = {port["name"] for one in pod["spec"]["containers"] for port in one.get("ports", [])}
        assert wanted <= pod["metadata"]["labels"].items()
        assert endpoint in ports or component == "migrate"


def test_nothing_is_open_that_no_policy_opens(manifests: list[chart.Manifest]) -> None:
    deny = named(manifests, "NetworkPolicy", "sosia-deny")["spec"]
    assert set(deny["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in deny
    wanted = deny["podSelector"]["matchLabels"].items()
    for pod in pods(manifests).values():
        assert wanted <= pod["metadata"]["labels"].items()


def test_pods_are_as_restricted_as_kubernetes_can(manifests: list[chart.Manifest]) -> None:
    for pod in pods(manifests).values():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for one in spec["containers"]:
            security = one["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} <= one["resources"].keys()


def test_only_workers_get_a_gpu_and_the_image_with_torch(
    manifests: list[chart.Manifest],
) -> None:
    for (service, component), pod in pods(manifests).items():
        (only,) = pod["spec"]["containers"]
        works = component == "work"
        assert only["image"] == f"sosia/{service}{'-worker' if works else ''}:0.1.0"
        assert only["args"] == [component]
        assert ("nvidia.com/gpu" in only["resources"]["limits"]) == works


def test_no_secret_is_in_what_is_rendered(manifests: list[chart.Manifest]) -> None:
    assert not of_kind(manifests, "Secret")
    text = yaml.safe_dump_all(manifests)
    assert not re.search(r"://[^/\s:@]+:[^/\s@]+@|BEGIN [A-Z ]*PRIVATE|sosia_[\w-]{20,}", text)
    for service, component in pods(manifests):
        for variable in container(manifests, service, component)["env"]:
            if "DATABASE_URL" in variable["name"]:
                assert variable["valueFrom"]["secretKeyRef"]["name"]
    for config in of_kind(manifests, "ConfigMap"):
        assert not [name for name in config["data"] if "DATABASE_URL" in name]


def test_the_owner_of_the_tables_is_known_to_migrations_only(
    manifests: list[chart.Manifest],
) -> None:
    for service, component in pods(manifests):
        keys = {
            variable["valueFrom"]["secretKeyRef"]["key"]
            for variable in container(manifests, service, component)["env"]
            if "valueFrom" in variable
        }
        assert ("migration-url" in keys) == (component == "migrate")


def test_kubernetes_takes_every_manifest(manifests: list[chart.Manifest]) -> None:
    assert chart.validate(manifests) == []
    broken = yaml.safe_load(yaml.safe_dump(manifests))
    for deployment in of_kind(broken, "Deployment"):
        deployment["spec"]["replica"] = 1
    assert len(chart.validate(broken)) == len(of_kind(broken, "Deployment")) * len(chart.VERSIONS)


@pytest.mark.parametrize(
    "misspelt",
    [
        "images.tag=1",
        "image.tagg=1",
        "services.identty.replicas=1",
        "services.identity.replica=1",
        "services.identity.replicas=many",
        "services.render.worker.gpu=1",
        "services.render.resources.limits.mem=1Gi",
        "services.gateway.asks={identity,trainng}",
        "services.identity.settings.LOG_ORIGN=house",
        "services.identity.files.LOG_KEYS.secret=name",
        "services.training.folders.WORK.clam=name",
        "network.postgress.port=5432",
        "witness.logkey=x",
        "witness.logKey=x",
        "witness.intervalSeconds=0",
        "network.nats.peers[0].podSelectr.matchLabels.a=b",
        "network.nats.peers[0].podSelector.matchExpressions[0].oprator=Exists",
    ],
)
def test_a_misspelt_value_is_refused(misspelt: str) -> None:
    with pytest.raises(chart.Refused, match="schema"):
        chart.render("--set", misspelt)


@pytest.mark.parametrize(
    "secret",
    [
        "natsUrl=nats://user:word@nats:4222",
        "objects.url=https://key:word@store",
        f"services.identity.settings.DATABASE_URL={SECRET_URL}",
        "services.identity.database.url=x",
    ],
)
def test_a_secret_as_a_value_is_refused(secret: str) -> None:
    with pytest.raises(chart.Refused, match="schema"):
        chart.render("--set", secret)


@pytest.mark.parametrize("service", SERVICES)
def test_the_schema_knows_every_setting_of_a_service(service: str) -> None:
    schema = yaml.safe_load((chart.CHART / "values.schema.json").read_text())
    known = set(schema["definitions"][f"{service}Names"]["propertyNames"]["enum"])
    fields = {name.upper() for name in settings_of(service).model_fields}
    ours = {"DATABASE_URL", "MIGRATION_DATABASE_URL", "NATS_URL", "OBJECTS_URL"}
    assert known == {f for f in fields - ours if not f.endswith("_ADDRESS")}


def test_a_setting_reaches_its_process() -> None:
    made = chart.render("--set", "services.licensing.settings.QUOTE_LASTS=P7D")
    found = environment(made, "licensing", "serve")
    assert found["LICENSING_QUOTE_LASTS"] == "P7D"
    assert read_settings(made, "licensing", "serve").model_dump()["quote_lasts"].days == 7


def test_a_changed_setting_restarts_the_pods(manifests: list[chart.Manifest]) -> None:
    made = chart.render("--set", "services.render.settings.STEPS=30")
    before, after = (
        {
            key: pod["metadata"]["annotations"]["sosia/config"]
            for key, pod in pods(m).items()
            if key[1] != "migrate"
        }
        for m in (manifests, made)
    )
    assert {key for key in before if before[key] != after[key]} == {
        ("render", "serve"),
        ("render", "work"),
    }


def test_the_chart_going_takes_no_person_key_with_it(manifests: list[chart.Manifest]) -> None:
    claim = named(manifests, "PersistentVolumeClaim", "sosia-keystore")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
