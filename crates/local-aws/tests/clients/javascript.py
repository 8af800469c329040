"""The AWS SDK for JavaScript v3 against the local AWS, where Node is at hand; its packages are installed below target/."""

import json
import pathlib
import shutil
import subprocess

from server import ROOT

HERE = pathlib.Path(__file__).resolve().parent / "javascript"
FOLDER = ROOT / "target" / "clients-javascript"


def is_here():
    return shutil.which("npm") is not None


def version():
    packages = json.loads((HERE / "package.json").read_text())["dependencies"]
    return f"AWS SDK for JavaScript {max(packages.values())}"


def run(server, folder, package):
    """Name and outcome of each test."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "clients.mjs"):
        shutil.copy(HERE / name, FOLDER)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=FOLDER, check=True)
    path = folder / "javascript.zip"
    path.write_bytes(package)
    told = subprocess.run(
        ["node", "clients.mjs", server.url, str(path)], cwd=FOLDER, stdout=subprocess.PIPE, text=True, timeout=300
    )
    assert told.returncode == 0, "node ended with an error"
    lines = [line.split(" ", 1) for line in told.stdout.splitlines()]
    return [(name, outcome == "ok") for outcome, name in lines]
