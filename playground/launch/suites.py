"""The test suites and benchmarks: which there are, what each needs, and one line at the end that counts."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from playground.launch import environment
from playground.launch.steps import PLAY, ROOT, SetupFailed, digest, step

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Real processes, real browsers: a test that hangs must name itself, not stop the run.
SECONDS_PER_TEST_MAX = 180

SUITES: dict[str, list[str]] = {
    "house": ["tests/house"],
    "engine": ["tests/engine", "tests/transcripts"],
    "simulation": ["tests/simulation"],
    "clients": ["tests/clients"],
    "web": ["tests/playground"],
    "front": [],
    "browser": ["tests/browser"],
    "campaign": ["tests/campaign"],
    "scenarios": ["tests/scenarios"],
    "fuzz": ["tests/fuzz"],
    "oracle": ["tests/oracle"],
}
ALL = ("house", "engine", "simulation", "clients", "web", "front", "browser")
CHAOS = ("campaign", "scenarios", "fuzz")  # what takes minutes and finds what nobody thought of; `./play test chaos` runs the three
# Long tests that only compute or wait: as many at once as there are processors, and after them, one by one, those that are marked
# `alone`, whose verdict hangs on time. The other suites measure time, or share one cluster; the one long test of `simulation` spreads itself.
TOGETHER = (*CHAOS, "clients")
NO_TESTS = 5  # pytest's exit status


def test(names: list[str]) -> int:
    """Runs the suites (those of ALL when none is named); 0 when every test passed."""
    wanted = [name for name in names if not name.startswith("-")] or list(ALL)
    if "chaos" in wanted:
        wanted = [one for name in wanted for one in (CHAOS if name == "chaos" else (name,))]
    unknown = [name for name in wanted if name not in SUITES and not Path(name.split("::")[0]).exists()]
    if unknown:
        raise SetupFailed(f"no suite {unknown[0]!r}; there are: {', '.join(SUITES)}, and chaos for {', '.join(CHAOS)}")
    environment.python_packages(environment.TEST_REQUIREMENTS)
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    if {"front", "browser", "web"} & set(wanted):
        environment.node_packages()
    if {"browser", "web"} & set(wanted):
        environment.front_end()
    if "browser" in wanted:
        env["CHROMIUM"] = chromium()
    if {"clients", "browser"} & set(wanted):
        kcat()
    options = [name for name in names if name.startswith("-")]
    passed = failed = 0
    broken = []
    for name in wanted:
        began = time.monotonic()
        good, bad, status = _vitest(env) if name == "front" else _suite(name, env, options)
        passed, failed = passed + good, failed + bad
        if status:
            broken.append(name)
        print(f"# {name}: {good} passed, {bad} failed, {time.monotonic() - began:.0f} s\n", flush=True)
    if broken:
        print(f"# not green: {', '.join(broken)}", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if broken else 0


def bench(names: list[str]) -> int:
    """Runs a benchmark of tests/bench with its arguments."""
    there = sorted(path.stem for path in (ROOT / "tests" / "bench").glob("*.py") if not path.stem.startswith("_"))
    if not names or names[0] not in there:
        raise SetupFailed(f"which benchmark? There are: {', '.join(there)}")
    command = [str(environment.PYTHON), str(ROOT / "tests" / "bench" / f"{names[0]}.py"), *names[1:]]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}).returncode


def _suite(name: str, env: dict[str, str], options: list[str]) -> tuple[int, int, int]:
    paths = SUITES.get(name, [name])
    if name not in TOGETHER:
        return _pytest(paths, env, options)
    spread = [f"--numprocesses={os.cpu_count() or 1}", "--dist=worksteal"]
    many = _pytest(paths, env, ["-m", "not alone", *spread, *options])
    single = _pytest(paths, env, ["-m", "alone", *options])
    return many[0] + single[0], many[1] + single[1], many[2] or (0 if single[2] == NO_TESTS else single[2])


def _pytest(paths: list[str], env: dict[str, str], options: list[str]) -> tuple[int, int, int]:
    there = [path for path in paths if (ROOT / path.split("::")[0]).exists()]
    command = [str(environment.PYTHON), "-m", "pytest", "-q", f"--timeout={SECONDS_PER_TEST_MAX}", *options, *there]
    return _counted(command, ROOT, env, _count_pytest)


def _vitest(env: dict[str, str]) -> tuple[int, int, int]:
    command, node_env = environment.npm()
    types = subprocess.run([*command, "run", "--silent", "check"], cwd=environment.STATIC, env=node_env)
    good, bad, status = _counted([*command, "run", "--silent", "test"], environment.STATIC, env | {"PATH": node_env["PATH"]}, _count_vitest)
    return good, bad, status or types.returncode


def _counted(command: list[str], cwd: Path, env: dict[str, str], count: Callable[[str], tuple[int, int]]) -> tuple[int, int, int]:
    """Runs a test runner with its output passed through; (passed, failed, exit status)."""
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    return *count("".join(lines[-60:])), process.wait()


def _count_pytest(text: str) -> tuple[int, int]:
    number = lambda word: sum(map(int, re.findall(rf"(\d+) {word}", text.strip().rsplit("\n", 1)[-1])))
    return number("passed"), number("failed") + number("error")


def _count_vitest(text: str) -> tuple[int, int]:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    row = next((line for line in plain.splitlines() if line.strip().startswith("Tests")), "")
    number = lambda word: sum(map(int, re.findall(rf"(\d+) {word}", row)))
    return number("passed"), number("failed")


# ---- what the tests need from outside Python


def chromium() -> str:
    """A Chromium: $CHROMIUM, the system's, Debian's where we may install it, else npm's. Raises SetupFailed."""
    if named := os.environ.get("CHROMIUM"):
        if not Path(named).exists():
            raise SetupFailed(f"CHROMIUM={named}: no such file")
        return named
    if found := _installed():
        return found
    if may_apt():
        step("chromium", lambda: _apt("chromium"))
        if found := _installed():
            return found
    return _chromium_of_npm()


def _installed() -> str | None:
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    return next((path for name in CHROMIUMS if (path := shutil.which(name))), mac if Path(mac).exists() else None)


def _chromium_of_npm() -> str:
    folder = PLAY / "chromium"
    command, env = environment.npm()

    def install() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        package = "@sparticuz/chromium@153.0.0"
        environment.run([*command, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", package],
                        env=env, what="npm install @sparticuz/chromium")

    step("chromium", install, wanted=digest([], str(folder)))
    ask = "import('@sparticuz/chromium').then(async m => console.log(await m.default.executablePath()))"
    node = command[0] if len(command) == 2 else "node"
    said = subprocess.run([node, "--input-type=module", "-e", ask], cwd=folder, env=env, capture_output=True, text=True)
    path = said.stdout.strip()
    if not path or not Path(path).exists():
        raise SetupFailed("no Chromium for the browser tests: install one, or set CHROMIUM to its path\n" + said.stderr[-500:])
    return path


def kcat() -> None:
    """Debian's kcat where we may install it; the tests say that they leave it out elsewhere."""
    if not shutil.which("kcat") and may_apt():
        step("kcat", lambda: _apt("kcat"))


def may_apt() -> bool:
    """Are we root on a machine with apt?"""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _apt(package: str) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    environment.run(["apt-get", "update", "-qq"], env=env, what="apt-get update")
    environment.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], env=env, what=f"apt-get install {package}")
